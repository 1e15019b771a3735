SELECT d.classid AS class, d.objid AS oid, d.refobjid AS extension
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid >= 16384
