-- The role that migrates reads, and calls the functions, which run as the approver. Each names its
-- objects in full; `pg_temp` comes last, so that no temporary object can stand in for a catalog.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS cargo_db_approval;
CREATE TABLE IF NOT EXISTS cargo_db_approval.approval (
    plan text PRIMARY KEY,
    verb text NOT NULL,
    environment text NOT NULL,
    approved_by text NOT NULL,
    approved_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '24 hours',
    used_by name,
    used_at timestamptz
);
CREATE TABLE IF NOT EXISTS cargo_db_approval.key (
    public_key text PRIMARY KEY,
    accepted_by name NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS cargo_db_approval.request (
    plan text PRIMARY KEY,
    document text NOT NULL CHECK (octet_length(document) <= 1048576),
    requested_by name NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now()
);

CREATE OR REPLACE FUNCTION cargo_db_approval.take(plan text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    UPDATE cargo_db_approval.approval AS a SET used_by = session_user, used_at = now()
    WHERE a.plan = take.plan AND a.used_at IS NULL AND a.expires_at > now();
    RETURN FOUND;
END
$function$;

-- The signature is checked before. That it counts once is what is kept here.
CREATE OR REPLACE FUNCTION cargo_db_approval.take_signed(plan text, key text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    INSERT INTO cargo_db_approval.approval
        (plan, verb, environment, approved_by, used_by, used_at)
    SELECT take_signed.plan, '', '', k.public_key, session_user, now()
    FROM cargo_db_approval.key AS k WHERE k.public_key = take_signed.key
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$function$;

CREATE OR REPLACE FUNCTION cargo_db_approval.request(plan text, document text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    DELETE FROM cargo_db_approval.request AS r WHERE r.requested_at < now() - interval '7 days';
    INSERT INTO cargo_db_approval.request AS r (plan, document, requested_by)
    VALUES (request.plan, request.document, session_user)
    ON CONFLICT ON CONSTRAINT request_pkey DO UPDATE
    SET document = EXCLUDED.document, requested_by = session_user, requested_at = now();
    RETURN true;
END
$function$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cargo_db_approval FROM PUBLIC;
GRANT USAGE ON SCHEMA cargo_db_approval TO {role};
GRANT SELECT ON cargo_db_approval.approval, cargo_db_approval.key TO {role};
GRANT EXECUTE ON FUNCTION cargo_db_approval.take(text),
    cargo_db_approval.take_signed(text, text), cargo_db_approval.request(text, text) TO {role};
COMMIT;
