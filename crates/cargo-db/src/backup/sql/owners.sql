-- The connecting role, unless it is a superuser; and those of some roles that it may not make the
-- owner of anything. `pg_database_owner` cannot be granted: the owner of a database is implicitly a
-- member.
SELECT rolname AS name FROM pg_roles WHERE rolname = current_user AND NOT rolsuper;

SELECT r.rolname AS name, r.rolsuper AS is_superuser
FROM pg_roles r
WHERE r.rolname = ANY (ARRAY[{names}]::text[])
  AND r.rolname <> 'pg_database_owner'
  AND NOT pg_has_role(r.oid, CASE WHEN current_setting('server_version_num')::int < 160000
                             THEN 'MEMBER' ELSE 'SET' END)
ORDER BY r.rolname
