-- The other sessions in this database, without the session of the lock.
SELECT coalesce(nullif(application_name, ''), 'a program without a name') || ' as ' || usename
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND pid <> pg_backend_pid() AND application_name NOT LIKE 'cargo-db/% lock'
