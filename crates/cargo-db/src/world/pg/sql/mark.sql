SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS cargo_db;
CREATE TABLE IF NOT EXISTS cargo_db.marker (
    environment text NOT NULL,
    database_oid oid NOT NULL,
    system_identifier bigint NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    set_by text NOT NULL DEFAULT current_user,
    keys text NOT NULL DEFAULT ''
);
ALTER TABLE cargo_db.marker ADD COLUMN IF NOT EXISTS keys text NOT NULL DEFAULT '';
GRANT USAGE ON SCHEMA cargo_db TO PUBLIC;
GRANT SELECT ON cargo_db.marker TO PUBLIC;
DELETE FROM cargo_db.marker;
INSERT INTO cargo_db.marker (environment, database_oid, system_identifier, keys)
SELECT {environment}, {oid}, c.system_identifier, {keys}
FROM pg_database d, pg_control_system() c
WHERE d.datname = current_database()
