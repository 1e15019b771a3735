-- What is outside of schemas and stays when everything is replaced, because the role does not own
-- it. Two answers: extensions, with those that they need, and event triggers.
SELECT e.extname AS name
FROM pg_extension e
WHERE e.extname <> 'plpgsql' AND (
    NOT pg_has_role(e.extowner, 'USAGE')
    OR EXISTS (SELECT 1 FROM pg_depend d JOIN pg_extension by ON by.oid = d.objid
               WHERE d.classid = 'pg_extension'::regclass
                 AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                 AND NOT pg_has_role(by.extowner, 'USAGE')));

SELECT evtname AS name FROM pg_event_trigger WHERE NOT pg_has_role(evtowner, 'USAGE')
