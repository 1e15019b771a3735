SELECT c.oid, format_type(c.castsource, NULL) AS source, format_type(c.casttarget, NULL) AS target,
       CASE WHEN c.castfunc <> 0 THEN
           (SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '('
                   || pg_get_function_identity_arguments(p.oid) || ')'
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.oid = c.castfunc) END AS function,
       c.castmethod AS method, c.castcontext AS context
FROM pg_cast c
-- The cast of a range to its multirange comes with the type.
WHERE {own pg_cast c} AND NOT EXISTS (SELECT 1 FROM pg_range r
                  WHERE r.rngtypid = c.castsource AND r.rngmultitypid = c.casttarget)
