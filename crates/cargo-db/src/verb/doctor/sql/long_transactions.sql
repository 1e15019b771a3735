SELECT format('session %s of %s (%s): %s for %s', pid, usename,
              coalesce(nullif(application_name, ''), 'no name'), state,
              date_trunc('second', clock_timestamp() - xact_start)) AS found
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
  AND xact_start < clock_timestamp() - make_interval(secs => {seconds})
ORDER BY xact_start
