SELECT c.oid, c.conname AS name, c.conrelid AS relation, c.contypid AS domain, c.contype AS kind,
       c.conindid AS index, c.conparentid AS parent, c.convalidated AS is_validated,
       c.conislocal AS is_local, c.condeferrable AS is_deferrable, c.condeferred AS is_deferred,
       c.connoinherit AS is_not_inherited, c.confrelid AS referenced,
       pg_get_constraintdef(c.oid) AS definition,
       c.conkey[1] AS first_column
FROM pg_constraint c
LEFT JOIN pg_class r ON r.oid = c.conrelid
WHERE c.oid >= 16384 AND c.contype <> 't'
  AND coalesce(r.relpersistence, 'p') <> 't'
  AND NOT (c.contype = 'f' AND c.conparentid <> 0)
