-- Schemas, types, functions, comments.
SELECT 'schema', quote_ident(n.nspname), ''
FROM pg_namespace n
WHERE {schema} AND n.nspname <> {tool}
UNION ALL
SELECT 'extension', quote_ident(extname), '' FROM pg_extension
UNION ALL
SELECT 'statistics', format('%I.%I', n.nspname, s.stxname), pg_get_statisticsobjdef(s.oid)
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE {schema}
UNION ALL
SELECT 'function', p.oid::regprocedure::text,
       CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {routine}
UNION ALL
SELECT 'type', t.oid::regtype::text,
       concat_ws(' ', t.typtype, format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull,
                 t.typdefault)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype IN ('d', 'e', 'r') AND {typed}
UNION ALL
SELECT 'domain constraint', t.oid::regtype::text || '.' || quote_ident(k.conname),
       pg_get_constraintdef(k.oid) || ' ' || k.convalidated
FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE k.contype <> 'n' AND {typed}
UNION ALL
SELECT 'enum value', t.oid::regtype::text || '.' || v.enumlabel, ''
FROM pg_enum v JOIN pg_type t ON t.oid = v.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {typed}
UNION ALL
SELECT 'comment', pg_describe_object(m.classoid, m.objoid, m.objsubid), m.description
FROM pg_description m
WHERE m.objoid >= 16384
  AND m.classoid IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass,
                     'pg_constraint'::regclass, 'pg_trigger'::regclass)
  AND NOT EXISTS (SELECT 1 FROM pg_depend e
                  WHERE e.classid = m.classoid AND e.objid = m.objoid AND e.deptype = 'e')
