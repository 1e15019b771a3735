SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'Odd "Name',
	'relname', 'T; DROP',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'child',
	'relpages', '0'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'fkper',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'ft',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'ftp',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'inhnn',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'nocols',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'ntn',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p1',
	'relpages', '1'::integer,
	'reltuples', '1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p1',
	'attname', 'd',
	'inherited', 'f'::boolean,
	'null_frac', '1'::real,
	'avg_width', '4'::integer,
	'n_distinct', '0'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p1',
	'attname', 'k',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p1',
	'attname', 'v',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '2'::integer,
	'n_distinct', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2',
	'relpages', '-1'::integer,
	'reltuples', '1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2',
	'attname', 'd',
	'inherited', 't'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2',
	'attname', 'k',
	'inherited', 't'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2',
	'attname', 'v',
	'inherited', 't'::boolean,
	'null_frac', '0'::real,
	'avg_width', '2'::integer,
	'n_distinct', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2a',
	'relpages', '1'::integer,
	'reltuples', '1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2a',
	'attname', 'd',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2a',
	'attname', 'k',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2a',
	'attname', 'v',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '2'::integer,
	'n_distinct', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'pam',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'parted',
	'relpages', '-1'::integer,
	'reltuples', '2'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'parted',
	'attname', 'd',
	'inherited', 't'::boolean,
	'null_frac', '0.5'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-0.5'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'parted',
	'attname', 'k',
	'inherited', 't'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-1'::real,
	'histogram_bounds', '{1,99}'::text,
	'correlation', '1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'parted',
	'attname', 'v',
	'inherited', 't'::boolean,
	'null_frac', '0'::real,
	'avg_width', '2'::integer,
	'n_distinct', '-1'::real,
	'histogram_bounds', '{a,x}'::text,
	'correlation', '-1'::real
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'ph',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'ph0',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'pid',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'pid1',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'pub',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'st16',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'relpages', '1'::integer,
	'reltuples', '3'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'attname', 'a',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '7'::integer,
	'n_distinct', '-1'::real,
	'histogram_bounds', '{"\\.",eins,"tab	new
line\\"}'::text,
	'correlation', '-0.5'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'attname', 'd',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-1'::real,
	'histogram_bounds', '{5,6,7}'::text,
	'correlation', '1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'attname', 'g',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-0.33333334'::real,
	'most_common_vals', '{3}'::text,
	'most_common_freqs', '{1}'::real[],
	'correlation', '1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'attname', 'id',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '8'::integer,
	'n_distinct', '-1'::real,
	'histogram_bounds', '{5,7,9}'::text,
	'correlation', '1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'attname', 'j',
	'inherited', 'f'::boolean,
	'null_frac', '0.6666667'::real,
	'avg_width', '25'::integer,
	'n_distinct', '-0.3333333'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'attname', 'm',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-0.33333334'::real,
	'most_common_vals', '{ok}'::text,
	'most_common_freqs', '{1}'::real[],
	'correlation', '1'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'attname', 'p',
	'inherited', 'f'::boolean,
	'null_frac', '0.6666667'::real,
	'avg_width', '27'::integer,
	'n_distinct', '-0.3333333'::real
);

SELECT * FROM pg_catalog.pg_restore_attribute_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't',
	'attname', 's',
	'inherited', 'f'::boolean,
	'null_frac', '0'::real,
	'avg_width', '4'::integer,
	'n_distinct', '-0.5'::real,
	'histogram_bounds', '{1,2,3}'::text,
	'correlation', '1'::real
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'tam',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'tmp_period',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'typed',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'ul',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'un',
	'relpages', '0'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'un2',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'virt',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'ix',
	'relpages', '2'::integer,
	'reltuples', '3'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'mv',
	'relpages', '1'::integer,
	'reltuples', '3'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'mv0',
	'relpages', '0'::integer,
	'reltuples', '-1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'mvi',
	'relpages', '2'::integer,
	'reltuples', '3'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'nn',
	'relpages', '1'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p1_k_idx',
	'relpages', '2'::integer,
	'reltuples', '1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2_k_idx',
	'relpages', '0'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'p2a_k_idx',
	'relpages', '2'::integer,
	'reltuples', '1'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'pk',
	'relpages', '0'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'pub_pkey',
	'relpages', '1'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't_pkey',
	'relpages', '2'::integer,
	'reltuples', '3'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 't_s_excl',
	'relpages', '1'::integer,
	'reltuples', '3'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'tmp_period_pkey',
	'relpages', '1'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'typed_pkey',
	'relpages', '1'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'un2_pkey',
	'relpages', '1'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'un_pkey',
	'relpages', '1'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'uq',
	'relpages', '2'::integer,
	'reltuples', '3'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SELECT * FROM pg_catalog.pg_restore_relation_stats(
	'version', '180006'::integer,
	'schemaname', 'app',
	'relname', 'uu',
	'relpages', '1'::integer,
	'reltuples', '0'::real,
	'relallvisible', '0'::integer,
	'relallfrozen', '0'::integer
);

