-- The complete templates of a database that this role may drop.
SELECT d.datname AS name, c.comment
FROM pg_catalog.pg_database d,
     pg_catalog.shobj_description(d.oid, 'pg_database') AS c (comment)
WHERE pg_catalog.starts_with(d.datname::pg_catalog.text, {prefix})
  AND pg_catalog.starts_with(c.comment, {mark}) AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
