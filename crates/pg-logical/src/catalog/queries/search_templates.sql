SELECT t.oid, n.nspname AS schema, t.tmplname AS name, t.tmpllexize::text AS lexize,
       CASE WHEN t.tmplinit <> 0 THEN t.tmplinit::text END AS init
FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace
WHERE {own pg_ts_template t} AND {lasting n}
