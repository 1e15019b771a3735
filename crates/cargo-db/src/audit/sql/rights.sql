-- The grants on our tables and schema, and their owners, as statements that set them again, in
-- this order. The schema gets its owner after its grants and before its tables get theirs: unless
-- a superuser runs the statements, the new owner of a table needs CREATE on the schema.
SELECT relation, statement FROM (
SELECT 1 AS place, c.relname AS relation,
       format('GRANT %s ON TABLE cargo_db.%I TO %s%s', x.privilege_type, c.relname,
              CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
              CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) x
WHERE n.nspname = 'cargo_db' AND c.relkind = 'r' AND x.grantee <> c.relowner
UNION ALL
SELECT 2, '', format('GRANT %s ON SCHEMA cargo_db TO %s%s', x.privilege_type,
                  CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
                  CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_namespace n
CROSS JOIN LATERAL aclexplode(n.nspacl) x
WHERE n.nspname = 'cargo_db' AND x.grantee <> n.nspowner
UNION ALL
SELECT 3, '', format('ALTER SCHEMA cargo_db OWNER TO %s', n.nspowner::regrole)
FROM pg_namespace n
WHERE n.nspname = 'cargo_db' AND n.nspowner::regrole::text <> quote_ident(current_user)
  AND pg_has_role(n.nspowner, CASE WHEN current_setting('server_version_num')::int >= 160000
                                   THEN 'SET' ELSE 'MEMBER' END)
UNION ALL
SELECT 4, c.relname,
       format('ALTER TABLE cargo_db.%I OWNER TO %s', c.relname, c.relowner::regrole)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'cargo_db' AND c.relkind = 'r'
  AND c.relowner::regrole::text <> quote_ident(current_user)
  AND pg_has_role(c.relowner, CASE WHEN current_setting('server_version_num')::int >= 160000
                                   THEN 'SET' ELSE 'MEMBER' END)
  AND ((SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
       OR has_schema_privilege(c.relowner, n.oid, 'CREATE'))
) said
ORDER BY place
