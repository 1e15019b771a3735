-- What belongs to a schema and not to what is in it. Three answers: owner and comment, privileges,
-- the extensions whose objects are in it.
SELECT quote_ident(pg_get_userbyid(nspowner)) AS owner,
       coalesce(quote_literal(obj_description(oid, 'pg_namespace')), 'NULL') AS comment
FROM pg_namespace
WHERE nspname = {schema};

SELECT a.privilege_type AS privilege,
       CASE WHEN a.grantee = 0 THEN 'PUBLIC'
            ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee,
       a.is_grantable
FROM pg_namespace n, aclexplode(n.nspacl) a
WHERE n.nspname = {schema};

SELECT quote_ident(e.extname) AS name
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE n.nspname = {schema}
