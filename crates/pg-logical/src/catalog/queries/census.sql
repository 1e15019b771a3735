-- Everything that somebody made, in every catalog, with what is of no use to name left out: what
-- comes and goes with an object that is listed itself.
SELECT o.class, o.oid, o.label
FROM (
    SELECT 'pg_namespace'::regclass::oid AS class, n.oid, NULL AS label FROM pg_namespace n
    UNION ALL
    SELECT 'pg_class'::regclass::oid, c.oid, NULL FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
    UNION ALL
    SELECT 'pg_class'::regclass::oid, i.indexrelid, NULL FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {own pg_class c}
    UNION ALL
    SELECT 'pg_type'::regclass::oid, t.oid, NULL FROM pg_type t
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typtype IN ('b', 'd', 'e', 'p', 'r') AND NOT (t.typcategory = 'A' AND t.typelem <> 0)
       OR c.relkind = 'c'
    UNION ALL
    SELECT 'pg_proc'::regclass::oid, p.oid, NULL FROM pg_proc p
    WHERE NOT EXISTS (SELECT 1 FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass
                  AND i.objid = p.oid AND i.deptype = 'i')
    UNION ALL
    SELECT 'pg_operator'::regclass::oid, o.oid, NULL FROM pg_operator o WHERE o.oprcode <> 0
    UNION ALL
    SELECT 'pg_opclass'::regclass::oid, o.oid, NULL FROM pg_opclass o
    UNION ALL
    SELECT 'pg_opfamily'::regclass::oid, o.oid, NULL FROM pg_opfamily o
    UNION ALL
    SELECT 'pg_cast'::regclass::oid, c.oid, NULL FROM pg_cast c
    WHERE NOT EXISTS (SELECT 1 FROM pg_range r
                  WHERE r.rngtypid = c.castsource AND r.rngmultitypid = c.casttarget)
    UNION ALL
    SELECT 'pg_collation'::regclass::oid, c.oid, NULL FROM pg_collation c
    UNION ALL
    SELECT 'pg_conversion'::regclass::oid, c.oid, NULL FROM pg_conversion c
    UNION ALL
    SELECT 'pg_am'::regclass::oid, a.oid, NULL FROM pg_am a
    UNION ALL
    SELECT 'pg_language'::regclass::oid, l.oid, NULL FROM pg_language l
    UNION ALL
    SELECT 'pg_transform'::regclass::oid, t.oid, NULL FROM pg_transform t
    UNION ALL
    SELECT 'pg_ts_parser'::regclass::oid, t.oid, NULL FROM pg_ts_parser t
    UNION ALL
    SELECT 'pg_ts_template'::regclass::oid, t.oid, NULL FROM pg_ts_template t
    UNION ALL
    SELECT 'pg_ts_dict'::regclass::oid, t.oid, NULL FROM pg_ts_dict t
    UNION ALL
    SELECT 'pg_ts_config'::regclass::oid, t.oid, NULL FROM pg_ts_config t
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass::oid, f.oid, NULL FROM pg_foreign_data_wrapper f
    UNION ALL
    SELECT 'pg_foreign_server'::regclass::oid, s.oid, NULL FROM pg_foreign_server s
    UNION ALL
    SELECT 'pg_constraint'::regclass::oid, k.oid, NULL FROM pg_constraint k
    LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type t ON t.oid = k.contypid
    WHERE NOT (k.contype = 'f' AND k.conparentid <> 0) AND k.contype <> 't'
      AND (c.oid IS NULL OR c.relpersistence <> 't' AND {own pg_class c})
      AND (t.oid IS NULL OR {own pg_type t})
    UNION ALL
    SELECT 'pg_rewrite'::regclass::oid, r.oid, NULL FROM pg_rewrite r
    JOIN pg_class c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN' AND {own pg_class c}
    UNION ALL
    SELECT 'pg_trigger'::regclass::oid, t.oid, NULL FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND c.relpersistence <> 't' AND {own pg_class c}
    UNION ALL
    SELECT 'pg_policy'::regclass::oid, p.oid, NULL FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid WHERE {own pg_class c}
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass::oid, s.oid, NULL FROM pg_statistic_ext s
    JOIN pg_class c ON c.oid = s.stxrelid WHERE c.relpersistence <> 't' AND {own pg_class c}
    UNION ALL
    SELECT 'pg_publication'::regclass::oid, p.oid, NULL FROM pg_publication p
    UNION ALL
    SELECT 'pg_event_trigger'::regclass::oid, e.oid, NULL FROM pg_event_trigger e
    UNION ALL
    SELECT 'pg_subscription'::regclass::oid, s.oid, NULL FROM pg_subscription s
    WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    UNION ALL
    SELECT DISTINCT l.classoid, l.objoid, 'security label of provider ' || l.provider
    FROM pg_seclabel l) AS o (class, oid, label)
WHERE (o.oid >= 16384 OR o.label IS NOT NULL)
  AND (o.label IS NOT NULL OR NOT EXISTS (
      SELECT 1 FROM pg_depend dep
      WHERE dep.refclassid = 'pg_extension'::regclass AND dep.deptype = 'e'
        AND dep.classid = o.class AND dep.objid = o.oid))
  AND NOT (o.class = 'pg_namespace'::regclass AND EXISTS (
      SELECT 1 FROM pg_namespace n WHERE n.oid = o.oid AND n.nspname ~ '^pg_(toast_)?temp_'))
