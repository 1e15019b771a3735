-- What a database is, in lines that do not depend on the order of columns or rows.
SELECT 'rows ' || c.oid::regclass || ' ' || (xpath('/row/f/text()', query_to_xml(format(
    'SELECT count(*) || '' '' || coalesce(sum(hashtext(to_jsonb(t)::text)), 0) AS f FROM ONLY %s t',
    c.oid::regclass), true, true, '')))[1]::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'cargo_db')
  AND c.relname NOT LIKE 'moods\__'
UNION ALL
SELECT 'rows moods ' || count(*) || ' ' || sum(hashtext(to_jsonb(t)::text)) FROM moods t
UNION ALL
SELECT 'relation ' || c.oid::regclass || ' ' || c.relkind::text || ' '
    || pg_get_userbyid(c.relowner) || ' ' || coalesce(c.relacl::text, '') || ' '
    || c.relrowsecurity || coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'cargo_db')
UNION ALL
SELECT 'index ' || pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'cargo_db'
UNION ALL
SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(c.oid) || ' ' || convalidated
FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'cargo_db')
UNION ALL
SELECT 'routine ' || p.oid::regprocedure || ' ' || p.prokind::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'cargo_db')
UNION ALL
SELECT 'type ' || t.oid::regtype || ' ' || t.typtype::text
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'cargo_db')
UNION ALL
SELECT 'sequence ' || schemaname || '.' || sequencename || ' ' || coalesce(last_value, -1)
FROM pg_sequences WHERE schemaname <> 'cargo_db'
UNION ALL
SELECT 'extension ' || extname || ' ' || extnamespace::regnamespace || ' '
    || pg_get_userbyid(extowner)
FROM pg_extension
UNION ALL
SELECT 'publication ' || pubname || ' ' || tablename || coalesce(to_jsonb(t) ->> 'rowfilter', '')
FROM pg_publication_tables t
UNION ALL
SELECT 'subscription ' || subname || ' ' || subslotname
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database()
UNION ALL
SELECT 'server ' || srvname || ' ' || (SELECT count(*) FROM pg_user_mappings) FROM pg_foreign_server
UNION ALL
SELECT 'cast ' || castsource::regtype || ' ' || casttarget::regtype FROM pg_cast WHERE oid >= 16384
UNION ALL
SELECT 'event trigger ' || evtname || ' ' || evtenabled::text FROM pg_event_trigger
UNION ALL
SELECT 'object ' || encode(data, 'hex') FROM pg_largeobject
UNION ALL
SELECT 'statistics ' || stxname || ' ' || pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
UNION ALL
SELECT 'policy ' || polname || ' ' || polrelid::regclass FROM pg_policy
UNION ALL
SELECT 'rule ' || rulename || ' ' || tablename FROM pg_rules WHERE schemaname <> 'pg_catalog'
UNION ALL
SELECT 'words ' || cfgname FROM pg_ts_config WHERE cfgname = 'words'
UNION ALL
SELECT 'operator ' || oprname FROM pg_operator WHERE oid >= 16384
UNION ALL
SELECT 'setting ' || coalesce(r.rolname, '') || ' ' || array_to_string(s.setconfig, ', ')
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
LEFT JOIN pg_roles r ON r.oid = s.setrole
WHERE d.datname = current_database()
ORDER BY 1
