-- Ends the sessions in these databases that the role may end. Renaming waits a little for others,
-- such as an autovacuum worker, which it ends by itself.
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity a
JOIN pg_roles own ON own.rolname = current_user
LEFT JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.datname IN ({databases}) AND a.pid <> pg_backend_pid()
  AND (own.rolsuper OR NOT coalesce(r.rolsuper, true)
       AND (pg_has_role(r.oid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER')))
