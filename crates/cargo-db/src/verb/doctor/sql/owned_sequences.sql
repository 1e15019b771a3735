SELECT format('SELECT %L || max(%I) || '', and the sequence at '' || coalesce(%s, 0) '
              'FROM ONLY %s HAVING max(%I) > coalesce(%s, 0)',
              format('%s.%I is at ', t.oid::regclass, a.attname), a.attname, last, t.oid::regclass,
              a.attname, last) AS query
FROM pg_depend d
JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p')
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
JOIN pg_sequence s ON s.seqrelid = c.oid AND s.seqincrement > 0
CROSS JOIN LATERAL (
    SELECT format('pg_sequence_last_value(%s)', c.oid::text)
) AS reading(last)
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
  AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
  -- The audit trail numbers its records itself.
  AND t.relnamespace IS DISTINCT FROM to_regnamespace('cargo_db')
  AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  -- The server may evaluate this for relations of other kinds, which would be an error.
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, SELECT') END
  AND has_column_privilege(t.oid, a.attnum, 'SELECT')
  AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum
              AND i.indisvalid AND i.indpred IS NULL)
ORDER BY t.oid, a.attnum
