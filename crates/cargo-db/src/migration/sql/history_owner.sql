SELECT pg_get_userbyid(c.relowner) AS owner,
       quote_ident(n.nspname) AS schema,
       has_schema_privilege(n.oid, 'USAGE') AS may_use_schema
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE format('%I.%I', n.nspname, c.relname) = {table}
