-- The tables that hold rows themselves, with the conditions on their rows.
SELECT c.oid AS oid, format('%I.%I', n.nspname, c.relname) AS name,
       coalesce((SELECT string_agg(pg_get_expr(k.conbin, k.conrelid), E'\x1f' ORDER BY k.conname)
                 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'), '') AS checks,
       coalesce(CASE WHEN c.relispartition THEN pg_get_partition_constraintdef(c.oid) END, '')
           AS bound
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.oid >= 16384 AND {project}
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
