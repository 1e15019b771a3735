SELECT d.classid AS class, d.objid AS oid, d.refclassid AS on_class, d.refobjid AS on_oid,
       d.deptype AS kind, d.objsubid AS part, d.refobjsubid AS on_part,
       CASE WHEN d.deptype = 'x' THEN
           (SELECT e.extname FROM pg_extension e WHERE e.oid = d.refobjid) END AS extension
FROM pg_depend d
WHERE d.refobjid >= 16384 AND d.objid >= 16384 AND d.deptype NOT IN ('p', 'e')
  AND NOT (d.classid = d.refclassid AND d.objid = d.refobjid)
  AND NOT (d.classid = 'pg_class'::regclass AND d.objsubid > 0 AND d.deptype = 'a') --until 14
-- Before version 15, not the expression of a generated column depends on something, but the column.
UNION ALL                                                                           --until 14
SELECT 'pg_attrdef'::regclass::oid, e.oid, d.refclassid, d.refobjid, d.deptype, 0,  --until 14
       d.refobjsubid, NULL                                                          --until 14
FROM pg_depend d                                                                    --until 14
JOIN pg_attrdef e ON e.adrelid = d.objid AND e.adnum = d.objsubid                   --until 14
WHERE d.refobjid >= 16384 AND d.objid >= 16384 AND d.deptype = 'a'                  --until 14
  AND d.classid = 'pg_class'::regclass                                              --until 14
