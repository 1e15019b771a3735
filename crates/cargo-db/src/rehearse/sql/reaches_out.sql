-- Whether our transaction has changed objects shared by all databases of the server.
--
-- A write keeps a lock on the catalog until the end, except for the privileges on a database: then
-- its row was written by this transaction only.
SELECT 1 FROM pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND database = 0
  AND mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
               'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  AND relation::regclass::text ~ ('^(pg_catalog\.)?(pg_authid|pg_auth_members|pg_database'
      || '|pg_tablespace|pg_shdescription|pg_shseclabel|pg_db_role_setting'
      || '|pg_replication_origin|pg_subscription|pg_parameter_acl)$')
UNION ALL
SELECT 1 FROM pg_database
WHERE CASE WHEN xmin::text::bigint <= txid_current() & 4294967295
           THEN txid_status((txid_current() >> 32 << 32) + xmin::text::bigint) = 'in progress' END
LIMIT 1
