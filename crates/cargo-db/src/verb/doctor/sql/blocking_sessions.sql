SELECT format('session %s of %s (%s) lets %s wait', blocking.pid, holder.usename,
              coalesce(holder.state, 'unknown'), count(DISTINCT waiting.pid)) AS found
FROM pg_stat_activity waiting
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS blocking(pid)
LEFT JOIN pg_stat_activity holder ON holder.pid = blocking.pid
WHERE waiting.datname = current_database() AND waiting.wait_event_type = 'Lock'
GROUP BY blocking.pid, holder.usename, holder.state
ORDER BY blocking.pid
