-- The tables of this name. Those that the search path leads to come first, in its order.
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       n.nspname = ANY (ARRAY[{path}]::name[]) AS is_visible, n.nspname AS schema
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = {name} {schema} AND c.relkind IN ('r', 'p') AND n.nspname <> 'pg_temp'
ORDER BY array_position(ARRAY[{path}]::name[], n.nspname), 1
