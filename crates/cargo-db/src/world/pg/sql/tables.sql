-- Every table with its schema, rows and pages, and whether table_details.sql knows more of it.
--
-- Rows and sizes are what ANALYZE or VACUUM saw last: counting would read every table whole, and
-- asking for a true size opens the table and all its indexes. Names are put together and
-- partitions are added up by the caller, and what few tables need is asked for apart, because a
-- new session needs longer to plan all that than to answer all the rest.
SELECT c.oid, c.relnamespace AS schema, c.relname AS name, c.reltuples AS rows,
       c.relpages + coalesce(t.relpages, 0) + coalesce(i.pages, 0) AS pages,
       c.relkind = 'p' AS is_partitioned,
       c.oid >= 16384 AND (c.relispartition OR c.reltuples < 0) AS has_details
FROM pg_class c
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN (SELECT x.indrelid, sum(i.relpages) AS pages
           FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
           GROUP BY 1) i ON i.indrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'm')
