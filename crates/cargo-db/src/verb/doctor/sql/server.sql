SELECT name, reset_val AS value, coalesce(unit, '') AS unit, source
FROM pg_settings
WHERE name IN (
    'client_encoding', 'data_checksums', 'DateStyle', 'default_transaction_isolation',
    'default_transaction_read_only', 'fsync', 'full_page_writes', 'hot_standby',
    'idle_in_transaction_session_timeout', 'in_hot_standby', 'jit', 'lc_collate', 'lc_ctype',
    'lock_timeout', 'maintenance_work_mem', 'max_connections', 'max_locks_per_transaction',
    'max_prepared_transactions', 'max_wal_size', 'password_encryption', 'row_security',
    'server_encoding', 'server_version_num', 'session_replication_role', 'shared_buffers', 'ssl',
    'standard_conforming_strings', 'statement_timeout', 'superuser_reserved_connections',
    'synchronous_commit', 'TimeZone', 'transaction_timeout', 'wal_level', 'work_mem'
)
ORDER BY name
