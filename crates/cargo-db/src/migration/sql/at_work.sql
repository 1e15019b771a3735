(SELECT pg_catalog.format('%s (pid %s)',
        coalesce(nullif(a.application_name, ''), a.usename, 'a session'), a.pid)
 FROM pg_catalog.pg_stat_activity a
 WHERE a.pid <> pg_catalog.pg_backend_pid()
   AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
   AND (EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p
                WHERE p.pid = a.pid AND p.relid = {table}
                  AND p.datname = pg_catalog.current_database())
        OR EXISTS (SELECT FROM pg_catalog.pg_locks l
                   WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
                     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                                       WHERE d.datname = pg_catalog.current_database())
                     AND l.relation IN ({table}, {part})
                     AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock')))
 ORDER BY a.pid LIMIT 1)
