-- `public` is in every new database, so that only what differs is said of it.
SELECT n.oid, n.nspname AS name, pg_get_userbyid(n.nspowner) AS owner,
       n.oid < 16384 AND pg_get_userbyid(n.nspowner) = 'pg_database_owner' AS is_usual --from 15
       n.oid < 16384 AND n.nspowner = 10 AS is_usual                                   --until 14
FROM pg_namespace n
WHERE (n.nspname = 'public' OR {own pg_namespace n}) AND {lasting n}
