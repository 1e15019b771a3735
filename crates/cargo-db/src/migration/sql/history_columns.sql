-- The columns of a history, and whether another tool's table is in the same schema.
SELECT array_to_string(ARRAY(SELECT attname FROM pg_attribute
                             WHERE attrelid = {table}::regclass AND attnum > 0 AND NOT attisdropped
                             ORDER BY attname COLLATE "C"), ' ') AS columns,
       EXISTS (SELECT 1 FROM pg_class
               WHERE relname IN ({claimants})
                 AND relnamespace = (SELECT relnamespace FROM pg_class
                                     WHERE oid = {table}::regclass)) AS is_claimed
