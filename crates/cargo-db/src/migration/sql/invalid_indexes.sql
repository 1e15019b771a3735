-- The invalid indexes of some tables: whether each is a leftover of a statement, whether it is the
-- target of the statement, and which session is working on it.
SELECT i.indexrelid AS oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       {own} AS own, {target} AS target, {at_work} AS builder
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND ({tables})
ORDER BY 2
