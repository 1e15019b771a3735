SET client_min_messages = warning;
DO $$
BEGIN
    -- A role may be allowed to write to an existing trail without being allowed to create one.
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'cargo_db' AND c.relname = 'audit') THEN
        CREATE SCHEMA IF NOT EXISTS cargo_db;
        CREATE TABLE IF NOT EXISTS cargo_db.audit (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL DEFAULT now(),
            record text NOT NULL
        );
    END IF;
END
$$
