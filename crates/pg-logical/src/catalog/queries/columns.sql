SELECT a.attrelid AS relation, a.attnum AS number, a.attname AS name, a.atttypid AS type_oid,
       a.atttypmod AS modifier,
       -- 100 is the collation `default`, which most types have.
       CASE WHEN a.attcollation NOT IN (0, 100) THEN
           (SELECT quote_ident(n.nspname) || '.' || quote_ident(co.collname)
            FROM pg_collation co JOIN pg_namespace n ON n.oid = co.collnamespace
            WHERE co.oid = a.attcollation) END AS collation,
       a.attcollation AS collation_oid,
       a.attnotnull AS not_null, nullif(a.attidentity, '') AS identity,
       nullif(a.attgenerated, '') AS generated, a.attstorage AS storage,
       nullif(a.attcompression, '') AS compression, nullif(a.attstattarget, -1) AS statistics,
       a.attoptions AS options, a.attfdwoptions AS foreign_options, a.attislocal AS is_local,
       nullif(a.attinhcount, 0) AS ancestors, d.oid AS default_oid,
       -- Deparsing with a relation reads all of its columns. Only generated columns refer to them.
       pg_get_expr(d.adbin, CASE a.attgenerated WHEN '' THEN 0 ELSE a.attrelid END) AS value
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  AND c.relpersistence <> 't' AND a.attrelid >= 16384 AND {chosen relations a.attrelid}
