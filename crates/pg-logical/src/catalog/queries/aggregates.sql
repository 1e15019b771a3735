SELECT p.oid, n.nspname AS schema, p.proname AS name, pg_get_userbyid(p.proowner) AS owner,
       pg_get_function_identity_arguments(p.oid) AS signature,
       pg_get_function_arguments(p.oid) AS arguments, p.proparallel AS parallel,
       a.aggkind AS kind, a.aggtransfn::text AS step, format_type(a.aggtranstype, NULL) AS state,
       a.aggtransspace AS space, a.agginitval AS initial,
       CASE WHEN a.aggfinalfn <> 0 THEN a.aggfinalfn::text END AS final,
       a.aggfinalextra AS final_extra, a.aggfinalmodify AS final_modify,
       CASE WHEN a.aggcombinefn <> 0 THEN a.aggcombinefn::text END AS combine,
       CASE WHEN a.aggserialfn <> 0 THEN a.aggserialfn::text END AS serial,
       CASE WHEN a.aggdeserialfn <> 0 THEN a.aggdeserialfn::text END AS deserial,
       CASE WHEN a.aggmtransfn <> 0 THEN a.aggmtransfn::text END AS moving_step,
       CASE WHEN a.aggminvtransfn <> 0 THEN a.aggminvtransfn::text END AS moving_inverse,
       CASE WHEN a.aggmtransfn <> 0 THEN format_type(a.aggmtranstype, NULL) END AS moving_state,
       a.aggmtransspace AS moving_space, a.aggminitval AS moving_initial,
       CASE WHEN a.aggmfinalfn <> 0 THEN a.aggmfinalfn::text END AS moving_final,
       a.aggmfinalextra AS moving_final_extra, a.aggmfinalmodify AS moving_final_modify,
       (SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname || ')'
        FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
        WHERE o.oid = a.aggsortop) AS sort
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_aggregate a ON a.aggfnoid = p.oid
WHERE {own pg_proc p} AND {lasting n} AND {chosen routines p.oid}
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
