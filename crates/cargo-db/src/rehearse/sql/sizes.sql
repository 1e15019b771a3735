-- `reltuples` may be out of date, so the live rows in the server's statistics are considered too.
SELECT format('%I.%I', n.nspname, c.relname) AS name,
       greatest(c.reltuples::bigint, pg_catalog.pg_stat_get_live_tuples(c.oid), 0) AS rows
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'cargo_db')
