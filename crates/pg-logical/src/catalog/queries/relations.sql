SELECT c.oid, n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
       c.relkind AS kind, c.relpersistence AS persistence, c.reloptions AS options,
       t.reloptions AS toast_options, c.relrowsecurity AS has_policies,
       c.relforcerowsecurity AS forces_policies, c.relreplident AS identity,
       c.relispartition AS is_partition, c.relispopulated AS is_populated,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
       CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,
       s.spcname AS tablespace, a.amname AS method,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS query,
       (SELECT array_agg(i.inhparent ORDER BY i.inhseqno) FROM pg_inherits i
        WHERE i.inhrelid = c.oid) AS parents,
       (SELECT array_agg(quote_ident(pn.nspname) || '.' || quote_ident(pc.relname)
                         ORDER BY i.inhseqno)
        FROM pg_inherits i JOIN pg_class pc ON pc.oid = i.inhparent
        JOIN pg_namespace pn ON pn.oid = pc.relnamespace
        WHERE i.inhrelid = c.oid) AS parent_names,
       (SELECT fs.srvname FROM pg_foreign_server fs WHERE fs.oid = f.ftserver) AS server,
       f.ftoptions AS foreign_options,
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS estimate
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_am a ON a.oid = c.relam
LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
  AND {own pg_class c} AND {chosen relations c.oid}
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
