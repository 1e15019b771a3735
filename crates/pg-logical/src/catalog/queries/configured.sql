-- The tables of extensions whose rows belong to the database, and which of them.
SELECT n.nspname AS schema, c.relname AS name, t.condition, c.oid, c.relkind AS kind,
       (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attgenerated = '') AS columns
FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS t (oid, condition)
JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE e.oid >= 16384
