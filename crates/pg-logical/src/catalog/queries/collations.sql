SELECT c.oid, n.nspname AS schema, c.collname AS name, pg_get_userbyid(c.collowner) AS owner,
       c.collprovider AS provider, c.collisdeterministic AS is_deterministic,
       c.collcollate AS collate, c.collctype AS ctype,
       CASE WHEN c.collprovider = 'i' THEN c.collcollate END AS locale, --until 14
       c.colliculocale AS locale,                                       --from 15 until 16
       c.colllocale AS locale,                                          --from 17
       c.collicurules AS rules                                          --from 16
       NULL AS rules                                                    --until 15
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE {own pg_collation c} AND {lasting n} AND n.nspname NOT IN ('pg_catalog', 'information_schema')
