-- Objects shared by all databases of the server that a statement in one of them can change, with a
-- digest of each. The names of other databases are left out, because other sessions create and drop
-- them.
SELECT format('role %I', r.rolname) AS what, hashtextextended(r::text, 0) AS digest
FROM pg_roles r
UNION ALL
SELECT format('membership of %s in %s', m.member::regrole, m.roleid::regrole),
       sum(hashtextextended(m::text, 0))
FROM pg_auth_members m GROUP BY m.member, m.roleid
UNION ALL
SELECT format('tablespace %I', t.spcname), hashtextextended(t::text, 0)
FROM pg_tablespace t
UNION ALL
SELECT format('database %I', d.datname),
       hashtextextended(concat_ws(' ', d.datdba, d.datacl, d.datconnlimit,
           (SELECT string_agg(s::text, ' ' ORDER BY s.setrole) FROM pg_db_role_setting s
            WHERE s.setdatabase = d.oid)), 0)
FROM pg_database d;

-- The number of rows of these catalogs that the session has written and not reported yet.
SELECT coalesce(sum(pg_stat_get_xact_tuples_inserted(c.oid)
                    + pg_stat_get_xact_tuples_updated(c.oid)
                    + pg_stat_get_xact_tuples_deleted(c.oid)), 0) AS written
FROM pg_class c
WHERE c.relisshared AND c.relname IN ('pg_authid', 'pg_auth_members', 'pg_tablespace',
                                      'pg_database', 'pg_db_role_setting')
