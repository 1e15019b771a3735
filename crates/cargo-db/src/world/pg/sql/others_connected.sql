-- The other sessions in a database, without the session of the lock. What a session of another role
-- is, this role may not be allowed to read.
SELECT coalesce(nullif(application_name, ''), 'a program without a name') || ' as ' || usename
FROM pg_stat_activity
WHERE datname = {database} AND coalesce(backend_type, 'client backend') = 'client backend'
  AND pid <> pg_backend_pid() AND coalesce(application_name, '') NOT LIKE 'cargo-db/% lock'
ORDER BY backend_start
