-- The schema of the table in which a database records its seeds.
SET LOCAL client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS cargo_db;
CREATE TABLE IF NOT EXISTS cargo_db.seeds (
    path text PRIMARY KEY,
    checksum text NOT NULL,
    tables text[] NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
SET LOCAL client_min_messages = notice
