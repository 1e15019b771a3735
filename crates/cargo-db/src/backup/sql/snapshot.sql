-- Begins the transaction whose snapshot a backup is taken from. Four answers after that: the
-- snapshot and the server, the database, its extensions, how many connections the server has left.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

SELECT pg_export_snapshot() AS snapshot, current_setting('server_version') AS version,
       current_setting('server_version_num')::int / 10000 AS major;

SELECT d.datname AS name, d.oid, to_jsonb(d) ->> 'datcollversion' AS collation_version,
       pg_database_size(d.oid) AS bytes, {locale}
FROM pg_database d
WHERE d.datname = current_database();

SELECT extname AS name, extversion AS version
FROM pg_extension
WHERE extname <> 'plpgsql'
ORDER BY 1;

SELECT current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int
           - (SELECT count(*) FROM pg_stat_activity
              WHERE backend_type = 'client backend') AS free
