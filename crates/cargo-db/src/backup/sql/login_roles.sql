-- The roles that were created to load a dump, and whose databases no longer exist.
SELECT r.rolname::pg_catalog.text AS name
FROM pg_catalog.pg_roles r
WHERE pg_catalog.shobj_description(r.oid, 'pg_authid') OPERATOR(pg_catalog.=) {comment}
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) r.rolname
  )
