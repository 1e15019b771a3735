-- What is reserved for superusers, and since PostgreSQL 16 for some roles, is not free for others.
-- The limits of a role and of a database do not hold for superusers.
WITH role AS (
    SELECT oid, rolsuper, rolconnlimit FROM pg_roles WHERE rolname = session_user
), sessions AS (
    SELECT datid, usesysid FROM pg_stat_activity
    WHERE usesysid IS NOT NULL AND leader_pid IS NULL AND pid <> pg_backend_pid()
      AND coalesce(backend_type, 'client backend') = 'client backend'
), limits AS (
    SELECT 'the server' AS limited_by, (SELECT count(*) FROM sessions) AS used,
           current_setting('max_connections')::bigint - CASE WHEN rolsuper THEN 0 ELSE
               current_setting('superuser_reserved_connections')::bigint
               + coalesce(current_setting('reserved_connections', true)::bigint, 0) END AS most
    FROM role
    UNION ALL
    SELECT 'the role', (SELECT count(*) FROM sessions WHERE usesysid = role.oid), rolconnlimit
    FROM role WHERE rolconnlimit >= 0 AND NOT rolsuper
    UNION ALL
    SELECT 'the database', (SELECT count(*) FROM sessions WHERE datid = d.oid), datconnlimit
    FROM pg_database d CROSS JOIN role
    WHERE datname = current_database() AND datconnlimit >= 0 AND NOT rolsuper
)
SELECT limited_by, most, greatest(most - used, 0) AS free FROM limits ORDER BY most - used LIMIT 1
