-- What the server has and allows. Six answers: its roles, the extensions that can be created, its
-- tablespaces, what the current role may do, the database that is restored, the data folder.
SELECT rolname AS name FROM pg_roles;

SELECT name FROM pg_available_extensions;

SELECT spcname AS name FROM pg_tablespace;

SELECT rolcreatedb OR rolsuper AS creates_databases,
       current_setting('server_version_num')::int / 10000 AS major
FROM pg_roles
WHERE rolname = current_user;

SELECT oid FROM pg_database WHERE datname = {database};

SELECT setting AS name FROM pg_settings WHERE name = 'data_directory'