SET SESSION AUTHORIZATION 'postgres';

SET SESSION AUTHORIZATION 'sink_owner';

CREATE SCHEMA "app";

COMMENT ON SCHEMA "app" IS 'it''s; the app';

CREATE OR REPLACE PROCEDURAL LANGUAGE "plsample";

COMMENT ON LANGUAGE "plsample" IS 'l';

CREATE COLLATION "app"."bi" (provider = builtin, locale = 'C.UTF-8');

CREATE COLLATION "app"."c2" (provider = libc, locale = 'C');

CREATE COLLATION "app"."de" (provider = libc, lc_collate = 'C', lc_ctype = 'POSIX');

COMMENT ON COLLATION "app"."de" IS 'c';

SET SESSION AUTHORIZATION DEFAULT;

CREATE TRANSFORM FOR integer LANGUAGE "plpgsql" (FROM SQL WITH FUNCTION "pg_catalog"."prsd_lextype"("internal"), TO SQL WITH FUNCTION "pg_catalog"."int4recv"("internal"));

COMMENT ON TRANSFORM FOR integer LANGUAGE "plpgsql" IS 't';

CREATE EXTENSION IF NOT EXISTS "btree_gist" WITH SCHEMA "public";

COMMENT ON EXTENSION "btree_gist" IS 'support for indexing common datatypes in GiST';

CREATE EXTENSION IF NOT EXISTS "citext" WITH SCHEMA "app";

COMMENT ON EXTENSION "citext" IS 'data type for case-insensitive character strings';

CREATE EXTENSION IF NOT EXISTS "file_fdw" WITH SCHEMA "public";

COMMENT ON EXTENSION "file_fdw" IS 'foreign-data wrapper for flat file access';

CREATE EXTENSION IF NOT EXISTS "hstore" WITH SCHEMA "public";

COMMENT ON EXTENSION "hstore" IS 'h';

CREATE EXTENSION IF NOT EXISTS "pg_stat_statements" WITH SCHEMA "public";

COMMENT ON EXTENSION "pg_stat_statements" IS 'track planning and execution statistics of all SQL statements executed';

CREATE TYPE "app"."base";

CREATE FUNCTION "app"."base_in"("cstring") RETURNS "app"."base"
    LANGUAGE "internal" IMMUTABLE STRICT
    AS $$int4in$$;

CREATE FUNCTION "app"."base_out"("app"."base") RETURNS "cstring"
    LANGUAGE "internal" IMMUTABLE STRICT
    AS $$int4out$$;

CREATE TYPE "app"."base" (
    INTERNALLENGTH = 4,
    INPUT = "app"."base_in",
    OUTPUT = "app"."base_out",
    DEFAULT = '7',
    CATEGORY = 'N',
    ALIGNMENT = int4,
    STORAGE = plain,
    PASSEDBYVALUE
);

CREATE TYPE "app"."frange" AS RANGE (
    subtype = double precision,
    multirange_type_name = "app"."fmultirange",
    subtype_diff = "float8mi"
);

CREATE TYPE "app"."mood" AS ENUM (
    'sad',
    'ok',
    'it''s'
);

COMMENT ON TYPE "app"."mood" IS 'm';

CREATE TYPE "app"."pair" AS (
	"a" integer,
	"b" "text" COLLATE "pg_catalog"."C"
);

CREATE DOMAIN "app"."posint" AS integer NOT NULL DEFAULT 1
	CONSTRAINT "posint_check" CHECK ((VALUE > 0));

COMMENT ON DOMAIN "app"."posint" IS 'd';

CREATE TYPE "app"."shellonly";

CREATE CAST (integer AS "app"."base") WITH INOUT AS ASSIGNMENT;

CREATE FUNCTION "app"."m2i"("app"."mood") RETURNS integer
    LANGUAGE "sql" IMMUTABLE
    AS $$select 1$$;

CREATE CAST ("app"."mood" AS integer) WITH FUNCTION "app"."m2i"("app"."mood") AS ASSIGNMENT;

COMMENT ON CAST ("app"."mood" AS integer) IS 'c';

CREATE FUNCTION "app"."atomic"("a" integer) RETURNS integer
    LANGUAGE "sql"
    BEGIN ATOMIC
 SELECT 1;
 SELECT
         CASE
             WHEN ("a" > 1) THEN 2
             ELSE 3
         END AS "case";
END;

CREATE FUNCTION "app"."etrg"() RETURNS "event_trigger"
    LANGUAGE "plpgsql"
    AS $$ BEGIN END $$;

