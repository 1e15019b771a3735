-- The tables and materialized views with these names, and the tables that a change of their rows
-- can reach: partitions, children, and tables to which a foreign key cascades changes.
WITH RECURSIVE next (parent, child) AS (
    SELECT inhparent, inhrelid FROM pg_inherits
    UNION ALL
    SELECT confrelid, conrelid FROM pg_constraint
    WHERE contype = 'f'
      AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
), reached (oid) AS (
    SELECT to_regclass(given.name)::oid FROM unnest(ARRAY[{names}]::text[]) AS given (name)
    UNION
    SELECT next.child FROM reached JOIN next ON next.parent = reached.oid
)
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind = 'm' AS is_view,
       pg_table_size(c.oid) AS size, row_security_active(c.oid) AS hidden,
       (SELECT string_agg(a.attname, E'\x1f' ORDER BY a.attname) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid IN (SELECT oid FROM reached) AND c.relkind IN ('r', 'm') AND {project_relation}
ORDER BY size, name
