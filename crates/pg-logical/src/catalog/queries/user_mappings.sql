SELECT m.umid AS oid, CASE WHEN m.umuser <> 0 THEN m.usename::text END AS user, m.srvname AS server,
       m.umoptions AS options,
       m.umoptions IS NOT NULL OR r.rolsuper OR m.usename = current_user
       OR pg_has_role(s.srvowner, 'USAGE') AS is_visible
FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid
JOIN pg_roles r ON r.rolname = current_user
WHERE m.umid >= 16384
