SELECT s.oid, n.nspname AS schema, s.stxname AS name, pg_get_userbyid(s.stxowner) AS owner,
       pg_get_statisticsobjdef(s.oid) AS definition, nullif(s.stxstattarget, -1) AS target,
       s.stxrelid AS relation
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE {own pg_statistic_ext s} AND {lasting n} AND {chosen relations s.stxrelid}
