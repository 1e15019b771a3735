SELECT p.oid, n.nspname AS schema, p.proname AS name, pg_get_userbyid(p.proowner) AS owner,
       p.prokind AS kind, pg_get_function_identity_arguments(p.oid) AS signature,
       pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       l.lanname AS language, p.provolatile AS volatility, p.proisstrict AS is_strict,
       p.prosecdef AS is_definer, p.proleakproof AS is_leakproof, p.procost AS cost,
       p.prorows AS rows, p.proparallel AS parallel, p.proconfig AS settings, p.prosrc AS source,
       p.probin AS library, pg_get_function_sqlbody(p.oid) AS body,
       CASE WHEN p.prosupport <> 0 THEN p.prosupport::text END AS support,
       (SELECT array_agg(format_type(t, NULL)) FROM unnest(p.protrftypes) t) AS transforms
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
-- The constructors of ranges come with their types.
WHERE p.prokind <> 'a'
  AND NOT EXISTS (SELECT 1 FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass
                  AND i.objid = p.oid AND i.deptype = 'i')
  AND {own pg_proc p} AND {lasting n} AND {chosen routines p.oid}
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
