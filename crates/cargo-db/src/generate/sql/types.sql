-- The types that a column can have, with what is needed to make values of them.
SELECT t.oid AS oid, t.typtype AS kind, t.typcategory AS category, t.typname AS name,
       CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END AS element,
       t.typbasetype AS base, format_type(t.typbasetype, t.typtypmod) AS base_type,
       format_type(t.oid, NULL) AS sql,
       (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels,
       coalesce((SELECT r.rngsubtype FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)),
                0) AS subtype,
       coalesce((SELECT format_type(r.rngtypid, NULL) FROM pg_range r
                 WHERE r.rngmultitypid = t.oid), '') AS range,
       coalesce((SELECT string_agg(a.atttypid::text, ',' ORDER BY a.attnum) FROM pg_attribute a
                 WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '')
           AS attributes,
       coalesce((SELECT string_agg(pg_get_constraintdef(c.oid), E'\x1f') FROM pg_constraint c
                 WHERE c.contypid = t.oid AND c.contype = 'c'), '') AS checks
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typtype <> 'p' AND (t.typrelid = 0 OR c.relkind = 'c')
