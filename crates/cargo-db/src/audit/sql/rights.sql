-- What others may do with our tables, and whose they are: statements that say it again.
SELECT c.relname AS relation,
       format('GRANT %s ON TABLE cargo_db.%I TO %s%s', x.privilege_type, c.relname,
              CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
              CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) x
WHERE n.nspname = 'cargo_db' AND c.relkind = 'r' AND x.grantee <> c.relowner
UNION ALL
SELECT '', format('GRANT %s ON SCHEMA cargo_db TO %s%s', x.privilege_type,
                  CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END,
                  CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_namespace n
CROSS JOIN LATERAL aclexplode(n.nspacl) x
WHERE n.nspname = 'cargo_db' AND x.grantee <> n.nspowner
UNION ALL
SELECT c.relname, format('ALTER TABLE cargo_db.%I OWNER TO %s', c.relname, c.relowner::regrole)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'cargo_db' AND c.relkind = 'r' AND pg_has_role(c.relowner, 'MEMBER')
  AND c.relowner::regrole::text <> quote_ident(current_user)
