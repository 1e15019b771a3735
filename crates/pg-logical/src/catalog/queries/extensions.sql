SELECT e.oid, e.extname AS name, n.nspname AS schema, e.extversion AS version,
       coalesce(a.comment = d.description, false) AS has_usual_comment
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_available_extensions a ON a.name = e.extname
LEFT JOIN pg_description d ON d.classoid = 'pg_extension'::regclass AND d.objoid = e.oid
WHERE e.oid >= 16384
