-- The half-detached partitions of a table. Servers before 14 have no such state.
SELECT h.inhrelid = {partition} AS own,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       h.inhparent::pg_catalog.regclass::pg_catalog.text AS parent,
       {at_work} AS builder
FROM pg_catalog.pg_inherits h
JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE h.inhparent = {parent}
  AND coalesce((pg_catalog.to_jsonb(h) ->> 'inhdetachpending')::pg_catalog.bool, false)