CREATE FUNCTION "app"."plus"("a" integer, "b" integer DEFAULT 2, VARIADIC "c" integer[] DEFAULT '{}'::integer[]) RETURNS integer
    LANGUAGE "sql" IMMUTABLE COST 7 PARALLEL SAFE
    SET "search_path" TO 'app', 'pg_catalog'
    AS $_$ SELECT $1 + $2; $_$;

COMMENT ON FUNCTION "app"."plus"("a" integer, "b" integer, VARIADIC "c" integer[]) IS 'f';

CREATE PROCEDURE "app"."proc"(INOUT "a" integer)
    LANGUAGE "plpgsql"
    AS $$ BEGIN a := 1; END $$;

COMMENT ON PROCEDURE "app"."proc"(INOUT "a" integer) IS 'p';

CREATE FUNCTION "app"."ret"("a" integer) RETURNS integer
    LANGUAGE "sql" IMMUTABLE
    RETURN ("a" + 1);

CREATE FUNCTION "app"."tab"() RETURNS TABLE("x" integer, "y" "text")
    LANGUAGE "plpgsql" STABLE SECURITY DEFINER LEAKPROOF ROWS 5
    AS $$ BEGIN RETURN QUERY SELECT 1, 'a'::text; END $$;

CREATE FUNCTION "app"."trg"() RETURNS "trigger"
    LANGUAGE "plpgsql"
    AS $$ BEGIN RETURN NEW; END $$;

ALTER FUNCTION "app"."trg"() DEPENDS ON EXTENSION "hstore";

CREATE AGGREGATE "app"."hyp"(double precision ORDER BY "anyelement") (
    SFUNC = "ordered_set_transition",
    STYPE = "internal",
    FINALFUNC = "percentile_disc_final",
    FINALFUNC_EXTRA
);

CREATE AGGREGATE "app"."total"(integer) (
    SFUNC = "int4pl",
    STYPE = integer,
    INITCOND = '0',
    COMBINEFUNC = "int4pl",
    PARALLEL = safe
);

COMMENT ON AGGREGATE "app"."total"(integer) IS 'x';

CREATE ACCESS METHOD "bt2" TYPE INDEX HANDLER "bthandler";

CREATE ACCESS METHOD "heap2" TYPE TABLE HANDLER "heap_tableam_handler";

COMMENT ON ACCESS METHOD "heap2" IS 'am';

CREATE OPERATOR "app".### (
    FUNCTION = "int4pl",
    LEFTARG = integer,
    RIGHTARG = integer,
    COMMUTATOR = OPERATOR("app".###)
);

COMMENT ON OPERATOR "app".### (integer, integer) IS 'o';

CREATE OPERATOR "app".=== (
    FUNCTION = "int4eq",
    LEFTARG = integer,
    RIGHTARG = integer,
    NEGATOR = OPERATOR("app".!==),
    MERGES,
    HASHES,
    RESTRICT = "eqsel",
    JOIN = "eqjoinsel"
);

CREATE OPERATOR FAMILY "app"."fam" USING "btree";

ALTER OPERATOR FAMILY "app"."fam" USING "btree" ADD
    OPERATOR 1 <(integer,bigint) ,
    FUNCTION 1 (integer, bigint) "btint48cmp"(integer,bigint);

COMMENT ON OPERATOR FAMILY "app"."fam" USING "btree" IS 'of';

CREATE OPERATOR CLASS "app"."cls"
    FOR TYPE integer USING "btree" FAMILY "app"."fam" AS
    OPERATOR 1 <(integer,integer) ,
    OPERATOR 2 <=(integer,integer) ,
    OPERATOR 3 =(integer,integer) ,
    OPERATOR 4 >=(integer,integer) ,
    OPERATOR 5 >(integer,integer) ,
    FUNCTION 1 (integer, integer) "btint4cmp"(integer,integer);

COMMENT ON OPERATOR CLASS "app"."cls" USING "btree" IS 'oc';

CREATE OPERATOR FAMILY "app"."gs" USING "gist";

CREATE OPERATOR CLASS "app"."gs"
    FOR TYPE "int4range" USING "gist" FAMILY "app"."gs" AS
    FUNCTION 1 ("int4range", "int4range") "range_gist_consistent"("internal","anyrange",smallint,"oid","internal");

CREATE CONVERSION "app"."conv" FOR 'LATIN1' TO 'UTF8' FROM "iso8859_1_to_utf8";

COMMENT ON CONVERSION "app"."conv" IS 'c';

CREATE TEXT SEARCH PARSER "app"."prs" (
    START = "prsd_start",
    GETTOKEN = "prsd_nexttoken",
    END = "prsd_end",
    HEADLINE = "prsd_headline",
    LEXTYPES = "prsd_lextype" );

CREATE TEXT SEARCH TEMPLATE "app"."tpl" (
    INIT = "dsimple_init",
    LEXIZE = "dsimple_lexize" );

CREATE TEXT SEARCH DICTIONARY "app"."dict" (
    TEMPLATE = "pg_catalog"."snowball",
    language = 'english', stopwords = 'english' );

