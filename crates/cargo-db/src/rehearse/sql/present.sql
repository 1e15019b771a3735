-- The relations of a snapshot, to tell which are gone.
SELECT pg_catalog.string_agg(c.oid::pg_catalog.text, ',') AS oids
FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'm', 'i') AND c.oid >= 16384
