-- Whether a valid index with the same definition exists, for an index that the server named; only
-- the number at the end of the name may differ.
EXISTS (SELECT FROM pg_catalog.pg_index bi
        JOIN pg_catalog.pg_class b ON b.oid = bi.indexrelid
        WHERE bi.indrelid = i.indrelid AND bi.indisvalid
          AND pg_catalog.regexp_replace(b.relname, '[0-9]*$', '')
              = pg_catalog.regexp_replace(c.relname, '[0-9]*$', '')
          AND pg_catalog.replace(pg_catalog.pg_get_indexdef(b.oid),
                                 pg_catalog.quote_ident(b.relname) || ' ON ', 'ON ')
              = pg_catalog.replace(pg_catalog.pg_get_indexdef(c.oid),
                                   pg_catalog.quote_ident(c.relname) || ' ON ', 'ON '))
