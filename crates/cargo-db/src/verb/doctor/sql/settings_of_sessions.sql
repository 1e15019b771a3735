SELECT format('%s = %s for %s', name, value, array_to_string(ARRAY[
           'the role ' || nullif(setrole, 0)::regrole, 'the database ' || datname
       ], ' in ')) AS found
FROM pg_db_role_setting
LEFT JOIN pg_database d ON d.oid = setdatabase
CROSS JOIN LATERAL unnest(setconfig) AS setting
CROSS JOIN LATERAL (
    SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
) AS split(name, value)
WHERE (setdatabase = 0 OR datname = current_database())
  AND (setrole = 0 OR setrole = current_user::regrole)
  AND CASE
      WHEN name IN ('statement_timeout', 'lock_timeout', 'transaction_timeout',
                    'idle_in_transaction_session_timeout') THEN value !~ '^0+[a-z]*$'
      WHEN name = 'default_transaction_read_only' THEN value NOT IN ('off', 'false', 'no', '0')
      WHEN name = 'client_encoding' THEN upper(replace(value, '-', '')) <> 'UTF8'
      WHEN name = 'session_replication_role' THEN value <> 'origin'
      ELSE false
      END
ORDER BY 1
