-- Types that come with something else: the row type of a relation, an array, a multirange.
SELECT 'pg_type'::regclass::oid AS class, t.oid,
       CASE WHEN t.typrelid <> 0 THEN 'pg_class'::regclass::oid
            ELSE 'pg_type'::regclass::oid END AS of_class,
       CASE WHEN t.typrelid <> 0 THEN t.typrelid
            WHEN t.typtype = 'm' THEN
                (SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid)
            ELSE t.typelem END AS of_oid
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.oid >= 16384
  AND (t.typrelid <> 0 AND c.relkind <> 'c' OR t.typtype = 'm'
       OR t.typcategory = 'A' AND t.typelem <> 0)
UNION ALL
-- What is said of a composite type is said of its relation.
SELECT 'pg_class'::regclass::oid, c.oid, 'pg_type'::regclass::oid, c.reltype
FROM pg_class c WHERE c.relkind = 'c' AND c.oid >= 16384
