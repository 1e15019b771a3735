-- The rows of tables that have grown since the server counted them, estimated from their current
-- number of pages.
SELECT c.oid,
       (c.reltuples::numeric * pg_catalog.pg_relation_size(c.oid)
        / (pg_catalog.current_setting('block_size')::bigint * c.relpages))::bigint AS rows
FROM pg_class c
WHERE c.relkind IN ('r', 'm') AND c.relpages > 0 AND c.oid >= 16384
  AND pg_catalog.pg_relation_size(c.oid)
      > pg_catalog.current_setting('block_size')::bigint * c.relpages
