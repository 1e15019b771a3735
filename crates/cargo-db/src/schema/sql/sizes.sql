-- What tables take on disk with their indexes; partitioned ones with their partitions.
SELECT c.oid,
       CASE c.relkind
           WHEN 'p' THEN (SELECT sum(pg_total_relation_size(t.relid))
                          FROM pg_partition_tree(c.oid) AS t)
           ELSE pg_total_relation_size(c.oid)
       END AS bytes
FROM pg_class c
WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't'
  AND pg_total_relation_size(c.oid) IS NOT NULL
ORDER BY c.oid
