-- What the server has and allows, in seven result sets: its roles, its available extensions, its
-- tablespaces, the extensions that the role may not create in a new database, the other rights of
-- the role, the database that is restored, and the data folder.
SELECT rolname AS name FROM pg_roles;

SELECT name FROM pg_available_extensions;

SELECT spcname AS name FROM pg_tablespace;

SELECT e.name
FROM pg_available_extensions e
JOIN pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
WHERE v.superuser AND NOT coalesce((to_jsonb(v) ->> 'trusted')::boolean, false)
  AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);

SELECT rolcreatedb OR rolsuper AS creates_databases,
       rolcreaterole OR rolsuper AS creates_roles,
       current_setting('server_version_num')::int / 10000 AS major
FROM pg_roles
WHERE rolname = current_user;

SELECT oid FROM pg_database WHERE datname = {database};

SELECT setting AS name FROM pg_settings WHERE name = 'data_directory'
