-- Statements that drop what a dump makes outside of schemas, in an order in which each can be
-- dropped: an event trigger would run for all that follow. Event triggers and extensions that the
-- role does not own are kept; any other object that it does not own makes the restore fail, and
-- nothing changes. Rows that were added to the tables of an extension are lost.
WITH of_others AS (
    SELECT classid, objid FROM pg_depend WHERE deptype IN ('e', 'i')
),
statements AS (
    SELECT 1 AS place, 'DROP EVENT TRIGGER ' || quote_ident(evtname) AS statement
    FROM pg_event_trigger WHERE pg_has_role(evtowner, 'USAGE')
    UNION ALL
    SELECT 2, 'DROP EXTENSION IF EXISTS ' || quote_ident(e.extname) || ' CASCADE'
    FROM pg_extension e
    WHERE e.extname <> 'plpgsql' AND pg_has_role(e.extowner, 'USAGE')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d JOIN pg_extension by ON by.oid = d.objid
                      WHERE d.classid = 'pg_extension'::regclass
                        AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                        AND NOT pg_has_role(by.extowner, 'USAGE'))
    UNION ALL
    SELECT 3, 'DELETE FROM ' || c.oid::regclass || ' ' || k.condition
    FROM pg_extension e, unnest(e.extconfig, e.extcondition) k (relation, condition)
    JOIN pg_class c ON c.oid = k.relation
    WHERE NOT pg_has_role(e.extowner, 'USAGE') AND c.relkind IN ('r', 'p')
      AND has_table_privilege(c.oid, 'DELETE')
    UNION ALL
    SELECT 4, 'DROP PUBLICATION ' || quote_ident(pubname) FROM pg_publication
    UNION ALL
    SELECT 5, 'DROP CAST IF EXISTS (' || castsource::regtype || ' AS ' || casttarget::regtype
        || ') CASCADE'
    FROM pg_cast
    WHERE oid >= 16384
      AND ('pg_cast'::regclass, oid) NOT IN (SELECT classid, objid FROM of_others)
    UNION ALL
    SELECT 6, 'DROP SERVER IF EXISTS ' || quote_ident(srvname) || ' CASCADE'
    FROM pg_foreign_server
    WHERE ('pg_foreign_server'::regclass, oid) NOT IN (SELECT classid, objid FROM of_others)
    UNION ALL
    SELECT 7, 'DROP FOREIGN DATA WRAPPER IF EXISTS ' || quote_ident(fdwname) || ' CASCADE'
    FROM pg_foreign_data_wrapper
    WHERE ('pg_foreign_data_wrapper'::regclass, oid)
          NOT IN (SELECT classid, objid FROM of_others)
    UNION ALL
    SELECT 8, 'SELECT lo_unlink(' || oid || ')' FROM pg_largeobject_metadata
)
SELECT statement FROM statements ORDER BY place
