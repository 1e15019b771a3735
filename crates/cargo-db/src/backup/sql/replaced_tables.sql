-- The tables that are replaced, and those with foreign keys to them.
WITH inside AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%'
      AND n.nspname NOT IN ('information_schema', 'cargo_db', 'cargo_db_approval') AND {relations}
)
SELECT oid::regclass AS name FROM inside
UNION
SELECT conrelid::regclass FROM pg_constraint
WHERE contype = 'f' AND confrelid IN (SELECT oid FROM inside)
