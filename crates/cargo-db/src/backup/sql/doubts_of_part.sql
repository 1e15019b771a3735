-- Objects that the tables of a part refer to and that may be missing in it. Two answers: foreign
-- keys, with both tables; columns, with their tables and the schemas of their types.
SELECT format('%I.%I', n.nspname, c.relname) AS table, quote_ident(k.conname) AS name,
       format('%I.%I', rn.nspname, rc.relname) AS needed
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class rc ON rc.oid = k.confrelid JOIN pg_namespace rn ON rn.oid = rc.relnamespace
WHERE k.contype = 'f' AND rc.relkind = 'r'
ORDER BY 1, 2;

SELECT format('%I.%I', n.nspname, c.relname) AS table, quote_ident(a.attname) AS name,
       format_type(t.oid, NULL) AS needed, quote_ident(tn.nspname) AS schema
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND tn.nspname NOT LIKE 'pg\_%'
  AND tn.nspname <> 'information_schema'
ORDER BY 1, 2
