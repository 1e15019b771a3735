-- The foreign keys, with the names of the columns of both sides in the order of the key.
SELECT k.conrelid AS relation, k.confrelid AS referenced, format('%I.%I', n.nspname, f.relname)
           AS name,
       (SELECT string_agg(quote_ident(a.attname), E'\x1f' ORDER BY u.place)
        FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number) AS columns,
       (SELECT string_agg(quote_ident(a.attname), E'\x1f' ORDER BY u.place)
        FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number) AS keys
FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
JOIN pg_namespace n ON n.oid = f.relnamespace
WHERE k.contype = 'f'
ORDER BY k.conrelid, k.conname
