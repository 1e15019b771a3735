EXISTS (
    SELECT 1 FROM pg_catalog.unnest({tables}) t
    LEFT JOIN LATERAL pg_catalog.pg_partition_ancestors(t::pg_catalog.regclass) g ON true
    WHERE t IN (k.conrelid, k.confrelid) OR g.relid::pg_catalog.oid IN (k.conrelid, k.confrelid)
)
