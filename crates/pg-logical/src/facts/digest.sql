-- For each catalog the number of rows, and a hash of the keys of the rows and of the transactions
-- that wrote them. It changes whenever an object does, but also without any difference: when a
-- table gets another file, or the database is restored. Temporary objects do not count: leaving out
-- the few that there are is cheaper than joining all others. The columns of sequences and TOAST
-- tables are always the same, but for the privileges that roles have on them.
-- All statements begin with this one:
WITH constant AS MATERIALIZED (
    SELECT c.oid, c.relpersistence = 't' AS is_temporary FROM pg_class c
    WHERE c.relpersistence = 't' OR c.relkind IN ('S', 't')
        OR c.relnamespace = 'pg_toast'::regnamespace
), temporary AS (SELECT c.oid FROM constant c WHERE c.is_temporary);

SELECT 'class' AS name, count(*) AS rows,
       bit_xor(hash_record_extended(ROW(c.oid, c.xmin), 0)) AS hash
FROM pg_class c WHERE (c.oid >= 16384 OR c.relacl IS NOT NULL) AND c.relpersistence <> 't';

SELECT 'attribute', count(*),
       bit_xor(hash_record_extended(ROW(a.attrelid, a.attnum, a.xmin), 0))
FROM pg_attribute a
WHERE (a.attrelid >= 16384 OR a.attacl IS NOT NULL) AND a.attnum > 0
    AND (a.attrelid NOT IN (SELECT t.oid FROM constant t)
        OR a.attacl IS NOT NULL AND a.attrelid NOT IN (SELECT t.oid FROM temporary t));

SELECT 'attrdef', count(*), bit_xor(hash_record_extended(ROW(d.oid, d.xmin), 0))
FROM pg_attrdef d WHERE d.adrelid NOT IN (SELECT t.oid FROM temporary t);

SELECT 'index', count(*), bit_xor(hash_record_extended(ROW(x.indexrelid, x.xmin), 0))
FROM pg_index x
WHERE x.indexrelid >= 16384 AND x.indrelid NOT IN (SELECT t.oid FROM constant t);

SELECT 'constraint', count(*), bit_xor(hash_record_extended(ROW(k.oid, k.xmin), 0))
FROM pg_constraint k
WHERE k.oid >= 16384 AND k.conrelid NOT IN (SELECT t.oid FROM temporary t);

SELECT 'type', count(*), bit_xor(hash_record_extended(ROW(t.oid, t.xmin), 0))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE (t.oid >= 16384 OR t.typacl IS NOT NULL) AND {lasting n};

SELECT 'namespace', count(*), bit_xor(hash_record_extended(ROW(n.oid, n.xmin), 0))
FROM pg_namespace n WHERE {lasting n};

SELECT 'proc', count(*), bit_xor(hash_record_extended(ROW(p.oid, p.xmin), 0))
FROM pg_proc p WHERE p.oid >= 16384 OR p.proacl IS NOT NULL;

SELECT 'description', count(*),
       bit_xor(hash_record_extended(ROW(d.classoid, d.objoid, d.objsubid, d.xmin), 0))
FROM pg_description d WHERE d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass;

-- Options may only be read through the view, which has no `xmin`.
SELECT 'user_mapping', count(*),
       bit_xor(hash_record_extended(ROW(u.umid, u.umuser, u.umoptions), 0))
FROM pg_user_mappings u;

-- What belongs to an extension, or depends on one.
SELECT 'extension_depend', count(*), bit_xor(hash_record_extended(
    ROW(d.classid, d.objid, d.objsubid, d.refobjid, d.deptype, d.xmin), 0))
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype IN ('e', 'x');

-- Only a superuser may read the connection of a subscription.
SELECT 'subscription', count(*),
       bit_xor(hash_record_extended(ROW(s.oid, s.subname, s.subowner, s.subenabled), 0))
FROM pg_subscription s
WHERE s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());

-- Facts name roles and tablespaces, which can be renamed in another database.
SELECT 'role', count(*), bit_xor(hash_record_extended(ROW(r.oid, r.rolname), 0))
FROM pg_roles r
WHERE r.oid < 16384 OR r.oid IN (
    SELECT d.refobjid FROM pg_shdepend d
    WHERE d.refclassid = 'pg_authid'::regclass AND d.dbid = (
        SELECT b.oid FROM pg_database b WHERE b.datname = current_database()));

SELECT 'tablespace', count(*), bit_xor(hash_record_extended(ROW(t.oid, t.spcname), 0))
FROM pg_tablespace t;

SELECT 'inherits', count(*),
       bit_xor(hash_record_extended(ROW(i.inhrelid, i.inhparent, i.xmin), 0))
FROM pg_inherits i;

SELECT 'ts_config_map', count(*),
       bit_xor(hash_record_extended(ROW(m.mapcfg, m.maptokentype, m.mapseqno, m.xmin), 0))
FROM pg_ts_config_map m WHERE m.mapcfg >= 16384;

SELECT 'seclabel', count(*),
       bit_xor(hash_record_extended(ROW(l.objoid, l.classoid, l.objsubid, l.xmin), 0))
FROM pg_seclabel l;

SELECT 'sequence', count(*), bit_xor(hash_record_extended(ROW(s.seqrelid, s.xmin), 0))
FROM pg_sequence s;

SELECT 'foreign_table', count(*), bit_xor(hash_record_extended(ROW(f.ftrelid, f.xmin), 0))
FROM pg_foreign_table f;

SELECT 'partitioned_table', count(*),
       bit_xor(hash_record_extended(ROW(p.partrelid, p.xmin), 0))
FROM pg_partitioned_table p;

SELECT 'range', count(*), bit_xor(hash_record_extended(ROW(r.rngtypid, r.xmin), 0))
FROM pg_range r WHERE r.rngtypid >= 16384;

SELECT 'aggregate', count(*), bit_xor(hash_record_extended(ROW(a.aggfnoid::oid, a.xmin), 0))
FROM pg_aggregate a WHERE a.aggfnoid::oid >= 16384;
