SELECT p.oid, n.nspname AS schema, p.prsname AS name, p.prsstart::text AS start,
       p.prstoken::text AS token, p.prsend::text AS finish, p.prslextype::text AS types,
       CASE WHEN p.prsheadline <> 0 THEN p.prsheadline::text END AS headline
FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace
WHERE {own pg_ts_parser p} AND {lasting n}
