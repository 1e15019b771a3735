-- For partitions, their parent table; for tables that were never analysed, their true size and the
-- rows that the statistics collector counted.
SELECT c.oid, CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid END AS root,
       CASE WHEN c.reltuples < 0 AND c.relkind <> 'p'
            THEN pg_stat_get_live_tuples(c.oid) END AS rows,
       CASE WHEN c.reltuples < 0 AND c.relkind <> 'p'
            THEN pg_total_relation_size(c.oid) END AS bytes
FROM pg_class c
WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND (c.relispartition OR c.reltuples < 0)
