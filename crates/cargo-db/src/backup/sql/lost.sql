-- What every restore loses, although a dump may contain it. A restore drops the schema cargo_db
-- with everything that depends on it, and creates it again with our tables only. No dump contains
-- the rows of the tables of an extension, except those of its configuration tables.
WITH RECURSIVE ours AS (
    SELECT c.oid, n.oid AS schema
    FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r'
        AND c.relname IN ('marker', 'audit', 'seeds', 'fingerprint')
    WHERE n.nspname = 'cargo_db'
),
gone AS (
    SELECT 'pg_namespace'::regclass::oid AS class, schema AS id, 0 AS part FROM ours
    UNION
    SELECT next.class, next.id, next.part
    FROM gone g, LATERAL (
        SELECT d.classid, d.objid, d.objsubid FROM pg_depend d
        WHERE d.refclassid = g.class AND d.refobjid = g.id
          AND (g.part = 0 OR d.refobjsubid = g.part)
        UNION ALL
        -- A view is defined by its query, and a key by its triggers.
        SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_depend d
        WHERE d.classid = g.class AND d.objid = g.id AND d.deptype = 'i'
    ) AS next (class, id, part)
),
-- A table that is lost as a whole includes its columns.
whole AS (
    SELECT * FROM gone g
    WHERE part = 0 OR NOT EXISTS (SELECT FROM gone w
                                  WHERE w.class = g.class AND w.id = g.id AND w.part = 0)
)
SELECT 'a restore loses the ' || pg_describe_object(g.class, g.id, g.part)
    || ', which is in the schema cargo_db or depends on it' AS doubt
FROM whole g
WHERE NOT (g.class = 'pg_namespace'::regclass AND g.id IN (SELECT schema FROM ours))
  AND NOT (g.class = 'pg_class'::regclass AND g.id IN (SELECT oid FROM ours WHERE oid IS NOT NULL))
  -- Parts of objects that are listed already, and the definition of our own tables.
  AND NOT EXISTS (
      SELECT FROM pg_depend d JOIN whole w ON w.class = d.refclassid AND w.id = d.refobjid
          AND (w.part = 0 OR w.part = d.refobjsubid)
      WHERE d.classid = g.class AND d.objid = g.id AND d.objsubid = g.part
        AND (d.deptype = 'i' OR d.deptype IN ('a', 'P', 'S')
             AND (g.class IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass)
                  OR w.class <> 'pg_class'::regclass
                  OR w.id NOT IN (SELECT oid FROM ours WHERE oid IS NOT NULL))))
UNION ALL
SELECT 'a restore loses the rows of ' || c.oid::regclass || ', which is part of the extension '
    || quote_ident(e.extname)
FROM pg_depend d
JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind = 'r'
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
WHERE d.deptype = 'e' AND pg_relation_size(c.oid) > 0
  AND c.oid <> ALL (coalesce(e.extconfig, '{}'))
ORDER BY 1
