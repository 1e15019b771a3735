SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int / 10000 AS major,
       pg_encoding_to_char(d.encoding) AS encoding, d.datname AS database,
       pg_get_userbyid(d.datdba) AS owner
FROM pg_database d WHERE d.datname = current_database()
