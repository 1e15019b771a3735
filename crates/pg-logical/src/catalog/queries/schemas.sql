-- `public` is in every new database, so that only what differs is said of it.
SELECT n.oid, n.nspname AS name, pg_get_userbyid(n.nspowner) AS owner,
       n.nspname = 'public'
           AND pg_get_userbyid(n.nspowner) = 'pg_database_owner' --from 15
           AND n.nspowner = 10                                   --until 14
           AS is_usual
FROM pg_namespace n
WHERE (n.nspname = 'public' OR {own pg_namespace n}) AND {lasting n}
