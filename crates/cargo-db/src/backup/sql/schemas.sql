-- The schemas, whether the role owns them, and whether they hold an extension's objects.
SELECT n.nspname AS name, pg_has_role(n.nspowner, 'USAGE') AS is_owned,
       EXISTS (SELECT 1 FROM pg_depend d JOIN pg_depend e USING (classid, objid)
               WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
                 AND e.deptype = 'e') AS holds_extension
FROM pg_namespace n
WHERE n.nspname NOT LIKE 'pg\_%'
  AND n.nspname NOT IN ('information_schema', 'cargo_db_approval')
