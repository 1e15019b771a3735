-- For each catalog the number of rows, and the sum of the numbers of the transactions that wrote
-- them. A row that is written again has a higher number, so one of both changes whenever an object
-- does. They also change without any difference: when a
-- table gets another file, or the database is restored. Temporary objects do not count. The rows of
-- the system do: leaving them out takes longer than adding them up.

SELECT 'class' AS name, count(*) AS rows, {written c} AS written, NULL::int8 AS hash
FROM pg_class c WHERE c.relpersistence <> 't';

SELECT 'attribute', count(*), {written a}, NULL
FROM pg_attribute a WHERE {permanent a.attrelid};

SELECT 'attrdef', count(*), {written d}, NULL
FROM pg_attrdef d WHERE {permanent d.adrelid};

SELECT 'index', count(*), {written x}, NULL
FROM pg_index x WHERE {permanent x.indrelid};

SELECT 'constraint', count(*), {written k}, NULL
FROM pg_constraint k WHERE {permanent k.conrelid};

SELECT 'type', count(*), {written t}, NULL
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {lasting n};

SELECT 'namespace', count(*), {written n}, NULL FROM pg_namespace n WHERE {lasting n};

-- Options may only be read through the view, which has no `xmin`.
SELECT 'user_mapping', count(*), NULL,
       bit_xor(hash_record_extended(ROW(u.umid, u.umuser, u.umoptions), 0))
FROM pg_user_mappings u;

-- What belongs to an extension, or depends on one.
SELECT 'extension_depend', count(*), {written d}, NULL
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype IN ('e', 'x');

-- Only a superuser may read the connection of a subscription.
SELECT 'subscription', count(*), NULL,
       bit_xor(hash_record_extended(ROW(s.oid, s.subname, s.subowner, s.subenabled), 0))
FROM pg_subscription s
WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());

-- Facts name roles and tablespaces, which can be renamed in another database.
SELECT 'role', count(*), NULL, bit_xor(hash_record_extended(ROW(r.oid, r.rolname), 0))
FROM pg_roles r
WHERE r.oid < 16384 OR r.oid IN (
    SELECT d.refobjid FROM pg_shdepend d
    WHERE d.refclassid = 'pg_authid'::regclass AND d.dbid = (
        SELECT b.oid FROM pg_database b WHERE b.datname = current_database()));

SELECT 'tablespace', count(*), NULL, bit_xor(hash_record_extended(ROW(t.oid, t.spcname), 0))
FROM pg_tablespace t
