-- Statements that drop the objects in a schema that are not dropped with something else, such as an
-- extension or, for the functions of a range, another object; relations first, because sequences
-- and functions may belong to them.
WITH inside AS (
    SELECT d.classid, d.objid, o.type, o.identity
    FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) o
    WHERE d.refclassid = 'pg_namespace'::regclass
      AND d.refobjid = (SELECT oid FROM pg_namespace WHERE nspname = {schema})
      AND NOT EXISTS (SELECT 1 FROM pg_depend e
                      WHERE e.classid = d.classid AND e.objid = d.objid
                        AND e.deptype IN ('e', 'i'))
)
SELECT 'DROP ' || CASE type
           WHEN 'composite type' THEN 'TYPE'
           WHEN 'statistics object' THEN 'STATISTICS'
           ELSE upper(type)
       END || ' IF EXISTS ' || identity || ' CASCADE' AS statement
FROM inside
WHERE type IN ('table', 'view', 'materialized view', 'foreign table', 'sequence', 'function',
               'procedure', 'aggregate', 'type', 'composite type', 'domain', 'operator',
               'operator class', 'operator family', 'collation', 'conversion',
               'statistics object', 'text search parser', 'text search dictionary',
               'text search template', 'text search configuration')
ORDER BY type NOT IN ('table', 'foreign table'),
         type NOT IN ('view', 'materialized view', 'sequence'), 1
