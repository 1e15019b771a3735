-- Tables, indexes and materialized views, their files, and whether the role may read them and row
-- security hides no rows from it.
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind,
       pg_relation_filenode(c.oid) AS file, greatest(c.reltuples, 0)::bigint AS rows,
       CASE WHEN c.relkind = 'i' THEN true
            WHEN NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN false
            WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN false
            ELSE NOT c.relrowsecurity OR NOT pg_catalog.row_security_active(c.oid)
            END AS countable,
       CASE WHEN c.relkind = 'r' AND c.relrowsecurity
            THEN pg_catalog.pg_relation_size(c.oid) = 0 ELSE false END AS is_empty
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'i') AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'cargo_db', 'cargo_db_approval') AND {new c};

-- The columns of tables. `is_there` is true if a column has values of its own, unlike dropped and
-- generated columns.
WITH a AS MATERIALIZED (
    SELECT a.* FROM pg_attribute a WHERE a.attnum > 0 AND {among} AND {new a}
)
SELECT a.attrelid AS oid, a.attnum AS number, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type, a.atttypid AS type_oid,
       a.atttypmod AS modifier, NOT a.attisdropped AND a.attgenerated = '' AS is_there
FROM a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'cargo_db', 'cargo_db_approval')
