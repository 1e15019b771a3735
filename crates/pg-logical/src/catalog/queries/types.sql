SELECT t.oid, n.nspname AS schema, t.typname AS name, pg_get_userbyid(t.typowner) AS owner,
       t.typtype AS kind, t.typrelid AS relation,
       CASE t.typtype WHEN 'e' THEN
           (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e
            WHERE e.enumtypid = t.oid) END AS labels,
       CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
       t.typnotnull AS not_null, pg_get_expr(t.typdefaultbin, 'pg_type'::regclass) AS fallback,
       CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN
           (SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
            FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
            WHERE co.oid = t.typcollation) END AS collation
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd') OR t.typtype = 'c' AND c.relkind = 'c')
  AND {own pg_type t} AND {lasting n} AND {chosen types t.oid}
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
