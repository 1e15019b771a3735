-- Every name of the project's, with the bytes that are not ASCII escaped.
SELECT kind || ' ' || encode(convert_to(name, 'SQL_ASCII'), 'escape') AS object
FROM (SELECT 'schema' AS kind, nspname::text AS name FROM pg_namespace
      UNION ALL
      SELECT CASE relkind WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
                          ELSE 'table' END,
             n.nspname || '.' || c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      UNION ALL
      SELECT 'column', n.nspname || '.' || c.relname || '.' || a.attname
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      UNION ALL
      SELECT 'function', n.nspname || '.' || p.proname
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      UNION ALL
      SELECT 'type', n.nspname || '.' || t.typname
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      UNION ALL
      SELECT 'value of an enum', enumlabel FROM pg_enum
      UNION ALL
      SELECT 'constraint', conname FROM pg_constraint
      UNION ALL
      SELECT 'trigger', tgname FROM pg_trigger
      UNION ALL
      SELECT 'role', rolname FROM pg_roles) names
WHERE name ~ '[^[:ascii:]]'
