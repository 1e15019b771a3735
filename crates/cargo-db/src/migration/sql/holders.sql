-- The sessions that the worker waits for: those that hold the lock, or the snapshot, that has to
-- end first. A prepared transaction has no process.
SELECT CASE WHEN b.pid = 0 THEN
           coalesce((SELECT 'the prepared transaction '
                            || pg_catalog.string_agg(pg_catalog.quote_literal(p.gid), ', ')
                     FROM pg_catalog.pg_prepared_xacts p
                     WHERE p.database = pg_catalog.current_database()), 'a prepared transaction')
       ELSE pg_catalog.concat(
           coalesce(nullif(a.application_name, ''), a.backend_type, 'a session'),
           ' as ' || a.usename, ' (pid ' || b.pid || ')',
           ', ' || a.state,
           ', in a transaction since ' || pg_catalog.to_char(
               pg_catalog.timezone('UTC', a.xact_start), 'YYYY-MM-DD HH24:MI:SS') || ' UTC')
       END AS who,
       EXISTS (SELECT FROM pg_catalog.pg_stat_activity o
               WHERE o.pid = ANY (pg_catalog.pg_blocking_pids(b.pid))
                 AND o.datname = pg_catalog.current_database()
                 AND o.application_name LIKE 'cargo-db/% lock') AS waits_for_us
FROM (SELECT DISTINCT pg_catalog.unnest(pg_catalog.pg_blocking_pids({worker})) AS pid) b
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
ORDER BY b.pid
