WITH counted AS (
    SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS of_server,
           count(*) FILTER (WHERE datname = current_database()) AS of_database,
           count(*) FILTER (WHERE usename = current_user) AS of_role
    FROM pg_stat_activity
),
limited AS (
    SELECT 'the server' AS what, of_server AS used, current_setting('max_connections')::bigint
           - current_setting('superuser_reserved_connections')::bigint AS allowed
    FROM counted
    UNION ALL
    SELECT 'the database ' || d.datname, of_database, d.datconnlimit
    FROM counted, pg_database d WHERE d.datname = current_database() AND d.datconnlimit >= 0
    UNION ALL
    SELECT 'the role ' || r.rolname, of_role, r.rolconnlimit
    FROM counted, pg_roles r WHERE r.rolname = current_user AND r.rolconnlimit >= 0
)
SELECT format('%s uses %s of %s connections', what, used, allowed) AS found
FROM limited WHERE used >= 0.8 * allowed
