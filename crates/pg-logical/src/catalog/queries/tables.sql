-- The tables to lock, before anything is asked that reads the newest catalog.
SELECT n.nspname AS schema, c.relname AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {own pg_class c}
ORDER BY c.oid
