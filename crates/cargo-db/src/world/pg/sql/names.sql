-- Every name in the database, and the other texts that a backup contains, with the bytes that are
-- not ASCII escaped. A dump writes the values of an enum as strings.
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
      SELECT 'argument of function', n.nspname || '.' || p.proname || ' ' || argument
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, unnest(p.proargnames) argument
      UNION ALL
      SELECT 'constraint', conname FROM pg_constraint
      UNION ALL
      SELECT 'trigger', tgname FROM pg_trigger
      UNION ALL
      SELECT 'policy', polname FROM pg_policy
      UNION ALL
      SELECT 'rule', rulename FROM pg_rewrite
      UNION ALL
      SELECT 'event trigger', evtname FROM pg_event_trigger
      UNION ALL
      SELECT 'publication', pubname FROM pg_publication
      UNION ALL
      SELECT 'subscription', subname FROM pg_subscription
      UNION ALL
      SELECT 'server', srvname FROM pg_foreign_server
      UNION ALL
      SELECT 'foreign data wrapper', fdwname FROM pg_foreign_data_wrapper
      UNION ALL
      SELECT 'collation', collname FROM pg_collation
      UNION ALL
      SELECT 'conversion', conname FROM pg_conversion
      UNION ALL
      SELECT 'language', lanname FROM pg_language
      UNION ALL
      SELECT 'operator class', opcname FROM pg_opclass
      UNION ALL
      SELECT 'operator family', opfname FROM pg_opfamily
      UNION ALL
      SELECT 'statistics', stxname FROM pg_statistic_ext
      UNION ALL
      SELECT 'text search configuration', cfgname FROM pg_ts_config
      UNION ALL
      SELECT 'text search dictionary', dictname FROM pg_ts_dict
      UNION ALL
      SELECT 'role', rolname FROM pg_roles r WHERE {roles}
      UNION ALL
      SELECT 'the comment of database', description
      FROM pg_shdescription
      WHERE classoid = 'pg_database'::regclass
        AND objoid = (SELECT oid FROM pg_database WHERE datname = current_database())
      UNION ALL
      SELECT 'a setting of the database', setting
      FROM pg_db_role_setting s, unnest(setconfig) setting
      WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
      UNION ALL
      SELECT 'value of an enum', enumlabel FROM pg_enum) names
WHERE name ~ '[^[:ascii:]]'
