-- How often the transaction wrote into catalogs that all databases of the server share. Which roles
-- own objects of this database is recorded there too, and does not count.
SELECT coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0)::bigint AS writes
FROM pg_stat_xact_sys_tables s JOIN pg_class c ON c.oid = s.relid
WHERE c.relisshared AND c.relname <> 'pg_shdepend'
