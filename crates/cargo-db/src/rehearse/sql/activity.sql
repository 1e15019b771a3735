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
       pg_catalog.current_setting('session_replication_role') <> 'origin' AS replica
