-- The tables with a name or with the columns that a tool's history has.
SELECT * FROM (
    SELECT format('%I.%I', n.nspname, c.relname) AS table, n.nspname AS schema, c.relname AS name,
           (SELECT string_agg(a.attname, ' ' ORDER BY a.attname COLLATE "C") FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%'
      AND n.nspname <> 'information_schema') AS t
WHERE name IN ({names}) OR columns IN ({signatures})
ORDER BY 1
