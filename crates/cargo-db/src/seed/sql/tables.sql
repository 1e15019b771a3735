-- Tables, and the tables that refer to them.
SELECT n.nspname || '.' || c.relname AS name, greatest(c.reltuples, 0)::bigint AS rows,
       coalesce(string_agg(DISTINCT rn.nspname || '.' || rc.relname, E'\x01'), '') AS referrers
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint f ON f.contype = 'f' AND f.confrelid = c.oid AND f.conrelid <> c.oid
LEFT JOIN pg_class rc ON rc.oid = f.conrelid LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND n.nspname NOT IN ('information_schema', 'cargo_db', 'cargo_db_approval')
  AND n.nspname NOT LIKE 'pg\_%'
GROUP BY 1, 2;

-- Whether the database records its seeds.
SELECT to_regclass('cargo_db.seeds') IS NOT NULL AS remembers
