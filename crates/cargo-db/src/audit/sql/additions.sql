-- Objects that may change or hide a row: our own tables have none.
SELECT c.relname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'cargo_db'
  AND (c.relhastriggers OR c.relhasrules OR c.relrowsecurity OR c.relhassubclass
       OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))
LIMIT 1
