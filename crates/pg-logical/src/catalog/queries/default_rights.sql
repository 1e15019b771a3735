SELECT d.oid, pg_get_userbyid(d.defaclrole) AS role, n.nspname AS schema, d.defaclobjtype AS kind,
       item.state, x.grantee <> 0 AS is_role, pg_get_userbyid(x.grantee) AS grantee,
       pg_get_userbyid(x.grantor) AS grantor,
       string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ' '
                  ORDER BY x.privilege_type) AS privileges
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
LEFT JOIN LATERAL (
    SELECT 'now' AS state, u.acl, u.place
    FROM unnest(d.defaclacl) WITH ORDINALITY AS u (acl, place)
    UNION ALL
    SELECT 'first', u.acl, u.place
    FROM unnest(CASE WHEN d.defaclnamespace = 0 THEN
                    acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's'
                                                    ELSE d.defaclobjtype END::"char",
                               d.defaclrole) END)
         WITH ORDINALITY AS u (acl, place)) AS item ON true
LEFT JOIN LATERAL aclexplode(ARRAY[item.acl]) AS x ON true
GROUP BY d.oid, d.defaclrole, n.nspname, d.defaclobjtype, item.state, item.place, x.grantee,
         x.grantor
ORDER BY d.oid, item.state, item.place
