-- Privileges that differ from those that the object had when it was made: one row an item, those
-- of now and those of then. initdb records in `pg_init_privs` what it grants, but not what
-- `information_schema.sql` does, which it runs afterwards: everybody may read the schema.
WITH held (class, oid, part, acl, first) AS (
    SELECT 'pg_class'::regclass::oid, c.oid, 0, c.relacl,
           acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)
           || CASE WHEN c.relnamespace = to_regnamespace('information_schema') AND c.relname !~ '^_'
              THEN ARRAY[('=r/' || quote_ident(pg_get_userbyid(c.relowner)))::aclitem] END
    FROM pg_class c WHERE c.relacl IS NOT NULL AND c.relpersistence <> 't'
      AND {chosen relations c.oid}
    UNION ALL
    SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum, a.attacl, '{}'
    FROM pg_attribute a WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
      AND {chosen relations a.attrelid}
    UNION ALL
    SELECT 'pg_proc'::regclass::oid, p.oid, 0, p.proacl, acldefault('f', p.proowner)
    FROM pg_proc p WHERE p.proacl IS NOT NULL AND {chosen routines p.oid}
    UNION ALL
    SELECT 'pg_namespace'::regclass::oid, n.oid, 0, n.nspacl,
           CASE WHEN n.nspname = 'public' THEN
               acldefault('n', n.nspowner)
               || ('=U/' || quote_ident(pg_get_userbyid(n.nspowner)))::aclitem  --from 15
               || ('=UC/' || quote_ident(pg_get_userbyid(n.nspowner)))::aclitem --until 14
           WHEN n.nspname = 'information_schema' THEN
               acldefault('n', n.nspowner)
               || ('=U/' || quote_ident(pg_get_userbyid(n.nspowner)))::aclitem
           ELSE acldefault('n', n.nspowner) END
    FROM pg_namespace n
    WHERE {chosen others -} AND n.nspacl IS NOT NULL AND n.nspname !~ '^pg_(toast_)?temp_'
    UNION ALL
    SELECT 'pg_type'::regclass::oid, t.oid, 0, t.typacl, acldefault('T', t.typowner)
    FROM pg_type t WHERE t.typacl IS NOT NULL AND {chosen types t.oid}
    UNION ALL
    SELECT 'pg_language'::regclass::oid, l.oid, 0, l.lanacl, acldefault('l', l.lanowner)
    FROM pg_language l WHERE {chosen others -} AND l.lanacl IS NOT NULL
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass::oid, f.oid, 0, f.fdwacl, acldefault('F', f.fdwowner)
    FROM pg_foreign_data_wrapper f WHERE {chosen others -} AND f.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'pg_foreign_server'::regclass::oid, s.oid, 0, s.srvacl, acldefault('S', s.srvowner)
    FROM pg_foreign_server s WHERE {chosen others -} AND s.srvacl IS NOT NULL
    UNION ALL
    SELECT 'pg_largeobject'::regclass::oid, l.oid, 0, l.lomacl, acldefault('L', l.lomowner)
    FROM pg_largeobject_metadata l WHERE {chosen large_objects -} AND l.lomacl IS NOT NULL)
SELECT h.class, h.oid, h.part, CASE WHEN h.part > 0 THEN
           (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = h.oid AND a.attnum = h.part)
       END AS column,
       item.state, x.grantee <> 0 AS is_role, pg_get_userbyid(x.grantee) AS grantee,
       pg_get_userbyid(x.grantor) AS grantor,
       string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ' '
                  ORDER BY x.privilege_type) AS privileges
FROM held h
LEFT JOIN pg_init_privs i ON i.classoid = h.class AND i.objoid = h.oid AND i.objsubid = h.part
    AND NOT (h.class = 'pg_namespace'::regclass
             AND h.oid = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'public'))
CROSS JOIN LATERAL (
    SELECT 'now' AS state, u.acl, u.place FROM unnest(h.acl) WITH ORDINALITY AS u (acl, place)
    UNION ALL
    SELECT 'first', u.acl, u.place
    FROM unnest(coalesce(i.initprivs, h.first)) WITH ORDINALITY AS u (acl, place)) AS item
CROSS JOIN LATERAL aclexplode(ARRAY[item.acl]) AS x
WHERE h.acl IS DISTINCT FROM coalesce(i.initprivs, h.first)
GROUP BY h.class, h.oid, h.part, item.state, item.place, x.grantee, x.grantor
ORDER BY h.class, h.oid, h.part, item.state, item.place
