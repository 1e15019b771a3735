SELECT format('%I.%I is at %s of %s', s.schemaname, s.sequencename, s.last_value, last) AS found
FROM pg_sequences s
JOIN pg_namespace n ON n.nspname = s.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.sequencename
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
CROSS JOIN LATERAL (
    SELECT CASE a.atttypid
        WHEN 'int2'::regtype THEN least(s.max_value, 32767)
        WHEN 'int4'::regtype THEN least(s.max_value, 2147483647)
        ELSE s.max_value END
) AS bounded(last)
WHERE NOT s.cycle AND s.increment_by > 0 AND s.last_value >= 0.8 * last
ORDER BY 1
