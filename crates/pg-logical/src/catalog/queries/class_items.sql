-- The operators and functions of operator classes, and the loose ones of families.
SELECT d.refclassid AS class, d.refobjid AS oid, 'pg_amop'::regclass::oid AS item_class,
       o.oid AS item, 'OPERATOR' AS kind, o.amopstrategy AS number,
       o.amopopr::regoperator::text AS object, NULL AS left_type, NULL AS right_type,
       CASE WHEN o.amopsortfamily <> 0 THEN
           (SELECT quote_ident(n.nspname) || '.' || quote_ident(f.opfname)
            FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace
            WHERE f.oid = o.amopsortfamily) END AS order_by
FROM pg_depend d JOIN pg_amop o ON d.classid = 'pg_amop'::regclass AND d.objid = o.oid
WHERE d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass) AND o.oid >= 16384
UNION ALL
SELECT d.refclassid, d.refobjid, 'pg_amproc'::regclass::oid, p.oid, 'FUNCTION', p.amprocnum,
       p.amproc::regprocedure::text, format_type(p.amproclefttype, NULL),
       format_type(p.amprocrighttype, NULL), NULL
FROM pg_depend d JOIN pg_amproc p ON d.classid = 'pg_amproc'::regclass AND d.objid = p.oid
WHERE d.refclassid IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass) AND p.oid >= 16384
