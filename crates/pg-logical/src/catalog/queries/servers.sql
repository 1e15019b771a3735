SELECT s.oid, s.srvname AS name, pg_get_userbyid(s.srvowner) AS owner, s.srvtype AS type,
       s.srvversion AS version, s.srvoptions AS options, f.fdwname AS wrapper
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw
WHERE {own pg_foreign_server s}