COMMENT ON TEXT SEARCH DICTIONARY "app"."dict" IS 'd';

CREATE TEXT SEARCH CONFIGURATION "app"."conf" (
    PARSER = "pg_catalog"."default" );

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "asciiword" WITH "english_stem";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "word" WITH "app"."dict", "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "numword" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "email" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "url" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "host" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "sfloat" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "version" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "hword_numpart" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "hword_part" WITH "english_stem";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "hword_asciipart" WITH "english_stem";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "numhword" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "asciihword" WITH "english_stem";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "hword" WITH "english_stem";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "url_path" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "file" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "float" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "int" WITH "simple";

ALTER TEXT SEARCH CONFIGURATION "app"."conf"
    ADD MAPPING FOR "uint" WITH "simple";

COMMENT ON TEXT SEARCH CONFIGURATION "app"."conf" IS 'c';

CREATE FOREIGN DATA WRAPPER "fw" OPTIONS (
    "debug" 'true'
);

COMMENT ON FOREIGN DATA WRAPPER "fw" IS 'fw';

CREATE SERVER "files" FOREIGN DATA WRAPPER "file_fdw";

CREATE SERVER "srv" TYPE 't' VERSION '1' FOREIGN DATA WRAPPER "fw" OPTIONS (
    "dbname" 'y;z',
    "host" 'x'
);

COMMENT ON SERVER "srv" IS 's';

CREATE USER MAPPING FOR "public" SERVER "srv";

CREATE USER MAPPING FOR "sink_owner" SERVER "srv" OPTIONS (
    "password" 'p''w',
    "user" 'u'
);

SET default_table_access_method = "heap";

CREATE TABLE "Odd ""Name"."T; DROP" (
    "a b" integer,
    "c""d" "text"
);

CREATE UNLOGGED TABLE "app"."un" (
    "a" integer NOT NULL,
    "b" "text",
    "exclude" integer
);

CREATE TABLE "app"."child" (
    "extra" integer
)
INHERITS ("app"."un");

CREATE VIEW "app"."circ1" AS
SELECT
    NULL::integer AS "a",
    NULL::"text" AS "b";

CREATE SEQUENCE "app"."down"
    START WITH -1
    INCREMENT BY -1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE "app"."fkper" (
    "id" integer,
    "p" "int4range"
);

CREATE FOREIGN TABLE "app"."ft" (
    "a" integer NOT NULL,
    "b" "text"
)
SERVER "srv"
OPTIONS (
    "table_name" 'x'
);

ALTER FOREIGN TABLE ONLY "app"."ft" ALTER COLUMN "a" OPTIONS (
    "column_name" 'A'
);

ALTER FOREIGN TABLE ONLY "app"."ft" ALTER COLUMN "b" SET STATISTICS 5;

COMMENT ON FOREIGN TABLE "app"."ft" IS 'ft';

CREATE TABLE "app"."ph" (
    "k" integer
)
PARTITION BY HASH ("k");

CREATE FOREIGN TABLE "app"."ftp" (
    "k" integer
)
SERVER "srv";

CREATE TABLE "app"."inhnn" (
    "a" integer NOT NULL NO INHERIT
);

CREATE TABLE "app"."t" (
    "id" bigint NOT NULL,
    "s" integer NOT NULL,
    "a" "text" DEFAULT 'x;y'::"text" NOT NULL COLLATE "app"."de",
    "m" "app"."mood" DEFAULT 'ok'::"app"."mood",
    "g" integer GENERATED ALWAYS AS ("length"('abc'::"text")) STORED,
    "d" "app"."posint",
    "p" "app"."pair",
    "j" "jsonb",
    CONSTRAINT "chk" CHECK (("s" > 0))
)
WITH ("fillfactor"='70', "autovacuum_enabled"='false');

ALTER TABLE ONLY "app"."t" ALTER COLUMN "s" SET (n_distinct=-0.5, n_distinct_inherited=9);

ALTER TABLE ONLY "app"."t" ALTER COLUMN "a" SET STATISTICS 300;

ALTER TABLE ONLY "app"."t" ALTER COLUMN "j" SET STORAGE EXTERNAL;

ALTER TABLE ONLY "app"."t" ALTER COLUMN "j" SET COMPRESSION pglz;

ALTER TABLE ONLY "app"."t" REPLICA IDENTITY FULL;

ALTER TABLE ONLY "app"."t" FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE "app"."t" IS 'multi
line; -- comment';

COMMENT ON COLUMN "app"."t"."a" IS 'a';

COMMENT ON CONSTRAINT "chk" ON "app"."t" IS 'c';

CREATE MATERIALIZED VIEW "app"."mv" AS
 SELECT "a",
    "count"(*) AS "n"
   FROM "app"."t"
  GROUP BY "a"
  WITH NO DATA;

