SELECT i.oid, n.nspname AS schema, i.relname AS name, x.indrelid AS relation,
       k.oid AS constraint, h.inhparent AS parent, x.indisclustered AS is_clustered,
       x.indisreplident AS is_identity, x.indisvalid AS is_valid, x.indisunique AS is_unique,
       i.relkind AS kind, i.reloptions AS options, s.spcname AS tablespace,
       CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.oid) END AS definition,
       t.targets AS statistics
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = i.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')
    AND k.conrelid = x.indrelid
LEFT JOIN pg_inherits h ON h.inhrelid = i.oid
LEFT JOIN (SELECT a.attrelid,
                  array_agg(a.attnum || ' ' || a.attstattarget ORDER BY a.attnum) AS targets
           FROM pg_attribute a WHERE a.attstattarget >= 0 AND a.attnum > 0
             AND {chosen indexes a.attrelid}
           GROUP BY a.attrelid) t ON t.attrelid = i.oid
LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {own pg_class c}
  AND {chosen relations c.oid}
