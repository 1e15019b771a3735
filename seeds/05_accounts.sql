-- Tells whoever seeds the database how to log in.
DO $$
DECLARE
    account record;
BEGIN
    FOR account IN SELECT email, name, role FROM users ORDER BY id LOOP
        RAISE NOTICE 'test account: % (%, %)', account.email, account.name, account.role;
    END LOOP;
END
$$;
