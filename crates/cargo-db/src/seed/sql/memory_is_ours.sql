SELECT 1 FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'cargo_db' AND c.relname = 'seeds' AND c.relkind = 'r' AND NOT c.relrowsecurity
  AND (SELECT count(*) FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         AND (a.attname::text, a.atttypid::regtype::text) IN
             (('path', 'text'), ('checksum', 'text'), ('tables', 'text[]'),
              ('loaded_at', 'timestamp with time zone'))) = 4
