-- The relations with the names of the marker and the audit trail: the definition of each, foreign
-- objects that may act on its rows, and whether it can be read without running foreign code.
SELECT c.relname AS name, c.oid AS oid, concat_ws(' ', c.relowner, n.nspowner) AS owners,
       concat_ws('; ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
           (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                                        a.attnotnull, a.attidentity, a.attgenerated,
                                        pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)
            FROM pg_attribute a
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
           (SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname)
            FROM pg_constraint k WHERE k.conrelid = c.oid),
           (SELECT string_agg(pg_get_indexdef(i.indexrelid), ', ' ORDER BY i.indexrelid)
            FROM pg_index i WHERE i.indrelid = c.oid),
           (SELECT string_agg(concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid)), ', '
                              ORDER BY t.tgname)
            FROM pg_trigger t WHERE t.tgrelid = c.oid),
           (SELECT string_agg(concat_ws(' ', r.ev_enabled, pg_get_ruledef(r.oid)), ', '
                              ORDER BY r.rulename)
            FROM pg_rewrite r WHERE r.ev_class = c.oid),
           (SELECT string_agg(p.polname, ', ' ORDER BY p.polname)
            FROM pg_policy p WHERE p.polrelid = c.oid),
           (SELECT string_agg(concat_ws(' ', h.inhrelid, h.inhparent), ', ' ORDER BY h.inhrelid)
            FROM pg_inherits h WHERE c.oid IN (h.inhrelid, h.inhparent))) AS form,
       c.relkind = 'r' AND NOT c.relrowsecurity
       AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
       AND NOT EXISTS (SELECT FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                         AND a.atttypid >= 16384)
       AND (c.relname <> 'audit'
            OR 2 = (SELECT count(*) FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND NOT a.attisdropped
                      AND (a.attname, a.atttypid) IN (('id', 'bigint'::regtype::oid),
                                                      ('record', 'text'::regtype::oid))))
           AS readable,
       c.relpersistence = 'p' AND NOT c.relhasrules
       AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid)
       AND NOT EXISTS (SELECT FROM pg_inherits h WHERE c.oid IN (h.inhrelid, h.inhparent))
       AND NOT EXISTS (SELECT FROM pg_constraint k
                       WHERE k.conrelid = c.oid AND k.contype NOT IN ('n', 'p'))
       AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND NOT i.indisprimary)
       AND (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                                        a.attgenerated, pg_get_expr(d.adbin, d.adrelid)), ', '
                              ORDER BY a.attname)
            FROM pg_attribute a
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              -- Older versions of cargo db did not create this column; the next write adds it.
              AND NOT (a.attname = 'keys' AND a.atttypid = 'text'::regtype
                       AND a.attgenerated = ''))
           = CASE c.relname
             WHEN 'audit' THEN 'at timestamp with time zone  now(), id bigint , record text '
             ELSE 'database_oid oid , environment text , set_at timestamp with time zone  now(), '
                  'set_by text  CURRENT_USER, system_identifier bigint '
             END AS as_made,
       coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0) AS written
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_xact_all_tables s ON s.relid = c.oid
WHERE n.nspname = 'cargo_db' AND c.relname IN ('marker', 'audit')
