-- The errors in the bodies of PL/pgSQL functions; in those of trigger functions, for each of their
-- tables. Functions of extensions are not the project's.
SELECT DISTINCT p.oid::pg_catalog.regprocedure::pg_catalog.text AS function, c.lineno AS line,
       c.message
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_trigger t ON t.tgfoid = p.oid AND NOT t.tgisinternal
CROSS JOIN LATERAL {schema}.plpgsql_check_function_tb(
    p.oid, coalesce(t.tgrelid, 0::pg_catalog.oid)) c
WHERE l.lanname = 'plpgsql' AND c.level = 'error'
  AND (p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype OR t.oid IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
                    AND d.deptype = 'e')
ORDER BY 1, 2, 3
