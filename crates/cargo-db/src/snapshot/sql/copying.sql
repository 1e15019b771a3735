-- What decides how a database is copied; no row if it does not exist.
SELECT d.oid, pg_has_role(d.datdba, 'USAGE') AS is_owned, r.rolcreatedb OR r.rolsuper AS may_create,
       EXISTS (SELECT FROM pg_settings
               WHERE name = 'file_copy_method' AND 'clone' = ANY (enumvals)) AS clones_files,
       (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data_directory
FROM pg_database d, pg_roles r
WHERE d.datname = {database} AND r.rolname = current_user
