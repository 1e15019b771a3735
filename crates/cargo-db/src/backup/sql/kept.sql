-- What is outside of schemas and stays when everything is replaced, because the role does not own
-- it. Three answers: extensions, with those that they need; event triggers; the objects of such
-- extensions that somebody may be granted something on.
SELECT e.extname AS name
FROM pg_extension e
WHERE e.extname <> 'plpgsql' AND (
    NOT pg_has_role(e.extowner, 'USAGE')
    OR EXISTS (SELECT 1 FROM pg_depend d JOIN pg_extension by ON by.oid = d.objid
               WHERE d.classid = 'pg_extension'::regclass
                 AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                 AND NOT pg_has_role(by.extowner, 'USAGE')));

SELECT evtname AS name FROM pg_event_trigger WHERE NOT pg_has_role(evtowner, 'USAGE');

WITH members AS (
    SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND NOT pg_has_role(e.extowner, 'USAGE')
)
SELECT n.nspname AS schema, o.name
FROM (SELECT 'pg_class'::regclass AS classid, oid, relnamespace AS namespace, relname AS name
      FROM pg_class
      UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace, proname FROM pg_proc
      UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace, typname FROM pg_type) o
JOIN members m ON m.classid = o.classid AND m.objid = o.oid
JOIN pg_namespace n ON n.oid = o.namespace
