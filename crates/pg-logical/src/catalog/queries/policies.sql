SELECT p.oid, p.polname AS name, p.polrelid AS relation, p.polcmd AS command,
       p.polpermissive AS is_permissive,
       CASE WHEN p.polroles <> '{0}' THEN
           (SELECT array_agg(pg_get_userbyid(r) ORDER BY place)
            FROM unnest(p.polroles) WITH ORDINALITY AS roles (r, place)) END AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS condition,
       pg_get_expr(p.polwithcheck, p.polrelid) AS new_rows
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid 
WHERE {own pg_policy p} AND {own pg_class c} AND {chosen relations c.oid}
