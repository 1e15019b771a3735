SELECT pg_catalog.string_agg(c.relname::pg_catalog.text, ',' ORDER BY c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'cargo_db' AND c.relkind = 'r' AND c.relname <> 'fingerprint'
  AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
           AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))
