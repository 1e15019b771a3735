SELECT d.classid AS class, d.objid AS oid, d.refclassid AS on_class, d.refobjid AS on_oid,
       d.deptype AS kind, d.objsubid AS part, d.refobjsubid AS on_part,
       CASE WHEN d.deptype = 'x' THEN
           (SELECT e.extname FROM pg_extension e WHERE e.oid = d.refobjid) END AS extension
FROM pg_depend d
WHERE d.refobjid >= 16384 AND d.objid >= 16384 AND d.deptype NOT IN ('p', 'e')
  AND NOT (d.classid = d.refclassid AND d.objid = d.refobjid)
