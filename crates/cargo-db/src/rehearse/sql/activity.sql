-- Our own locks.
SELECT relation AS oid, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted;

-- Rows that our transaction has read and changed.
SELECT relid AS oid, seq_scan AS scans, n_tup_ins AS inserted, n_tup_upd AS updated,
       n_tup_del AS deleted
FROM pg_stat_xact_user_tables
WHERE seq_scan + n_tup_ins + n_tup_upd + n_tup_del > 0;

SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal,
       pg_catalog.current_setting('session_replication_role') <> 'origin' AS replica
