-- The default privileges that differ from PostgreSQL's own, as parts of the statements that revoke
-- them and grant them again.
SELECT 'ALTER DEFAULT PRIVILEGES FOR ROLE ' || quote_ident(pg_get_userbyid(d.defaclrole))
           || coalesce(' IN SCHEMA ' || quote_ident(n.nspname), '') AS head,
       a.privilege_type || ' ON ' || CASE d.defaclobjtype
           WHEN 'r' THEN 'TABLES'
           WHEN 'S' THEN 'SEQUENCES'
           WHEN 'f' THEN 'FUNCTIONS'
           WHEN 'T' THEN 'TYPES'
           ELSE 'SCHEMAS'
       END AS privilege,
       CASE WHEN a.grantee = 0 THEN 'PUBLIC'
            ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
       CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option,
       d.defaclnamespace <> 0 AS is_of_schema
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace,
     aclexplode(d.defaclacl) a
WHERE a.grantee <> d.defaclrole AND {which}
  AND NOT (d.defaclnamespace = 0 AND a.grantee = 0 AND d.defaclobjtype IN ('f', 'T'))
