-- Records a seed and the tables that it filled.
INSERT INTO cargo_db.seeds (path, checksum, tables)
VALUES ({path}, {checksum}, ARRAY[{tables}]::text[])
ON CONFLICT (path) DO UPDATE
SET checksum = excluded.checksum, tables = excluded.tables, loaded_at = now()
