-- The project's tables, their estimated rows, their columns, and what changes when rows are
-- updated, deleted or rewritten.
SELECT format('%I.%I', n.nspname, c.relname) AS name, c.oid,
       greatest(c.reltuples, 0)::bigint AS estimate,
       concat_ws(' ', c.relfilenode, pg_stat_get_tuples_updated(c.oid),
                 pg_stat_get_tuples_deleted(c.oid)) AS state,
       pg_catalog.row_security_active(c.oid) AS hidden,
       (SELECT string_agg(a.attname, E'\x1f' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attgenerated = '') AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {project_relation}
