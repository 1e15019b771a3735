-- The tables of this name. The one that the search path leads to comes first.
SELECT format('%I.%I', n.nspname, c.relname) AS table,
       pg_table_is_visible(c.oid) AS is_visible, n.nspname AS schema
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = {name} {schema} AND c.relkind IN ('r', 'p') AND n.nspname <> 'pg_temp'
ORDER BY is_visible DESC, 1
