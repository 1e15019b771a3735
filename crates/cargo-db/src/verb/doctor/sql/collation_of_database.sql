SELECT 'the database', datcollversion, pg_database_collation_actual_version(oid)
    FROM pg_database WHERE datname = current_database() AND datcollversion IS NOT NULL
    UNION ALL
