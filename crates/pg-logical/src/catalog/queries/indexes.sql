SELECT i.oid, n.nspname AS schema, i.relname AS name, x.indrelid AS relation,
       k.oid AS constraint, h.inhparent AS parent, x.indisclustered AS is_clustered,
       x.indisreplident AS is_identity, x.indisvalid AS is_valid, x.indisunique AS is_unique,
       i.relkind AS kind, i.reloptions AS options, s.spcname AS tablespace,
       CASE WHEN k.oid IS NOT NULL THEN NULL
            WHEN p.is_plain AND i.reloptions IS NULL AND t.has_options IS NOT TRUE
                 AND NOT x.indnullsnotdistinct --from 15
            THEN CASE WHEN x.indisunique THEN 'CREATE UNIQUE INDEX ' ELSE 'CREATE INDEX ' END
                 || quote_ident(i.relname)
                 || CASE i.relkind WHEN 'I' THEN ' ON ONLY ' ELSE ' ON ' END
                 || quote_ident(cn.nspname) || '.' || quote_ident(c.relname)
                 || ' USING btree (' || p.keys || ')'
                 || coalesce(' INCLUDE (' || p.included || ')', '')
            ELSE pg_get_indexdef(i.oid) END AS definition,
       t.targets AS statistics
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = i.relnamespace JOIN pg_namespace cn ON cn.oid = c.relnamespace
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
-- Deparsing thousands of indexes is slow in the server, so the definitions of plain ones are
-- composed here: btree indexes of columns with the defaults of their types.
LEFT JOIN (SELECT x.indexrelid,
                  count(*) = min(x.indnatts)
                  AND bool_and(x.place > x.indnkeyatts
                               OR x.collation = a.attcollation AND o.opcdefault
                                  AND (o.opcintype = a.atttypid
                                       OR o.opcintype = 'text'::regtype
                                          AND a.atttypid = 'varchar'::regtype)) AS is_plain,
                  string_agg(quote_ident(a.attname)
                             || CASE x.option WHEN 1 THEN ' DESC NULLS LAST'
                                    WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END,
                             ', ' ORDER BY x.place)
                      FILTER (WHERE x.place <= x.indnkeyatts) AS keys,
                  string_agg(quote_ident(a.attname), ', ' ORDER BY x.place)
                      FILTER (WHERE x.place > x.indnkeyatts) AS included
           FROM (SELECT x.indexrelid, x.indrelid, x.indnatts, x.indnkeyatts, u.number, u.place,
                        x.indcollation[u.place - 1] AS collation,
                        x.indoption[u.place - 1] AS option,
                        x.indclass[u.place - 1] AS class
                 FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                 JOIN pg_am m ON m.oid = i.relam AND m.amname = 'btree'
                 CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS u (number, place)
                 WHERE x.indrelid >= 16384 AND NOT x.indisprimary AND x.indexprs IS NULL
                   AND x.indpred IS NULL AND {chosen relations x.indrelid}
                 OFFSET 0) x
           JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.number
           LEFT JOIN pg_opclass o ON o.oid = x.class
           GROUP BY x.indexrelid) p ON p.indexrelid = i.oid
LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {own pg_class c}
  AND {chosen relations c.oid}
