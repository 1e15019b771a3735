SELECT a.attrelid AS relation, a.attnum AS number, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type, a.atttypid AS type_oid,
       CASE WHEN a.attcollation <> t.typcollation THEN
           (SELECT quote_ident(n.nspname) || '.' || quote_ident(co.collname)
            FROM pg_collation co JOIN pg_namespace n ON n.oid = co.collnamespace
            WHERE co.oid = a.attcollation) END AS collation,
       CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation END AS collation_oid,
       a.attnotnull AS not_null, a.attidentity AS identity, a.attgenerated AS generated,
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END AS storage,
       nullif(a.attcompression, '') AS compression, nullif(a.attstattarget, -1) AS statistics,
       a.attoptions AS options, a.attfdwoptions AS foreign_options, a.attislocal AS is_local,
       a.attinhcount AS ancestors, d.oid AS default_oid, e.expression AS value
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
-- Many columns have equal defaults. Each is deparsed once (per table, if it refers to columns).
LEFT JOIN (SELECT g.tree, g.of, pg_get_expr(o.adbin, o.adrelid) AS expression
           FROM (SELECT d.adbin::text COLLATE "C" AS tree, min(d.oid) AS oid,
                        CASE WHEN strpos(d.adbin::text, ' :varno ') > 0 THEN d.adrelid
                             ELSE 0 END AS of
                 FROM pg_attrdef d WHERE d.adrelid >= 16384 AND {chosen relations d.adrelid}
                 GROUP BY 1, 3) g
           JOIN pg_attrdef o ON o.oid = g.oid) e
    ON e.tree = d.adbin::text COLLATE "C"
    AND e.of = CASE WHEN strpos(d.adbin::text, ' :varno ') > 0 THEN d.adrelid ELSE 0 END
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  AND c.relpersistence <> 't' AND a.attrelid >= 16384 AND {chosen relations a.attrelid}
ORDER BY a.attrelid, a.attnum
