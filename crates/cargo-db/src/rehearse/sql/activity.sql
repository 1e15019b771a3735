-- Our own locks.
SELECT relation AS oid, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted;

-- Rows that our transaction has read and changed. The view `pg_stat_xact_user_tables` says the
-- same, but joins every table with its indexes.
SELECT * FROM (
    SELECT c.oid, pg_stat_get_xact_numscans(c.oid) AS scans,
           pg_stat_get_xact_tuples_inserted(c.oid) AS inserted,
           pg_stat_get_xact_tuples_updated(c.oid) AS updated,
           pg_stat_get_xact_tuples_deleted(c.oid) AS deleted
    FROM pg_class c WHERE c.relkind IN ('r', 't', 'm', 'p') AND c.oid >= 16384
) AS done
WHERE scans + inserted + updated + deleted > 0;

SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal,
       pg_catalog.current_setting('session_replication_role') <> 'origin' AS replica;

-- How often the catalogs were written, also by what was rolled back: `read` those that a snapshot
-- is read from, `gone` deleted relations, `others` what the rest of it depends on. A new table
-- writes a type; only a changed one matters. The counters are exact since version 15.
SELECT sum(w.inserted + w.updated + w.deleted) FILTER (WHERE w.is_read) AS read,
       sum(w.deleted) FILTER (WHERE w.name = 'pg_class') AS gone,
       sum(w.updated + CASE w.name WHEN 'pg_type' THEN 0 ELSE w.inserted + w.deleted END)
           FILTER (WHERE NOT w.is_read) AS others,
       pg_current_xact_id_if_assigned() AS own, pg_xact_status({own}) AS status,
       mod(pg_snapshot_xmin(pg_current_snapshot())::text::numeric, 4294967296) AS oldest,
       current_setting('track_counts') = 'on'
           AND current_setting('server_version_num')::int4 >= 150000 AS is_exact
FROM (
    SELECT c.name, c.name IN ('pg_class', 'pg_attribute') AS is_read,
           pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_inserted(c.oid) AS inserted,
           pg_stat_get_tuples_updated(c.oid) + pg_stat_get_xact_tuples_updated(c.oid) AS updated,
           pg_stat_get_tuples_deleted(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid) AS deleted
    FROM (SELECT n.name, n.name::regclass::oid
          FROM unnest(ARRAY['pg_class', 'pg_attribute', 'pg_type', 'pg_namespace',
                            'pg_auth_members', 'pg_authid']) AS n (name)) AS c (name, oid)
) w
