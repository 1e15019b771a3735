DO $$
BEGIN
    IF to_regclass('cargo_db.audit') IS NOT NULL THEN TRUNCATE cargo_db.audit; END IF;
END
$$
