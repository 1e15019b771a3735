-- Objects outside a part that depend on it and cannot be removed and added again, as problems.
WITH inside AS (
    SELECT c.oid, c.reltype FROM pg_class c WHERE {relations}
),
of_extension AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
),
types AS (
    SELECT t.oid FROM pg_type t
    WHERE ({types})
      AND ('pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM of_extension)
),
routines AS (
    SELECT p.oid FROM pg_proc p
    WHERE {routines}
      AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM of_extension)
),
-- Objects that depend on any object of the part.
used AS (
    SELECT d.classid, d.objid FROM pg_depend d
    WHERE d.deptype = 'n' AND (
        d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM inside)
        OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT oid FROM types)
        OR d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT oid FROM routines))
),
-- The relation that each of these belongs to.
homes AS (
    SELECT u.*, k.contype, CASE u.classid
        WHEN 'pg_class'::regclass THEN u.objid
        WHEN 'pg_constraint'::regclass THEN k.conrelid
        WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = u.objid)
        WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = u.objid)
        WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = u.objid)
        -- A table is removed from the publications that name it, and added to them again.
        WHEN 'pg_publication_rel'::regclass THEN
            (SELECT prrelid FROM pg_publication_rel WHERE oid = u.objid)
        WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = u.objid)
    END AS home
    FROM used u
    LEFT JOIN pg_constraint k ON u.classid = 'pg_constraint'::regclass AND k.oid = u.objid
)
SELECT DISTINCT 'depends: '
    || replace(pg_describe_object(classid, objid, 0), 'rule _RETURN on ', '')
    || ' depends on it; drop it first' AS problem
FROM homes
WHERE coalesce(home NOT IN (SELECT oid FROM inside), true) AND contype IS DISTINCT FROM 'f'
  AND (home IS NOT NULL
       OR (pg_identify_object(classid, objid, 0)).schema IS DISTINCT FROM quote_ident({own}))
  AND (classid, objid) NOT IN (SELECT classid, objid FROM of_extension)
UNION ALL
SELECT 'partitions: ' || c.oid::regclass
    || ' is a partition of a table outside, or has partitions there; '
    || 'restore the schema with --schema, or the whole database'
FROM pg_class c
WHERE {relations} AND c.relkind IN ('r', 'p') AND EXISTS (
    SELECT 1 FROM pg_inherits h
    WHERE h.inhrelid = c.oid AND h.inhparent NOT IN (SELECT oid FROM inside)
       OR h.inhparent = c.oid AND h.inhrelid NOT IN (SELECT oid FROM inside))
UNION ALL
SELECT 'extension: ' || e.extname || ' is in the schema and cannot be moved out'
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE NOT e.extrelocatable AND n.nspname = {own}
ORDER BY 1
