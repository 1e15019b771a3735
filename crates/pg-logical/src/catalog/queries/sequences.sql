SELECT c.oid, n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
       c.relpersistence AS persistence, --from 15
       -- A sequence cannot be unlogged; that of an identity column is created like its table.
       coalesce((SELECT t.relpersistence FROM pg_class t                                 --until 14
                 WHERE d.deptype = 'i' AND t.oid = d.refobjid), c.relpersistence)        --until 14
           AS persistence,                                                               --until 14
       format_type(s.seqtypid, NULL) AS type, s.seqstart AS start,
       s.seqincrement AS increment, s.seqmin AS minimum, s.seqmax AS maximum, s.seqcache AS cache,
       s.seqcycle AS cycles, d.deptype AS ownership, d.refobjid AS table, d.refobjsubid AS column
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
WHERE c.relpersistence <> 't' AND {own pg_class c}
  -- With OR, no index would be used.
  AND c.oid IN (
      SELECT s.seqrelid FROM pg_sequence s WHERE {chosen relations s.seqrelid}
      UNION ALL
      SELECT d.objid FROM pg_depend d
      WHERE {chosen relations d.refobjid} AND d.refclassid = 'pg_class'::regclass
        AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
