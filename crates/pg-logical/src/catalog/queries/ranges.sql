SELECT t.oid, n.nspname AS schema, t.typname AS name, pg_get_userbyid(t.typowner) AS owner,
       format_type(r.rngsubtype, NULL) AS subtype, mn.nspname AS multirange_schema,
       m.typname AS multirange,
       CASE WHEN NOT o.opcdefault THEN quote_ident(o_n.nspname) || '.' || quote_ident(o.opcname)
       END AS operator_class,
       CASE WHEN r.rngcollation <> s.typcollation THEN
           (SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
            FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
            WHERE co.oid = r.rngcollation) END AS collation,
       CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::text END AS difference
FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_type s ON s.oid = r.rngsubtype
JOIN pg_opclass o ON o.oid = r.rngsubopc JOIN pg_namespace o_n ON o_n.oid = o.opcnamespace
JOIN pg_type m ON m.oid = r.rngmultitypid JOIN pg_namespace mn ON mn.oid = m.typnamespace
WHERE {own pg_type t} AND {lasting n} AND {chosen types t.oid}
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  -- Its function takes the type before the type is there: only one written in C can.
  AND r.rngcanonical = 0