ALTER TABLE ONLY "app"."mv" ALTER COLUMN "a" SET STATISTICS 9;

COMMENT ON MATERIALIZED VIEW "app"."mv" IS 'mv';

CREATE MATERIALIZED VIEW "app"."mv0"
WITH ("fillfactor"='60') AS
 SELECT 1 AS "x"
  WITH NO DATA;

CREATE TABLE "app"."nocols" (
);

CREATE TABLE "app"."ntn" (
    "a" integer,
    "b" integer,
    CONSTRAINT "zz" CHECK (("a" > "b")) NO INHERIT
);

CREATE TABLE "app"."parted" (
    "k" integer,
    "v" "text",
    "d" "date"
)
PARTITION BY RANGE ("k");

CREATE TABLE "app"."p1" (
    "k" integer,
    "v" "text",
    "d" "date"
);

CREATE TABLE "app"."p2" (
    "k" integer,
    "v" "text",
    "d" "date"
)
PARTITION BY LIST ("v");

CREATE TABLE "app"."p2a" (
    "k" integer,
    "v" "text",
    "d" "date"
);

CREATE TABLE "app"."pam" (
    "a" integer
)
PARTITION BY LIST ("a");

ALTER TABLE "app"."pam" SET ACCESS METHOD "heap2";

CREATE TABLE "app"."ph0" (
    "k" integer
);

CREATE TABLE "app"."pid" (
    "id" integer NOT NULL,
    "k" integer
)
PARTITION BY LIST ("k");

CREATE TABLE "app"."pid1" (
    "id" integer CONSTRAINT "pid_id_not_null" NOT NULL,
    "k" integer
);

ALTER TABLE "app"."pid" ALTER COLUMN "id" ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME "app"."pid_id_seq"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE "app"."pub" (
    "a" integer NOT NULL,
    "b" "text"
);

CREATE VIEW "app"."rv" AS
 WITH RECURSIVE "rv"("n") AS (
         VALUES (1)
        UNION ALL
         SELECT ("rv_1"."n" + 1)
           FROM "rv" "rv_1"
          WHERE ("rv_1"."n" < 5)
        )
 SELECT "n"
   FROM "rv";

CREATE SEQUENCE "app"."sq"
    AS smallint
    START WITH 3
    INCREMENT BY 1
    MINVALUE -5
    MAXVALUE 50
    CACHE 3
    CYCLE;

ALTER SEQUENCE "app"."sq" OWNED BY "app"."un"."a";

COMMENT ON SEQUENCE "app"."sq" IS 's';

CREATE TABLE "app"."st16" (
    "a" "text"
);

ALTER TABLE "app"."t" ALTER COLUMN "id" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME "app"."t_id_seq"
    START WITH 5
    INCREMENT BY 2
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE SEQUENCE "app"."t_s_seq"
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE "app"."t_s_seq" OWNED BY "app"."t"."s";

SET default_table_access_method = "heap2";

CREATE TABLE "app"."tam" (
    "a" integer
);

CREATE TABLE "app"."tmp_period" (
    "id" integer NOT NULL,
    "p" "int4range" NOT NULL
);

CREATE TABLE "app"."typed" OF "app"."pair" (
    "a" NOT NULL,
    "b" DEFAULT 'z'::"text" COLLATE "pg_catalog"."C"
);

CREATE UNLOGGED TABLE "app"."ul" (
    "a" integer
);

CREATE UNLOGGED SEQUENCE "app"."uls"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE "app"."un2" (
    "id" integer NOT NULL
);

CREATE VIEW "app"."v" WITH ("security_barrier"='true') AS
 SELECT "id",
    "a"
   FROM "app"."t"
  WHERE ("s" > 1)
  WITH LOCAL CHECK OPTION;

COMMENT ON VIEW "app"."v" IS 'v';

CREATE VIEW "app"."v2" AS
 SELECT 1 AS "x",
    'a;b'::"text" AS "y";

CREATE TABLE "app"."virt" (
    "a" integer,
    "v" integer GENERATED ALWAYS AS (("a" * 2)),
    "b" integer CONSTRAINT "bnn" NOT NULL,
    "c" integer
);

CREATE VIEW "app"."vv" WITH ("security_invoker"='true') AS
 SELECT 1 AS "a";

ALTER TABLE ONLY "app"."ph" ATTACH PARTITION "app"."ftp" FOR VALUES WITH (modulus 2, remainder 1);

ALTER TABLE ONLY "app"."parted" ATTACH PARTITION "app"."p1" FOR VALUES FROM (1) TO (10);

ALTER TABLE ONLY "app"."parted" ATTACH PARTITION "app"."p2" DEFAULT;

ALTER TABLE ONLY "app"."p2" ATTACH PARTITION "app"."p2a" FOR VALUES IN ('a', NULL);

ALTER TABLE ONLY "app"."ph" ATTACH PARTITION "app"."ph0" FOR VALUES WITH (modulus 2, remainder 0);

