-- Each partition with the root of its partition tree.
SELECT format('%I.%I', n.nspname, c.relname) AS partition,
       format('%I.%I', rn.nspname, r.relname) AS partitioned
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE c.relispartition AND c.relkind IN ('r', 'p')
