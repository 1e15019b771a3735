-- How `pg_dump` copies a table: its columns, whether its rows are in partitions, and for a table of
-- an extension the condition for rows of the user.
SELECT (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attgenerated = '') AS columns,
       c.relkind = 'p' AS is_partitioned,
       (SELECT e.extcondition[array_position(e.extconfig, c.oid)] FROM pg_extension e
        WHERE c.oid = ANY (e.extconfig)) AS condition
FROM pg_class c
WHERE c.oid = to_regclass({table})
