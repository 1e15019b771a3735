SELECT f.oid, n.nspname AS schema, f.opfname AS name, pg_get_userbyid(f.opfowner) AS owner,
       a.amname AS method
FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am a ON a.oid = f.opfmethod
WHERE {own pg_opfamily f} AND {lasting n} AND n.nspname NOT IN ('pg_catalog', 'information_schema')
