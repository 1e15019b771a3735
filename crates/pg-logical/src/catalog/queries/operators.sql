SELECT o.oid, n.nspname AS schema, o.oprname AS name, pg_get_userbyid(o.oprowner) AS owner,
       o.oprcode::text AS function, o.oprcanmerge AS merges, o.oprcanhash AS hashes,
       CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END AS left_type,
       CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) END AS right_type,
       CASE WHEN o.oprrest <> 0 THEN o.oprrest::text END AS restriction,
       CASE WHEN o.oprjoin <> 0 THEN o.oprjoin::text END AS join_estimate,
       (SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || c.oprname || ')'
        FROM pg_operator c JOIN pg_namespace n ON n.oid = c.oprnamespace
        WHERE c.oid = o.oprcom) AS commutator,
       (SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || c.oprname || ')'
        FROM pg_operator c JOIN pg_namespace n ON n.oid = c.oprnamespace
        WHERE c.oid = o.oprnegate) AS negator
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE o.oprcode <> 0 AND {own pg_operator o} AND {lasting n}
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
