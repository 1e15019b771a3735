-- Terminates other sessions that write in this database as cargo db or as a tool that it runs.
SELECT pid, pg_terminate_backend(pid) AS ended FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND application_name LIKE 'cargo-db/%'
  AND (application_name LIKE '% tool' OR application_name LIKE {write})
