-- Databases that are named like those that are built beside one, with what is written on them.
SELECT d.datname AS name, pg_catalog.shobj_description(d.oid, 'pg_database') AS comment
FROM pg_catalog.pg_database d
WHERE pg_catalog.starts_with(d.datname::pg_catalog.text, {prefix})
