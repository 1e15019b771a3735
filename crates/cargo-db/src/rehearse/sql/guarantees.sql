-- Privileges on relations, columns, functions, types and schemas, including those of their owners.
SELECT o.class, o.root, o.kind, o.name,
       pg_catalog.string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC'
                                      ELSE pg_catalog.pg_get_userbyid(a.grantee) END
                             || E'\x1e' || a.privilege_type, E'\x1f') AS rights
FROM (
    SELECT 1259 AS class, c.oid AS root, 'relation' AS kind,
           pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
           coalesce(c.relacl, pg_catalog.acldefault(
               CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::pg_catalog."char", c.relowner)) AS acl
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {schema} AND {relation c.oid}
    UNION ALL
    SELECT 1259, c.oid, 'column',
           pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname), a.attacl
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND {schema} AND {relation a.attrelid}
    UNION ALL
    SELECT 1255, p.oid, 'function',
           pg_catalog.format('%I.%I(%s)', n.nspname, p.proname,
                             pg_catalog.oidvectortypes(p.proargtypes)),
           coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE {schema} AND {routine p.oid} AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e'
        AND e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
    UNION ALL
    SELECT 1247, t.oid, 'type', pg_catalog.format('%I.%I', n.nspname, t.typname),
           coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE {schema} AND {type t.oid}
      AND (t.typtype IN ('d', 'e', 'r') OR t.typtype = 'c' AND EXISTS (
        SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
    UNION ALL
    SELECT 2615, n.oid, 'schema', pg_catalog.quote_ident(n.nspname),
           coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
    FROM pg_catalog.pg_namespace n WHERE {schema} AND {other n.oid}
) o
LEFT JOIN LATERAL pg_catalog.aclexplode(o.acl) a ON true
GROUP BY 1, 2, 3, 4;

-- Tables and their row security.
SELECT c.oid AS root, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       c.relrowsecurity AS secured,
       c.relforcerowsecurity AS forced, pg_catalog.row_security_active(c.oid) AS hidden
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND {schema} AND {relation c.oid};

-- What INSERT ON CONFLICT can refer to.
SELECT c.oid AS root, x.indexrelid AS oid,
       pg_catalog.format('%I.%I', n.nspname, i.relname) AS name,
       pg_catalog.quote_ident(i.relname) AS bare,
       pg_catalog.pg_get_indexdef(x.indexrelid) AS definition,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS of_table
FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE x.indisunique AND x.indimmediate AND x.indisvalid AND c.relkind IN ('r', 'p') AND {schema}
  AND {relation c.oid};

-- Partitions and other children, without those that are being detached.
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS parent,
       pg_catalog.format('%I.%I', m.nspname, d.relname) AS child, d.oid AS oid
FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class c ON c.oid = h.inhparent
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class d ON d.oid = h.inhrelid
JOIN pg_catalog.pg_namespace m ON m.oid = d.relnamespace
WHERE c.relkind IN ('r', 'p') AND {schema} AND {relation d.oid}
  AND coalesce(pg_catalog.to_jsonb(h) ->> 'inhdetachpending', 'false') = 'false';

-- The triggers of foreign keys, and when each was last written.
SELECT t.oid, t.tgrelid AS of_table, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       t.xmin::pg_catalog.text AS written, t.tgenabled IN ('O', 'A') AS enabled
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgisinternal AND k.contype = 'f' AND {schema} AND {relation t.tgrelid};

-- Columns that a sequence numbers: the sequence belongs to the column, or is in its default.
SELECT DISTINCT s.oid AS sequence, pg_catalog.format('%I.%I', sn.nspname, s.relname) AS name,
       c.oid AS of_table, pg_catalog.format('%I.%I', n.nspname, c.relname) AS table_name,
       a.attnum AS number, a.attname AS column_name, q.seqincrement > 0 AS ascends,
       c.reltuples < 100000 OR EXISTS (
           SELECT 1 FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid AND x.indisvalid
           AND x.indpred IS NULL AND x.indkey[0] = a.attnum) AS cheap,
       pg_catalog.row_security_active(c.oid) AS hidden
FROM (
    SELECT objid AS sequence, refobjid AS of_table, refobjsubid AS number
    FROM pg_catalog.pg_depend
    WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND refclassid = classid
      AND deptype IN ('a', 'i') AND refobjsubid > 0 AND {relation refobjid}
    UNION ALL
    SELECT d.refobjid, f.adrelid, f.adnum
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND {relation f.adrelid}
) p
JOIN pg_catalog.pg_sequence q ON q.seqrelid = p.sequence
JOIN pg_catalog.pg_class s ON s.oid = p.sequence
JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_catalog.pg_class c ON c.oid = p.of_table
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.number
WHERE c.relkind IN ('r', 'p') AND NOT a.attisdropped AND {schema} AND {relation c.oid}
  AND a.atttypid IN ('pg_catalog.int2'::pg_catalog.regtype, 'pg_catalog.int4'::pg_catalog.regtype,
                     'pg_catalog.int8'::pg_catalog.regtype)
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_schema_privilege(sn.oid, 'USAGE')
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
  -- The function fails for relations that are not sequences, and the planner may call it early.
  AND CASE s.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(s.oid, 'SELECT') END;

-- Foreign keys whose action on referring rows can be prevented by a trigger or a rule.
SELECT DISTINCT k.confrelid AS parent, k.conrelid AS child
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND {schema} AND {relation k.conrelid}
  AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
  AND (EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE t.tgrelid = k.conrelid
               AND NOT t.tgisinternal AND t.tgtype & 3 = 3 AND t.tgtype & 24 > 0)
       OR EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = k.conrelid
                  AND r.ev_type IN ('2', '4') AND r.is_instead));

-- Whether foreign keys may be disabled by something that no statement shows: a function, the role.
SELECT pg_catalog.current_setting('session_replication_role') <> 'origin' OR EXISTS (
    SELECT 1 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.oid >= 16384 AND {schema} AND (p.prosrc ~* 'session_replication_role|disable\s+trigger'
        OR pg_catalog.array_to_string(p.proconfig, ' ') ~ 'session_replication_role')) AS risky
