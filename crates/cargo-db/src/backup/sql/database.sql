-- What belongs to a database and not to its content. Three answers: owner, connection limit,
-- comment, whether it is a template, whether its rights are PostgreSQL's own; settings, also those
-- of single roles in it; privileges.
SELECT pg_get_userbyid(datdba) AS owner, datconnlimit AS connection_limit,
       shobj_description(oid, 'pg_database') AS comment, datistemplate AS is_template,
       datacl IS NULL AS has_default_rights
FROM pg_database
WHERE datname = {database};

SELECT r.rolname AS role, split_part(c, '=', 1) AS name,
       substr(c, strpos(c, '=') + 1) AS value
FROM pg_db_role_setting s
JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole,
     unnest(s.setconfig) c
WHERE d.datname = {database};

SELECT a.privilege_type AS privilege,
       CASE WHEN a.grantee <> 0 THEN pg_get_userbyid(a.grantee) END AS grantee, a.is_grantable
FROM pg_database d, aclexplode(d.datacl) a
WHERE d.datname = {database}
