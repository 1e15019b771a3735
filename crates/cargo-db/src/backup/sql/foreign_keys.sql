-- The foreign keys of other tables that refer to what is replaced.
WITH inside AS (SELECT c.oid FROM pg_class c WHERE {relations})
SELECT conrelid::regclass AS on_table, quote_ident(conname) AS name,
       pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 AND confrelid IN (SELECT oid FROM inside)
  AND conrelid NOT IN (SELECT oid FROM inside)
