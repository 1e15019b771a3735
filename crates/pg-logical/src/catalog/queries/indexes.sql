SELECT i.oid, n.nspname AS schema, i.relname AS name, x.indrelid AS relation,
       k.oid AS constraint, h.inhparent AS parent, x.indisclustered AS is_clustered,
       x.indisreplident AS is_identity, x.indisvalid AS is_valid, x.indisunique AS is_unique,
       i.relkind AS kind, i.reloptions AS options, s.spcname AS tablespace,
       -- Deparsing thousands of indexes is slow in the server. The definitions of plain ones, and
       -- of those of constraints, are composed from these columns.
       CASE WHEN k.oid IS NULL AND NOT ({chosen others -} AND i.relam = 403
                AND x.indexprs IS NULL AND x.indpred IS NULL AND i.reloptions IS NULL
                AND NOT x.indnullsnotdistinct --from 15
                AND t.has_options IS NOT TRUE)
            THEN pg_get_indexdef(i.oid) END AS definition,
       x.indkey AS columns, x.indnkeyatts AS keys, x.indclass AS classes,
       x.indcollation AS collations, x.indoption AS orders,
       x.indnullsnotdistinct AS nulls_are_equal, --from 15
       false AS nulls_are_equal, --until 14
       t.targets AS statistics
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = i.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')
    AND k.conrelid = x.indrelid
LEFT JOIN pg_inherits h ON h.inhrelid = i.oid
LEFT JOIN (SELECT a.attrelid, bool_or(a.attoptions IS NOT NULL) AS has_options,
                  array_agg(a.attnum || ' ' || a.attstattarget ORDER BY a.attnum)
                      FILTER (WHERE a.attstattarget >= 0) AS targets
           FROM pg_attribute a
           WHERE (a.attstattarget >= 0 OR a.attoptions IS NOT NULL) AND a.attnum > 0
             AND {chosen indexes a.attrelid}
           GROUP BY a.attrelid) t ON t.attrelid = i.oid
LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {own pg_class c}
  AND {chosen relations c.oid}
