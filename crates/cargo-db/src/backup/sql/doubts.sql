-- What may fail to load from a dump, although the dump contains it. While a dump is loaded, the
-- search path is empty, and the rows of other tables may not be loaded yet. The server stores the
-- body of a function as text, so its words are compared with the names of tables, views and
-- functions.
WITH of_users AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
),
relations AS (
    SELECT c.oid, lower(n.nspname) AS schema, lower(c.relname) AS name, true AS is_relation
    FROM pg_class c JOIN of_users n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT p.oid, lower(n.nspname), lower(p.proname), false
    FROM pg_proc p JOIN of_users n ON n.oid = p.pronamespace
),
-- Functions that resolve names while they run.
functions AS (
    SELECT p.oid, p.oid::regprocedure::text AS name, lower(p.prosrc) AS body,
           coalesce(p.proconfig::text LIKE '%search\_path=%', false) AS has_path
    FROM pg_proc p JOIN of_users n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE l.lanname NOT IN ('internal', 'c') AND to_jsonb(p) ->> 'prosqlbody' IS NULL
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                      AND d.objid = p.oid AND d.deptype = 'e')
),
-- Objects that call them while a dump is loaded.
callers AS (
    SELECT d.refobjid AS function, pg_describe_object(d.classid, d.objid, d.objsubid) AS name,
           k.contype IS NOT NULL AS checks_rows
    FROM pg_depend d
    LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
        AND k.contype = 'c'
    LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
        AND c.relkind IN ('i', 'I')
    LEFT JOIN pg_attrdef a ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid
    LEFT JOIN pg_attribute g ON g.attrelid = a.adrelid AND g.attnum = a.adnum
        AND g.attgenerated <> ''
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_class m ON m.oid = r.ev_class AND m.relkind = 'm' AND m.relispopulated
    WHERE d.refclassid = 'pg_proc'::regclass
      AND (k.oid IS NOT NULL OR c.oid IS NOT NULL OR g.attrelid IS NOT NULL OR m.oid IS NOT NULL)
),
words AS (
    SELECT f.oid, f.name, f.has_path, word
    FROM functions f, regexp_split_to_table(f.body, '[^[:alnum:]_$.]+') word
    WHERE f.oid IN (SELECT function FROM callers)
)
SELECT DISTINCT c.name || ' calls ' || w.name || ', which needs ' || r.name || CASE
           WHEN w.word = r.name AND NOT w.has_path THEN ' in the search path, which is empty then'
           ELSE ', whose rows may not be restored by then'
       END AS doubt
FROM callers c JOIN words w ON w.oid = c.function
JOIN relations r ON (w.word = r.name AND (NOT w.has_path OR c.checks_rows AND r.is_relation)
                     OR w.word = r.schema || '.' || r.name AND c.checks_rows AND r.is_relation)
    AND r.oid <> w.oid
UNION ALL
SELECT 'materialized view ' || c.oid::regclass || ' runs a query that a function gets as text'
FROM pg_class c JOIN of_users n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated
  AND pg_get_viewdef(c.oid) ~ '\m(ts_stat|query_to_xml\w*|cursor_to_xml\w*|dblink)\('
UNION ALL
SELECT DISTINCT 'foreign key ' || quote_ident(k.conname) || ' on ' || k.conrelid::regclass
    || ' is disabled here, but a restore checks it'
FROM pg_trigger t JOIN pg_constraint k ON k.oid = t.tgconstraint
WHERE t.tgisinternal AND t.tgenabled = 'D' AND k.contype = 'f'
UNION ALL
SELECT 'subscription ' || quote_ident(s.subname) || ' is only in dumps that a superuser takes'
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database()
  AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
ORDER BY 1
