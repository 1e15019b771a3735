-- The existing relations, to find out which of a snapshot's were dropped.
SELECT pg_catalog.string_agg(c.oid::pg_catalog.text, ',') AS oids
FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'm', 'i') AND c.oid >= 16384
