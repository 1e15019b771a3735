-- Statements that drop what a dump makes outside of schemas.
SELECT 'DROP EXTENSION IF EXISTS ' || quote_ident(extname) || ' CASCADE' AS statement
FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL
SELECT 'DROP PUBLICATION ' || quote_ident(pubname) FROM pg_publication
UNION ALL
SELECT 'DROP EVENT TRIGGER ' || quote_ident(evtname) FROM pg_event_trigger
UNION ALL
SELECT 'SELECT lo_unlink(' || oid || ')' FROM pg_largeobject_metadata
