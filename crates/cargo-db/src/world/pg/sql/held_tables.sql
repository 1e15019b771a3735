-- A table of the project that another session has locked against reading, with that session. A
-- session that only waits for such a lock also blocks later readers.
SELECT format('%I.%I', n.nspname, c.relname) AS name, l.pid, l.granted,
       coalesce(nullif(a.application_name, ''), 'a program without a name') AS program,
       a.usename AS role, to_char(a.query_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS since
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'S', 'v')
  AND n.nspname !~ '^pg_' AND l.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY l.granted DESC, a.query_start, c.oid LIMIT 1
