-- Statements that move the statistics objects of the tables in a schema to it: they stay behind
-- when their table is moved.
SELECT 'ALTER STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname)
           || ' SET SCHEMA {aside}' AS statement
FROM pg_statistic_ext s
JOIN pg_namespace n ON n.oid = s.stxnamespace
JOIN pg_class c ON c.oid = s.stxrelid
WHERE c.relnamespace = {literal}::regnamespace
