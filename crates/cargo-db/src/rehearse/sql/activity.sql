-- Our own locks.
SELECT relation AS oid, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted;

-- Rows that our transaction has read and changed. The view `pg_stat_xact_user_tables` says the
-- same, but joins every table with its indexes. If not all that was counted before is known, all
-- tables are read, else only those that the transaction has locked: it keeps these locks, except
-- those on TOAST tables.
WITH held AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.reltoastrelid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.granted
), used (oid) AS (
    SELECT c.oid FROM pg_class c
    WHERE c.relkind IN ('r', 't', 'm', 'p') AND c.oid >= 16384 AND NOT {known}
    UNION
    SELECT oid FROM held WHERE relkind IN ('r', 't', 'm', 'p') AND oid >= 16384
    UNION
    SELECT reltoastrelid FROM held WHERE reltoastrelid >= 16384
)
SELECT * FROM (
    SELECT oid, pg_stat_get_xact_numscans(oid) AS scans,
           pg_stat_get_xact_tuples_inserted(oid) AS inserted,
           pg_stat_get_xact_tuples_updated(oid) AS updated,
           pg_stat_get_xact_tuples_deleted(oid) AS deleted
    FROM used
) AS done
WHERE scans + inserted + updated + deleted > 0;

SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal,
       pg_catalog.current_setting('session_replication_role') <> 'origin' AS replica,
       (SELECT virtualtransaction FROM pg_locks
        WHERE pid = pg_backend_pid() AND locktype = 'virtualxid' LIMIT 1) AS transaction
