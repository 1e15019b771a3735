SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS cargo_db;
CREATE TABLE IF NOT EXISTS cargo_db.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    record text NOT NULL
)
