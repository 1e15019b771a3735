SELECT t.oid, t.tgname AS name, t.tgrelid AS relation, t.tgenabled AS firing,
       t.tgconstraint AS constraint, pg_get_triggerdef(t.oid, false) AS definition
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {own pg_trigger t} AND {own pg_class c}
  AND c.relpersistence <> 't' AND {chosen relations c.oid}
UNION ALL
-- The copies that partitions have are made with the original; only whether they fire is theirs.
SELECT t.oid, t.tgname, t.tgrelid, t.tgenabled, t.tgconstraint, NULL
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_trigger u ON u.oid = t.tgparentid
WHERE t.tgenabled <> u.tgenabled AND {own pg_class c} AND c.relpersistence <> 't'
  AND {chosen relations c.oid}
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype = 'f')
