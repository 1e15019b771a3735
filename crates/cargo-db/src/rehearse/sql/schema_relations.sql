-- Tables, views and sequences, and what belongs to them.
SELECT 'relation' AS kind, {name} AS name,
       concat_ws(' ', c.relkind, c.relpersistence, array_to_string(c.reloptions, ','),
                 pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid),
                 CASE WHEN c.relrowsecurity THEN 'rls' END,
                 CASE WHEN c.relforcerowsecurity THEN 'forced' END,
                 CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END) AS definition
FROM {of_class}
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {relation}
UNION ALL
SELECT 'column', {name} || '.' || quote_ident(a.attname),
       concat_ws(' | ', format_type(a.atttypid, a.atttypmod),
                 CASE WHEN a.attnotnull THEN 'not null' ELSE '' END,
                 coalesce(pg_get_expr(d.adbin, d.adrelid),
                          CASE a.attidentity WHEN 'a' THEN 'always as identity'
                                             WHEN 'd' THEN 'as identity' END, ''),
                 a.attgenerated, nullif(a.attcollation, t.typcollation)::regcollation::text,
                 nullif(a.attstorage, t.typstorage), nullif(a.attstattarget, -1))
FROM {of_class} JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND {relation}
UNION ALL
SELECT 'constraint', {name} || '.' || quote_ident(k.conname),
       pg_get_constraintdef(k.oid) || ' ' || k.convalidated
FROM {of_class} JOIN pg_constraint k ON k.conrelid = c.oid
WHERE k.contype <> 'n' AND {relation}
UNION ALL
SELECT 'index', format('%I.%I', n.nspname, i.relname),
       pg_get_indexdef(x.indexrelid) || ' ' || x.indisvalid || x.indisclustered
       || x.indisreplident
FROM {of_class} JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
WHERE {relation}
UNION ALL
SELECT 'trigger', {name} || '.' || quote_ident(g.tgname),
       concat_ws(' ', pg_get_triggerdef(g.oid), g.tgenabled)
FROM {of_class} JOIN pg_trigger g ON g.tgrelid = c.oid
WHERE NOT g.tgisinternal AND {relation}
UNION ALL
SELECT 'rule', {name} || '.' || quote_ident(r.rulename), pg_get_ruledef(r.oid)
FROM {of_class} JOIN pg_rewrite r ON r.ev_class = c.oid
WHERE r.rulename <> '_RETURN' AND {relation}
UNION ALL
SELECT 'policy', {name} || '.' || quote_ident(y.polname),
       concat_ws(' ', y.polcmd, y.polpermissive, y.polroles::regrole[],
                 pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid))
FROM {of_class} JOIN pg_policy y ON y.polrelid = c.oid
WHERE {relation}
UNION ALL
SELECT 'sequence', {name},
       concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
                 s.seqcache, s.seqcycle)
FROM {of_class} JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE {relation}
UNION ALL
SELECT 'owner', {name}, pg_get_userbyid(c.relowner)
FROM {of_class}
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {relation}
UNION ALL
SELECT 'grant', {name},
       array_to_string(ARRAY(SELECT a::text FROM unnest(c.relacl) a ORDER BY 1), ' ')
FROM {of_class}
WHERE c.relacl IS NOT NULL AND {relation}
