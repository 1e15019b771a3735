-- The sessions that wait for a lock of the worker, and the progress of its index build.
SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename, 'somebody') AS who
FROM pg_stat_activity a
WHERE a.wait_event_type = 'Lock' AND {worker} = ANY (pg_blocking_pids(a.pid));

SELECT phase,
       CASE WHEN tuples_total > 0 THEN least(100, 100 * tuples_done / tuples_total)
            WHEN blocks_total > 0 THEN least(100, 100 * blocks_done / blocks_total) END AS percent
FROM pg_stat_progress_create_index
WHERE pid = {worker}
