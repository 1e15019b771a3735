-- The table of the fingerprint. Nobody but its owner may read it until somebody grants that:
-- default privileges do not count.
SET client_min_messages = warning;
DO $$
DECLARE
    other text;
BEGIN
    IF EXISTS (SELECT 1 FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'cargo_db' AND c.relname = 'fingerprint') THEN
        RETURN;
    END IF;
    CREATE TABLE cargo_db.fingerprint (
        identity text NOT NULL,
        role text NOT NULL,
        key text NOT NULL,
        head text NOT NULL,
        facts text NOT NULL
    );
    FOR other IN
        SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END
        FROM pg_catalog.pg_class c
        CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
        WHERE c.oid = 'cargo_db.fingerprint'::regclass AND x.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON cargo_db.fingerprint FROM %s', other);
    END LOOP;
END
$$
