-- Whether the database has the table of the fingerprint: no row, or `foreign` if it is not as cargo
-- db creates it, so that reading or writing it could run foreign code; `hidden` if the role may not
-- read it; else `ours`.
SELECT CASE
           WHEN NOT (c.relkind = 'r' AND c.relpersistence = 'p' AND NOT c.relrowsecurity
                     AND NOT c.relhasrules
                     AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid)
                     AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid)
                     AND NOT EXISTS (SELECT FROM pg_inherits h
                                     WHERE c.oid IN (h.inhrelid, h.inhparent))
                     AND NOT EXISTS (SELECT FROM pg_constraint k
                                     WHERE k.conrelid = c.oid AND k.contype <> 'n')
                     AND (SELECT string_agg(concat_ws(' ', a.attname, a.atttypid::regtype,
                                                      a.attgenerated), ', ' ORDER BY a.attnum)
                          FROM pg_attribute a
                          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
                         = 'identity text , role text , key text , head text , facts text ')
               THEN 'foreign'
           WHEN NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))
               THEN 'hidden'
           ELSE 'ours'
       END AS state
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'cargo_db' AND c.relname = 'fingerprint'
