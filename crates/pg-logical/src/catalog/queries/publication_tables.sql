SELECT r.oid, r.prpubid AS publication, n.nspname AS schema, c.relname AS name,
       pg_get_expr(r.prqual, r.prrelid) AS condition,                                   --from 15
       (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a               --from 15
        WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs)) AS columns             --from 15
       NULL AS condition, NULL AS columns                                               --until 14
FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
