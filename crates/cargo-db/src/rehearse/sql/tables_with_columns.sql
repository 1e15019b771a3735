-- The project's tables, how many rows they are thought to have, and their columns.
SELECT format('%I.%I', n.nspname, c.relname) AS name, c.reltuples AS estimate,
       pg_catalog.row_security_active(c.oid) AS hidden,
       (SELECT string_agg(a.attname, E'\x1f' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attgenerated = '') AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {project_relation}
