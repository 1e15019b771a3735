-- What the roles could do to approve a plan themselves, a row each. Nothing of a name is looked up
-- by the search path, which contains the catalog alone.
WITH migrating AS (
    SELECT oid, rolname FROM pg_roles WHERE rolname IN ({roles})
), reachable AS (
    -- Roles that they can switch to, each of them included.
    SELECT m.rolname AS role, x.*
    FROM migrating m, pg_roles x WHERE pg_has_role(m.oid, x.oid, 'MEMBER')
), place AS (
    SELECT n.oid, n.nspowner, a.oid IS NOT NULL AS is_ours
    FROM pg_namespace n LEFT JOIN pg_roles a
        ON a.oid = n.nspowner AND a.rolname = 'cargo_db_approver'
    WHERE n.nspname = 'cargo_db_approval'
)
SELECT format('the role %I is a superuser, or can become one', m.rolname)
FROM migrating m WHERE EXISTS (SELECT FROM reachable WHERE role = m.rolname AND rolsuper)
UNION ALL
SELECT format('the role %I is a member of cargo_db_approver', r.role)
FROM reachable r WHERE r.rolname = 'cargo_db_approver'
    AND NOT EXISTS (SELECT FROM reachable s WHERE s.role = r.role AND s.rolsuper)
UNION ALL
-- Until PostgreSQL 15, this right is enough to become a member of any role that is no superuser.
SELECT format('the role %I has CREATEROLE, and can make itself a member of cargo_db_approver',
    m.rolname)
FROM migrating m WHERE current_setting('server_version_num')::int < 160000
    AND EXISTS (SELECT FROM reachable WHERE role = m.rolname AND rolcreaterole)
UNION ALL
SELECT format('the role %I is a member of %I', r.role, r.rolname)
FROM reachable r
WHERE r.rolname IN ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files')
    AND NOT EXISTS (SELECT FROM reachable s WHERE s.role = r.role AND s.rolsuper)
UNION ALL
SELECT format('the schema cargo_db_approval belongs to %s', p.nspowner::regrole)
FROM place p WHERE NOT p.is_ours
UNION ALL
SELECT format('cargo_db_approval.%I belongs to %s', c.relname, c.relowner::regrole)
FROM pg_class c JOIN place p ON c.relnamespace = p.oid AND c.relowner <> p.nspowner
WHERE c.relname IN ('approval', 'key', 'request')
UNION ALL
SELECT format('cargo_db_approval.%I is not a table', c.relname)
FROM pg_class c JOIN place p ON c.relnamespace = p.oid
WHERE c.relname IN ('approval', 'key', 'request') AND c.relkind <> 'r'
UNION ALL
SELECT format('the function cargo_db_approval.%I belongs to %s', f.proname, f.proowner::regrole)
FROM pg_proc f JOIN place p ON f.pronamespace = p.oid AND f.proowner <> p.nspowner
WHERE f.proname IN ('take', 'take_signed', 'request')
UNION ALL
SELECT format('the role %I may write to cargo_db_approval.%I', m.rolname, c.relname)
FROM migrating m, pg_class c JOIN place p ON c.relnamespace = p.oid
WHERE c.relkind = 'r' AND c.relname IN ('approval', 'key', 'request')
    AND (has_table_privilege(m.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
        OR has_any_column_privilege(m.oid, c.oid, 'INSERT, UPDATE'))
    AND NOT EXISTS (SELECT FROM reachable r
        WHERE r.role = m.rolname AND (r.rolsuper OR r.rolname IN
            ('cargo_db_approver', 'pg_write_all_data') OR r.oid = c.relowner))
UNION ALL
SELECT format('the role %I may create objects in cargo_db_approval', m.rolname)
FROM migrating m, place p
WHERE has_schema_privilege(m.oid, p.oid, 'CREATE')
    AND NOT EXISTS (SELECT FROM reachable r
        WHERE r.role = m.rolname AND (r.rolsuper OR r.oid = p.nspowner))