ALTER TABLE ONLY "app"."pid" ATTACH PARTITION "app"."pid1" FOR VALUES IN (1);

ALTER TABLE ONLY "app"."child" ALTER COLUMN "a" SET DEFAULT 3;

ALTER TABLE ONLY "app"."t" ALTER COLUMN "s" SET DEFAULT "nextval"('"app"."t_s_seq"'::"regclass");

ALTER TABLE ONLY "app"."v2" ALTER COLUMN "x" SET DEFAULT 3;

INSERT INTO "Odd ""Name"."T; DROP" ("a b", "c""d") VALUES (1, 'x');

INSERT INTO "app"."nocols" DEFAULT VALUES;

INSERT INTO "app"."parted" ("k", "v", "d") VALUES (1, 'x', NULL);

INSERT INTO "app"."parted" ("k", "v", "d") VALUES (99, 'a', '2020-01-01');

INSERT INTO "app"."t" ("id", "s", "a", "m", "d", "p", "j") OVERRIDING SYSTEM VALUE VALUES (5, 1, 'eins', 'ok', 5, '(1,x)', '{"a": 1}');

INSERT INTO "app"."t" ("id", "s", "a", "m", "d", "p", "j") OVERRIDING SYSTEM VALUE VALUES (7, 2, 'tab	new
line\', 'ok', 6, NULL, NULL);

INSERT INTO "app"."t" ("id", "s", "a", "m", "d", "p", "j") OVERRIDING SYSTEM VALUE VALUES (9, 3, '\.', 'ok', 7, NULL, NULL);

INSERT INTO "app"."tam" ("a") VALUES (1);

SELECT pg_catalog.setval('"app"."down"', -1, false);

SELECT pg_catalog.setval('"app"."pid_id_seq"', 1, false);

SELECT pg_catalog.setval('"app"."sq"', 3, false);

SELECT pg_catalog.setval('"app"."t_id_seq"', 9, true);

SELECT pg_catalog.setval('"app"."t_s_seq"', 3, true);

SELECT pg_catalog.setval('"app"."uls"', 1, false);

ALTER TABLE "app"."virt"
    ADD CONSTRAINT "cnn" NOT NULL "c" NOT VALID;

ALTER TABLE "app"."virt"
    ADD CONSTRAINT "dd" CHECK (("a" > 1)) NOT ENFORCED;

ALTER TABLE ONLY "app"."pub"
    ADD CONSTRAINT "pub_pkey" PRIMARY KEY ("a");

ALTER DOMAIN "app"."posint"
    ADD CONSTRAINT "small" CHECK ((VALUE < 100)) NOT VALID;

COMMENT ON CONSTRAINT "small" ON DOMAIN "app"."posint" IS 'x';

ALTER TABLE ONLY "app"."t"
    ADD CONSTRAINT "t_pkey" PRIMARY KEY ("id");

ALTER TABLE "app"."t" CLUSTER ON "t_pkey";

ALTER TABLE ONLY "app"."t"
    ADD CONSTRAINT "t_s_excl" EXCLUDE USING "gist" ("s" WITH =);

ALTER TABLE ONLY "app"."tmp_period"
    ADD CONSTRAINT "tmp_period_pkey" PRIMARY KEY ("id", "p" WITHOUT OVERLAPS);

ALTER TABLE ONLY "app"."typed"
    ADD CONSTRAINT "typed_pkey" PRIMARY KEY ("a");

ALTER TABLE ONLY "app"."un2"
    ADD CONSTRAINT "un2_pkey" PRIMARY KEY ("id");

ALTER TABLE ONLY "app"."un"
    ADD CONSTRAINT "un_pkey" PRIMARY KEY ("a") INCLUDE ("b");

ALTER TABLE "app"."un" CLUSTER ON "un_pkey";

ALTER TABLE ONLY "app"."un" REPLICA IDENTITY USING INDEX "un_pkey";

ALTER TABLE ONLY "app"."t"
    ADD CONSTRAINT "uq" UNIQUE ("a", "m") DEFERRABLE INITIALLY DEFERRED;

CREATE INDEX "ix" ON "app"."t" USING "gin" ("j" "jsonb_path_ops") WITH ("fastupdate"='off');

ALTER INDEX "app"."ix" DEPENDS ON EXTENSION "btree_gist";

CREATE UNIQUE INDEX "mvi" ON "app"."mv" USING "btree" ("a");

ALTER TABLE "app"."mv" CLUSTER ON "mvi";

CREATE UNIQUE INDEX "nn" ON "app"."un" USING "btree" ("b") NULLS NOT DISTINCT;

CREATE INDEX "pk" ON ONLY "app"."parted" USING "btree" ("k");

CREATE INDEX "p1_k_idx" ON "app"."p1" USING "btree" ("k");

CREATE INDEX "p2_k_idx" ON ONLY "app"."p2" USING "btree" ("k");

CREATE INDEX "p2a_k_idx" ON "app"."p2a" USING "btree" ("k");

CREATE UNIQUE INDEX "uu" ON "app"."t" USING "btree" ("lower"("a") DESC NULLS LAST, "s") INCLUDE ("id") WHERE ("s" > 3);

ALTER INDEX "app"."uu" ALTER COLUMN 1 SET STATISTICS 55;

COMMENT ON INDEX "app"."uu" IS 'idx';

ALTER INDEX "app"."pk" ATTACH PARTITION "app"."p1_k_idx";

ALTER INDEX "app"."pk" ATTACH PARTITION "app"."p2_k_idx";

ALTER INDEX "app"."p2_k_idx" ATTACH PARTITION "app"."p2a_k_idx";

CREATE STATISTICS "app"."st" (ndistinct, mcv) ON "a", "b" FROM "app"."un";

ALTER STATISTICS "app"."st" SET STATISTICS 77;

COMMENT ON STATISTICS "app"."st" IS 's';

CREATE STATISTICS "app"."ste" ON "b", ("a" + 1) FROM "app"."un";

CREATE OR REPLACE VIEW "app"."circ1" AS
 SELECT "a",
    "b"
   FROM "app"."un"
  GROUP BY "a";

CREATE RULE "ru" AS
    ON INSERT TO "app"."ul"
   WHERE ("new"."a" > 1) DO ( INSERT INTO "app"."un" ("a")
  VALUES (1);
 DELETE FROM "app"."un"
  WHERE ("un"."a" = 9);
);

ALTER TABLE "app"."ul" DISABLE RULE "ru";

COMMENT ON RULE "ru" ON "app"."ul" IS 'r';

CREATE RULE "vr" AS
    ON UPDATE TO "app"."v2" DO INSTEAD NOTHING;

CREATE CONSTRAINT TRIGGER "ctr" AFTER INSERT ON "app"."t" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "app"."trg"();

ALTER TABLE "app"."t" ENABLE ALWAYS TRIGGER "ctr";

CREATE TRIGGER "ptr" AFTER INSERT ON "app"."parted" FOR EACH ROW EXECUTE FUNCTION "app"."trg"();

ALTER TABLE "app"."p1" DISABLE TRIGGER "ptr";

CREATE TRIGGER "tr" BEFORE UPDATE OF "a" ON "app"."t" FOR EACH ROW WHEN (("old"."a" IS DISTINCT FROM "new"."a")) EXECUTE FUNCTION "app"."trg"('x;''y');

ALTER TABLE "app"."t" DISABLE TRIGGER "tr";

COMMENT ON TRIGGER "tr" ON "app"."t" IS 'x';

CREATE TRIGGER "tr3" AFTER DELETE ON "app"."t" REFERENCING OLD TABLE AS "o" FOR EACH STATEMENT EXECUTE FUNCTION "app"."trg"();

ALTER TABLE "app"."t" ENABLE REPLICA TRIGGER "tr3";

ALTER TABLE ONLY "app"."un"
    ADD CONSTRAINT "fk" FOREIGN KEY ("a") REFERENCES "app"."un"("a") ON DELETE CASCADE NOT VALID;

ALTER TABLE ONLY "app"."fkper"
    ADD CONSTRAINT "fkper_id_p_fkey" FOREIGN KEY ("id", PERIOD "p") REFERENCES "app"."tmp_period"("id", PERIOD "p");

ALTER TABLE ONLY "app"."fkper"
    ADD CONSTRAINT "ne" FOREIGN KEY ("id") REFERENCES "app"."un2"("id") NOT ENFORCED;

CREATE POLICY "po" ON "app"."t" AS RESTRICTIVE FOR UPDATE TO "Sink reader" USING (("a" = 'x;'::"text")) WITH CHECK (true);

COMMENT ON POLICY "po" ON "app"."t" IS 'p';

ALTER TABLE "app"."t" ENABLE ROW LEVEL SECURITY;

CREATE PUBLICATION "pa" FOR ALL TABLES WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true);

