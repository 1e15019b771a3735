-- How `pg_dump` copies a table: its columns, whether it has its rows in partitions, and of a table
-- of an extension the condition for the rows that are somebody's own.
SELECT (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attgenerated = '') AS columns,
       c.relkind = 'p' AS is_partitioned,
       (SELECT e.extcondition[array_position(e.extconfig, c.oid)] FROM pg_extension e
        WHERE c.oid = ANY (e.extconfig)) AS condition
FROM pg_class c
WHERE c.oid = to_regclass({table})
