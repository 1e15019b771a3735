SELECT c.oid, n.nspname AS schema, c.opcname AS name, pg_get_userbyid(c.opcowner) AS owner,
       a.amname AS method, c.opcdefault AS is_default, format_type(c.opcintype, NULL) AS input,
       CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END AS storage,
       fn.nspname AS family_schema, f.opfname AS family
FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am a ON a.oid = c.opcmethod
JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace
WHERE {own pg_opclass c} AND {lasting n} AND n.nspname NOT IN ('pg_catalog', 'information_schema')