COMMENT ON PUBLICATION "pa" IS 'p';

CREATE PUBLICATION "pb" WITH (publish = 'insert, update');

CREATE PUBLICATION "pc" WITH (publish = 'insert, update, delete, truncate');

CREATE PUBLICATION "pgen" WITH (publish = 'insert, update, delete, truncate', publish_generated_columns = stored);

ALTER PUBLICATION "pb" ADD TABLE ONLY "app"."pub" WHERE (("a" > 1));

ALTER PUBLICATION "pc" ADD TABLE ONLY "app"."pub" ("a");

ALTER PUBLICATION "pgen" ADD TABLE ONLY "app"."t";

ALTER PUBLICATION "pb" ADD TABLES IN SCHEMA "Odd ""Name";

CREATE SUBSCRIPTION "sub" CONNECTION 'host=nowhere dbname=x' PUBLICATION "p1", "p2" WITH (connect = false, slot_name = NONE, binary = true, streaming = on, disable_on_error = true);

COMMENT ON SUBSCRIPTION "sub" IS 's';

CREATE SUBSCRIPTION "sub16" CONNECTION 'host=nowhere' PUBLICATION "p1" WITH (connect = false, slot_name = NONE, streaming = parallel, password_required = false, run_as_owner = true, origin = none);

CREATE SUBSCRIPTION "sub17" CONNECTION 'host=nowhere' PUBLICATION "p1" WITH (connect = false, slot_name = NONE, streaming = parallel, failover = true);

