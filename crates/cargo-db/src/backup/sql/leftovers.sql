-- Databases with the name of a sibling database, with their comments.
SELECT d.datname AS name, pg_catalog.shobj_description(d.oid, 'pg_database') AS comment
FROM pg_catalog.pg_database d
WHERE pg_catalog.starts_with(d.datname::pg_catalog.text, {prefix})
