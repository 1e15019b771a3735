SELECT c.oid, c.conname AS name, c.conrelid AS relation, c.contypid AS domain, c.contype AS kind,
       c.conindid AS index, c.conparentid AS parent, c.convalidated AS is_validated,
       c.conislocal AS is_local, c.condeferrable AS is_deferrable, c.condeferred AS is_deferred,
       c.connoinherit AS is_not_inherited, c.confrelid AS referenced,
       -- The definitions of plain keys are composed from these columns.
       CASE WHEN NOT ({chosen others -} AND c.contype IN ('p', 'u', 'f')
                AND c.conenforced AND NOT c.conperiod --from 18
                AND c.convalidated AND NOT c.condeferrable
                AND c.confmatchtype IN (' ', 's') AND c.confupdtype IN (' ', 'a')
                AND c.confdeltype IN (' ', 'a'))
            THEN pg_get_constraintdef(c.oid) END AS definition,
       c.conkey AS columns, c.confkey AS referenced_columns,
       CASE WHEN c.contype = 'f' AND c.conparentid <> 0 THEN
           (WITH RECURSIVE up (oid) AS (
                SELECT c.conparentid
                UNION ALL
                SELECT u.conparentid FROM pg_constraint u JOIN up ON u.oid = up.oid
                WHERE u.conparentid <> 0)
            SELECT array_agg(up.oid) FROM up) END AS copy_of
FROM pg_constraint c
LEFT JOIN pg_class r ON r.oid = c.conrelid
WHERE c.oid >= 16384 AND c.contype <> 't'
  AND coalesce(r.relpersistence, 'p') <> 't'
  -- A partition's foreign key is created with its parent's, so it is read only if it differs.
  AND (c.contype <> 'f' OR c.conparentid = 0 OR EXISTS (
      SELECT 1 FROM pg_constraint u
      WHERE u.oid = c.conparentid AND u.conrelid <> c.conrelid
        AND (u.conname <> c.conname OR u.convalidated <> c.convalidated
             OR EXISTS (SELECT 1 FROM pg_description d
                        WHERE d.classoid = 'pg_constraint'::regclass AND d.objoid = c.oid))))
  AND ({chosen relations c.conrelid} OR {chosen types c.contypid})
