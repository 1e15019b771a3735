-- Objects that belong to a session and end with it.
SELECT format('the temporary %s `%s`',
              CASE relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END, relname)
FROM pg_class
WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT format('the temporary function `%s`', proname)
FROM pg_proc WHERE pronamespace = pg_my_temp_schema()
UNION ALL
SELECT format('the prepared statement `%s`', name)
FROM pg_prepared_statements WHERE from_sql
UNION ALL
SELECT format('the cursor `%s`', name) FROM pg_cursors WHERE is_holdable
UNION ALL
SELECT format('the channel `%s`, on which it listens', pg_listening_channels)
FROM pg_listening_channels()
