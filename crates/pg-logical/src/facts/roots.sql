-- The objects that these relations belong to: the table of an index or of TOAST data, the type of a
-- composite type's relation. `other` is the table that owns a sequence, or that relation.
SELECT CASE c.relkind WHEN 'c' THEN c.reltype
            WHEN 'i' THEN x.indrelid WHEN 'I' THEN x.indrelid
            WHEN 't' THEN d.refobjid ELSE c.oid END AS oid,
       CASE c.relkind WHEN 'c' THEN 1247 ELSE 1259 END AS class,
       CASE c.relkind WHEN 'S' THEN d.refobjid WHEN 'c' THEN c.oid END AS other
FROM pg_class c LEFT JOIN pg_index x ON x.indexrelid = c.oid
LEFT JOIN pg_depend d ON d.classid = 1259 AND d.objid = c.oid AND d.objsubid = 0
    AND d.refclassid = 1259 AND d.deptype IN ('a', 'i')
WHERE c.oid = ANY ('{relations}') AND c.relpersistence <> 't'