GRANT USAGE ON SCHEMA "app" TO "Sink reader";

SET SESSION AUTHORIZATION 'pg_database_owner';

REVOKE USAGE ON SCHEMA "public" FROM PUBLIC;

GRANT CREATE ON SCHEMA "public" TO "sink_owner";

GRANT ALL ON LANGUAGE "plsample" TO "Sink reader";

GRANT ALL ON TYPE "app"."mood" TO "Sink reader";

GRANT ALL ON TYPE "app"."posint" TO "Sink reader";

REVOKE ALL ON FUNCTION "app"."plus"("a" integer, "b" integer, VARIADIC "c" integer[]) FROM PUBLIC;

GRANT ALL ON FUNCTION "app"."plus"("a" integer, "b" integer, VARIADIC "c" integer[]) TO "Sink reader";

GRANT ALL ON PROCEDURE "app"."proc"(INOUT "a" integer) TO "Sink reader";

GRANT ALL ON FOREIGN DATA WRAPPER "fw" TO "Sink reader";

GRANT ALL ON FOREIGN SERVER "srv" TO "Sink reader";

GRANT SELECT,MAINTAIN ON TABLE "app"."fkper" TO "Sink reader";

GRANT SELECT,MAINTAIN ON TABLE "app"."inhnn" TO "Sink reader";

GRANT MAINTAIN ON TABLE "app"."t" TO "Sink reader";

GRANT SELECT,UPDATE ON TABLE "app"."t" TO "Sink reader" WITH GRANT OPTION;

GRANT SELECT ON TABLE "app"."t" TO PUBLIC;

GRANT INSERT("a") ON TABLE "app"."t" TO "Sink reader" WITH GRANT OPTION;

GRANT SELECT ON TABLE "app"."nocols" TO "Sink reader";

GRANT SELECT ON TABLE "app"."ntn" TO "Sink reader";

GRANT SELECT,MAINTAIN ON TABLE "app"."pam" TO "Sink reader";

GRANT SELECT ON TABLE "app"."pid" TO "Sink reader";

GRANT SELECT ON TABLE "app"."pid1" TO "Sink reader";

GRANT SELECT ON TABLE "app"."st16" TO "Sink reader";

GRANT USAGE ON SEQUENCE "app"."t_s_seq" TO "Sink reader";

GRANT SELECT ON TABLE "app"."tam" TO "Sink reader";

GRANT SELECT,MAINTAIN ON TABLE "app"."tmp_period" TO "Sink reader";

GRANT SELECT,MAINTAIN ON TABLE "app"."un2" TO "Sink reader";

GRANT SELECT,MAINTAIN ON TABLE "app"."virt" TO "Sink reader";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "app" GRANT SELECT ON TABLES TO "Sink reader";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" GRANT SELECT ON LARGE OBJECTS TO "Sink reader";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" GRANT ALL ON TYPES TO "Sink reader" WITH GRANT OPTION;

ALTER DEFAULT PRIVILEGES FOR ROLE "sink_owner" REVOKE ALL ON FUNCTIONS FROM PUBLIC;

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" GRANT USAGE ON SCHEMAS TO "Sink reader";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" GRANT MAINTAIN ON TABLES TO "Sink reader";

CREATE EVENT TRIGGER "et" ON "ddl_command_end"
         WHEN TAG IN ('CREATE TABLE', 'DROP TABLE')
   EXECUTE FUNCTION "app"."etrg"();

ALTER EVENT TRIGGER "et" DISABLE;

COMMENT ON EVENT TRIGGER "et" IS 'e';

CREATE EVENT TRIGGER "et17" ON "login"
   EXECUTE FUNCTION "app"."etrg"();

ALTER EVENT TRIGGER "et17" DISABLE;

CREATE EVENT TRIGGER "et17r" ON "ddl_command_start"
   EXECUTE FUNCTION "app"."etrg"();

ALTER EVENT TRIGGER "et17r" ENABLE REPLICA;

CREATE EVENT TRIGGER "et2" ON "sql_drop"
   EXECUTE FUNCTION "app"."etrg"();

ALTER EVENT TRIGGER "et2" ENABLE ALWAYS;

REFRESH MATERIALIZED VIEW "app"."mv";

