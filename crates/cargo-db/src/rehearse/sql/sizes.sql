-- `reltuples` may be out of date, so the server's statistics of live rows are considered too. A
-- partitioned table has the rows of its partitions: the server may never have counted its own.
WITH counted AS (
    SELECT c.oid, c.relkind, c.relispartition, format('%I.%I', n.nspname, c.relname) AS name,
           greatest(c.reltuples::bigint, pg_catalog.pg_stat_get_live_tuples(c.oid), 0) AS rows
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_'
      AND n.nspname NOT IN ('information_schema', 'cargo_db', 'cargo_db_approval')
), partitioned AS (
    SELECT a.relid, sum(c.rows)::bigint AS rows
    FROM counted c CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(c.oid) a
    WHERE c.relispartition AND c.relkind = 'r' GROUP BY a.relid
)
SELECT c.name, greatest(c.rows, p.rows) AS rows
FROM counted c LEFT JOIN partitioned p ON p.relid = c.oid
