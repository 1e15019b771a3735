-- Databases that are named like those that are built beside one, and that nobody uses.
SELECT datname AS name, shobj_description(d.oid, 'pg_database') AS comment
FROM pg_database d
WHERE starts_with(datname, {prefix})
  AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a
                  WHERE a.datid = d.oid AND a.backend_type = 'client backend')
