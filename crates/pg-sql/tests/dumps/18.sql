--
-- PostgreSQL database dump
--

\restrict N1Lsj5Pq7gQd6SxHocm0iATaQwlkQ482Ncq1dXC5tk2HeCaOROVIbTx1XfR2MvT

-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

DROP DATABASE IF EXISTS sink;
--
-- Name: sink; Type: DATABASE; Schema: -; Owner: postgres
--

CREATE DATABASE sink WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C';


ALTER DATABASE sink OWNER TO postgres;

\unrestrict N1Lsj5Pq7gQd6SxHocm0iATaQwlkQ482Ncq1dXC5tk2HeCaOROVIbTx1XfR2MvT
\connect sink
\restrict N1Lsj5Pq7gQd6SxHocm0iATaQwlkQ482Ncq1dXC5tk2HeCaOROVIbTx1XfR2MvT

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: DATABASE sink; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON DATABASE sink IS 'the db';


--
-- Name: sink; Type: DATABASE PROPERTIES; Schema: -; Owner: postgres
--

ALTER DATABASE sink SET work_mem TO '8MB';
ALTER ROLE sink_login IN DATABASE sink SET search_path TO 'app', 'public';


\unrestrict N1Lsj5Pq7gQd6SxHocm0iATaQwlkQ482Ncq1dXC5tk2HeCaOROVIbTx1XfR2MvT
\connect sink
\restrict N1Lsj5Pq7gQd6SxHocm0iATaQwlkQ482Ncq1dXC5tk2HeCaOROVIbTx1XfR2MvT

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: Odd "Name; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA "Odd ""Name";


ALTER SCHEMA "Odd ""Name" OWNER TO postgres;

--
-- Name: app; Type: SCHEMA; Schema: -; Owner: sink_owner
--

CREATE SCHEMA app;


ALTER SCHEMA app OWNER TO sink_owner;

--
-- Name: SCHEMA app; Type: COMMENT; Schema: -; Owner: sink_owner
--

COMMENT ON SCHEMA app IS 'it''s; the app';


--
-- Name: SCHEMA public; Type: COMMENT; Schema: -; Owner: pg_database_owner
--

COMMENT ON SCHEMA public IS '';


--
-- Name: plsample; Type: PROCEDURAL LANGUAGE; Schema: -; Owner: postgres
--

CREATE OR REPLACE PROCEDURAL LANGUAGE plsample;


ALTER PROCEDURAL LANGUAGE plsample OWNER TO postgres;

--
-- Name: LANGUAGE plsample; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON LANGUAGE plsample IS 'l';


--
-- Name: bi; Type: COLLATION; Schema: app; Owner: postgres
--

CREATE COLLATION app.bi (provider = builtin, locale = 'C.UTF-8');


ALTER COLLATION app.bi OWNER TO postgres;

--
-- Name: c2; Type: COLLATION; Schema: app; Owner: postgres
--

CREATE COLLATION app.c2 (provider = libc, locale = 'C');


ALTER COLLATION app.c2 OWNER TO postgres;

--
-- Name: de; Type: COLLATION; Schema: app; Owner: postgres
--

CREATE COLLATION app.de (provider = libc, lc_collate = 'C', lc_ctype = 'POSIX');


ALTER COLLATION app.de OWNER TO postgres;

--
-- Name: COLLATION de; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON COLLATION app.de IS 'c';


--
-- Name: TRANSFORM FOR integer LANGUAGE plpgsql; Type: TRANSFORM; Schema: -; Owner: -
--

CREATE TRANSFORM FOR integer LANGUAGE plpgsql (FROM SQL WITH FUNCTION pg_catalog.prsd_lextype(internal), TO SQL WITH FUNCTION pg_catalog.int4recv(internal));


--
-- Name: TRANSFORM FOR integer LANGUAGE plpgsql; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON TRANSFORM FOR integer LANGUAGE plpgsql IS 't';


--
-- Name: btree_gist; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;


--
-- Name: EXTENSION btree_gist; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';


--
-- Name: citext; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA app;


--
-- Name: EXTENSION citext; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION citext IS 'data type for case-insensitive character strings';


--
-- Name: file_fdw; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS file_fdw WITH SCHEMA public;


--
-- Name: EXTENSION file_fdw; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION file_fdw IS 'foreign-data wrapper for flat file access';


--
-- Name: hstore; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;


--
-- Name: EXTENSION hstore; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION hstore IS 'h';


--
-- Name: pg_stat_statements; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pg_stat_statements WITH SCHEMA public;


--
-- Name: EXTENSION pg_stat_statements; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION pg_stat_statements IS 'track planning and execution statistics of all SQL statements executed';


--
-- Name: base; Type: SHELL TYPE; Schema: app; Owner: postgres
--

CREATE TYPE app.base;


--
-- Name: base_in(cstring); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.base_in(cstring) RETURNS app.base
    LANGUAGE internal IMMUTABLE STRICT
    AS $$int4in$$;


ALTER FUNCTION app.base_in(cstring) OWNER TO postgres;

--
-- Name: base_out(app.base); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.base_out(app.base) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT
    AS $$int4out$$;


ALTER FUNCTION app.base_out(app.base) OWNER TO postgres;

--
-- Name: base; Type: TYPE; Schema: app; Owner: postgres
--

CREATE TYPE app.base (
    INTERNALLENGTH = 4,
    INPUT = app.base_in,
    OUTPUT = app.base_out,
    DEFAULT = '7',
    CATEGORY = 'N',
    ALIGNMENT = int4,
    STORAGE = plain,
    PASSEDBYVALUE
);


ALTER TYPE app.base OWNER TO postgres;

--
-- Name: frange; Type: TYPE; Schema: app; Owner: postgres
--

CREATE TYPE app.frange AS RANGE (
    subtype = double precision,
    multirange_type_name = app.fmultirange,
    subtype_diff = float8mi
);


ALTER TYPE app.frange OWNER TO postgres;

--
-- Name: mood; Type: TYPE; Schema: app; Owner: postgres
--

CREATE TYPE app.mood AS ENUM (
    'sad',
    'ok',
    'it''s'
);


ALTER TYPE app.mood OWNER TO postgres;

--
-- Name: TYPE mood; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON TYPE app.mood IS 'm';


--
-- Name: pair; Type: TYPE; Schema: app; Owner: postgres
--

CREATE TYPE app.pair AS (
	a integer,
	b text COLLATE pg_catalog."C"
);


ALTER TYPE app.pair OWNER TO postgres;

--
-- Name: posint; Type: DOMAIN; Schema: app; Owner: postgres
--

CREATE DOMAIN app.posint AS integer NOT NULL DEFAULT 1
	CONSTRAINT posint_check CHECK ((VALUE > 0));


ALTER DOMAIN app.posint OWNER TO postgres;

--
-- Name: DOMAIN posint; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON DOMAIN app.posint IS 'd';


--
-- Name: shellonly; Type: TYPE; Schema: app; Owner: postgres
--

CREATE TYPE app.shellonly;


ALTER TYPE app.shellonly OWNER TO postgres;

--
-- Name: CAST (integer AS app.base); Type: CAST; Schema: -; Owner: -
--

CREATE CAST (integer AS app.base) WITH INOUT AS ASSIGNMENT;


--
-- Name: m2i(app.mood); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.m2i(app.mood) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$select 1$$;


ALTER FUNCTION app.m2i(app.mood) OWNER TO postgres;

--
-- Name: CAST (app.mood AS integer); Type: CAST; Schema: -; Owner: -
--

CREATE CAST (app.mood AS integer) WITH FUNCTION app.m2i(app.mood) AS ASSIGNMENT;


--
-- Name: CAST (app.mood AS integer); Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON CAST (app.mood AS integer) IS 'c';


--
-- Name: atomic(integer); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.atomic(a integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT 1;
 SELECT
         CASE
             WHEN (a > 1) THEN 2
             ELSE 3
         END AS "case";
END;


ALTER FUNCTION app.atomic(a integer) OWNER TO postgres;

--
-- Name: etrg(); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.etrg() RETURNS event_trigger
    LANGUAGE plpgsql
    AS $$ BEGIN END $$;


ALTER FUNCTION app.etrg() OWNER TO postgres;

--
-- Name: plus(integer, integer, integer[]); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.plus(a integer, b integer DEFAULT 2, VARIADIC c integer[] DEFAULT '{}'::integer[]) RETURNS integer
    LANGUAGE sql IMMUTABLE COST 7 PARALLEL SAFE
    SET search_path TO 'app', 'pg_catalog'
    AS $_$ SELECT $1 + $2; $_$;


ALTER FUNCTION app.plus(a integer, b integer, VARIADIC c integer[]) OWNER TO postgres;

--
-- Name: FUNCTION plus(a integer, b integer, VARIADIC c integer[]); Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON FUNCTION app.plus(a integer, b integer, VARIADIC c integer[]) IS 'f';


--
-- Name: proc(integer); Type: PROCEDURE; Schema: app; Owner: postgres
--

CREATE PROCEDURE app.proc(INOUT a integer)
    LANGUAGE plpgsql
    AS $$ BEGIN a := 1; END $$;


ALTER PROCEDURE app.proc(INOUT a integer) OWNER TO postgres;

--
-- Name: PROCEDURE proc(INOUT a integer); Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON PROCEDURE app.proc(INOUT a integer) IS 'p';


--
-- Name: ret(integer); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.ret(a integer) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN (a + 1);


ALTER FUNCTION app.ret(a integer) OWNER TO postgres;

--
-- Name: tab(); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.tab() RETURNS TABLE(x integer, y text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER LEAKPROOF ROWS 5
    AS $$ BEGIN RETURN QUERY SELECT 1, 'a'::text; END $$;


ALTER FUNCTION app.tab() OWNER TO postgres;

--
-- Name: trg(); Type: FUNCTION; Schema: app; Owner: postgres
--

CREATE FUNCTION app.trg() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RETURN NEW; END $$;

ALTER FUNCTION app.trg() DEPENDS ON EXTENSION hstore;

ALTER FUNCTION app.trg() OWNER TO postgres;

--
-- Name: hyp(double precision, anyelement); Type: AGGREGATE; Schema: app; Owner: postgres
--

CREATE AGGREGATE app.hyp(double precision ORDER BY anyelement) (
    SFUNC = ordered_set_transition,
    STYPE = internal,
    FINALFUNC = percentile_disc_final,
    FINALFUNC_EXTRA
);


ALTER AGGREGATE app.hyp(double precision ORDER BY anyelement) OWNER TO postgres;

--
-- Name: total(integer); Type: AGGREGATE; Schema: app; Owner: postgres
--

CREATE AGGREGATE app.total(integer) (
    SFUNC = int4pl,
    STYPE = integer,
    INITCOND = '0',
    COMBINEFUNC = int4pl,
    PARALLEL = safe
);


ALTER AGGREGATE app.total(integer) OWNER TO postgres;

--
-- Name: AGGREGATE total(integer); Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON AGGREGATE app.total(integer) IS 'x';


--
-- Name: bt2; Type: ACCESS METHOD; Schema: -; Owner: -
--

CREATE ACCESS METHOD bt2 TYPE INDEX HANDLER bthandler;


--
-- Name: heap2; Type: ACCESS METHOD; Schema: -; Owner: -
--

CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;


--
-- Name: ACCESS METHOD heap2; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON ACCESS METHOD heap2 IS 'am';


--
-- Name: ###; Type: OPERATOR; Schema: app; Owner: postgres
--

CREATE OPERATOR app.### (
    FUNCTION = int4pl,
    LEFTARG = integer,
    RIGHTARG = integer,
    COMMUTATOR = OPERATOR(app.###)
);


ALTER OPERATOR app.### (integer, integer) OWNER TO postgres;

--
-- Name: OPERATOR ### (integer, integer); Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON OPERATOR app.### (integer, integer) IS 'o';


--
-- Name: ===; Type: OPERATOR; Schema: app; Owner: postgres
--

CREATE OPERATOR app.=== (
    FUNCTION = int4eq,
    LEFTARG = integer,
    RIGHTARG = integer,
    NEGATOR = OPERATOR(app.!==),
    MERGES,
    HASHES,
    RESTRICT = eqsel,
    JOIN = eqjoinsel
);


ALTER OPERATOR app.=== (integer, integer) OWNER TO postgres;

--
-- Name: fam; Type: OPERATOR FAMILY; Schema: app; Owner: postgres
--

CREATE OPERATOR FAMILY app.fam USING btree;
ALTER OPERATOR FAMILY app.fam USING btree ADD
    OPERATOR 1 <(integer,bigint) ,
    FUNCTION 1 (integer, bigint) btint48cmp(integer,bigint);


ALTER OPERATOR FAMILY app.fam USING btree OWNER TO postgres;

--
-- Name: OPERATOR FAMILY fam USING btree; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON OPERATOR FAMILY app.fam USING btree IS 'of';


--
-- Name: cls; Type: OPERATOR CLASS; Schema: app; Owner: postgres
--

CREATE OPERATOR CLASS app.cls
    FOR TYPE integer USING btree FAMILY app.fam AS
    OPERATOR 1 <(integer,integer) ,
    OPERATOR 2 <=(integer,integer) ,
    OPERATOR 3 =(integer,integer) ,
    OPERATOR 4 >=(integer,integer) ,
    OPERATOR 5 >(integer,integer) ,
    FUNCTION 1 (integer, integer) btint4cmp(integer,integer);


ALTER OPERATOR CLASS app.cls USING btree OWNER TO postgres;

--
-- Name: OPERATOR CLASS cls USING btree; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON OPERATOR CLASS app.cls USING btree IS 'oc';


--
-- Name: gs; Type: OPERATOR FAMILY; Schema: app; Owner: postgres
--

CREATE OPERATOR FAMILY app.gs USING gist;


ALTER OPERATOR FAMILY app.gs USING gist OWNER TO postgres;

--
-- Name: gs; Type: OPERATOR CLASS; Schema: app; Owner: postgres
--

CREATE OPERATOR CLASS app.gs
    FOR TYPE int4range USING gist FAMILY app.gs AS
    FUNCTION 1 (int4range, int4range) range_gist_consistent(internal,anyrange,smallint,oid,internal);


ALTER OPERATOR CLASS app.gs USING gist OWNER TO postgres;

--
-- Name: conv; Type: CONVERSION; Schema: app; Owner: postgres
--

CREATE CONVERSION app.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;


ALTER CONVERSION app.conv OWNER TO postgres;

--
-- Name: CONVERSION conv; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON CONVERSION app.conv IS 'c';


--
-- Name: prs; Type: TEXT SEARCH PARSER; Schema: app; Owner: -
--

CREATE TEXT SEARCH PARSER app.prs (
    START = prsd_start,
    GETTOKEN = prsd_nexttoken,
    END = prsd_end,
    HEADLINE = prsd_headline,
    LEXTYPES = prsd_lextype );


--
-- Name: tpl; Type: TEXT SEARCH TEMPLATE; Schema: app; Owner: -
--

CREATE TEXT SEARCH TEMPLATE app.tpl (
    INIT = dsimple_init,
    LEXIZE = dsimple_lexize );


--
-- Name: dict; Type: TEXT SEARCH DICTIONARY; Schema: app; Owner: postgres
--

CREATE TEXT SEARCH DICTIONARY app.dict (
    TEMPLATE = pg_catalog.snowball,
    language = 'english', stopwords = 'english' );


ALTER TEXT SEARCH DICTIONARY app.dict OWNER TO postgres;

--
-- Name: TEXT SEARCH DICTIONARY dict; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON TEXT SEARCH DICTIONARY app.dict IS 'd';


--
-- Name: conf; Type: TEXT SEARCH CONFIGURATION; Schema: app; Owner: postgres
--

CREATE TEXT SEARCH CONFIGURATION app.conf (
    PARSER = pg_catalog."default" );

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR asciiword WITH english_stem;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR word WITH app.dict, simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR numword WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR email WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR url WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR host WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR sfloat WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR version WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR hword_numpart WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR hword_part WITH english_stem;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR hword_asciipart WITH english_stem;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR numhword WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR asciihword WITH english_stem;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR hword WITH english_stem;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR url_path WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR file WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR "float" WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR "int" WITH simple;

ALTER TEXT SEARCH CONFIGURATION app.conf
    ADD MAPPING FOR uint WITH simple;


ALTER TEXT SEARCH CONFIGURATION app.conf OWNER TO postgres;

--
-- Name: TEXT SEARCH CONFIGURATION conf; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON TEXT SEARCH CONFIGURATION app.conf IS 'c';


--
-- Name: fw; Type: FOREIGN DATA WRAPPER; Schema: -; Owner: postgres
--

CREATE FOREIGN DATA WRAPPER fw OPTIONS (
    debug 'true'
);


ALTER FOREIGN DATA WRAPPER fw OWNER TO postgres;

--
-- Name: FOREIGN DATA WRAPPER fw; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON FOREIGN DATA WRAPPER fw IS 'fw';


--
-- Name: files; Type: SERVER; Schema: -; Owner: postgres
--

CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;


ALTER SERVER files OWNER TO postgres;

--
-- Name: srv; Type: SERVER; Schema: -; Owner: postgres
--

CREATE SERVER srv TYPE 't' VERSION '1' FOREIGN DATA WRAPPER fw OPTIONS (
    dbname 'y;z',
    host 'x'
);


ALTER SERVER srv OWNER TO postgres;

--
-- Name: SERVER srv; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SERVER srv IS 's';


--
-- Name: USER MAPPING public SERVER srv; Type: USER MAPPING; Schema: -; Owner: postgres
--

CREATE USER MAPPING FOR public SERVER srv;


--
-- Name: USER MAPPING sink_owner SERVER srv; Type: USER MAPPING; Schema: -; Owner: postgres
--

CREATE USER MAPPING FOR sink_owner SERVER srv OPTIONS (
    password 'p''w',
    "user" 'u'
);


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: T; DROP; Type: TABLE; Schema: Odd "Name; Owner: postgres
--

CREATE TABLE "Odd ""Name"."T; DROP" (
    "a b" integer,
    "c""d" text
);


ALTER TABLE "Odd ""Name"."T; DROP" OWNER TO postgres;

--
-- Name: un; Type: TABLE; Schema: app; Owner: postgres
--

CREATE UNLOGGED TABLE app.un (
    a integer NOT NULL,
    b text,
    exclude integer
);


ALTER TABLE app.un OWNER TO postgres;

--
-- Name: child; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.child (
    extra integer
)
INHERITS (app.un);


ALTER TABLE app.child OWNER TO postgres;

--
-- Name: circ1; Type: VIEW; Schema: app; Owner: postgres
--

CREATE VIEW app.circ1 AS
SELECT
    NULL::integer AS a,
    NULL::text AS b;


ALTER VIEW app.circ1 OWNER TO postgres;

--
-- Name: down; Type: SEQUENCE; Schema: app; Owner: postgres
--

CREATE SEQUENCE app.down
    START WITH -1
    INCREMENT BY -1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE app.down OWNER TO postgres;

--
-- Name: fkper; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.fkper (
    id integer,
    p int4range
);


ALTER TABLE app.fkper OWNER TO postgres;

--
-- Name: ft; Type: FOREIGN TABLE; Schema: app; Owner: postgres
--

CREATE FOREIGN TABLE app.ft (
    a integer NOT NULL,
    b text
)
SERVER srv
OPTIONS (
    table_name 'x'
);
ALTER FOREIGN TABLE ONLY app.ft ALTER COLUMN a OPTIONS (
    column_name 'A'
);
ALTER FOREIGN TABLE ONLY app.ft ALTER COLUMN b SET STATISTICS 5;


ALTER FOREIGN TABLE app.ft OWNER TO postgres;

--
-- Name: FOREIGN TABLE ft; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON FOREIGN TABLE app.ft IS 'ft';


--
-- Name: ph; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.ph (
    k integer
)
PARTITION BY HASH (k);


ALTER TABLE app.ph OWNER TO postgres;

--
-- Name: ftp; Type: FOREIGN TABLE; Schema: app; Owner: postgres
--

CREATE FOREIGN TABLE app.ftp (
    k integer
)
SERVER srv;


ALTER FOREIGN TABLE app.ftp OWNER TO postgres;

--
-- Name: inhnn; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.inhnn (
    a integer NOT NULL NO INHERIT
);


ALTER TABLE app.inhnn OWNER TO postgres;

--
-- Name: t; Type: TABLE; Schema: app; Owner: sink_owner
--

CREATE TABLE app.t (
    id bigint NOT NULL,
    s integer NOT NULL,
    a text DEFAULT 'x;y'::text NOT NULL COLLATE app.de,
    m app.mood DEFAULT 'ok'::app.mood,
    g integer GENERATED ALWAYS AS (length('abc'::text)) STORED,
    d app.posint,
    p app.pair,
    j jsonb,
    CONSTRAINT chk CHECK ((s > 0))
)
WITH (fillfactor='70', autovacuum_enabled='false');
ALTER TABLE ONLY app.t ALTER COLUMN s SET (n_distinct=-0.5, n_distinct_inherited=9);
ALTER TABLE ONLY app.t ALTER COLUMN a SET STATISTICS 300;
ALTER TABLE ONLY app.t ALTER COLUMN j SET STORAGE EXTERNAL;
ALTER TABLE ONLY app.t ALTER COLUMN j SET COMPRESSION pglz;

ALTER TABLE ONLY app.t REPLICA IDENTITY FULL;

ALTER TABLE ONLY app.t FORCE ROW LEVEL SECURITY;


ALTER TABLE app.t OWNER TO sink_owner;

--
-- Name: TABLE t; Type: COMMENT; Schema: app; Owner: sink_owner
--

COMMENT ON TABLE app.t IS 'multi
line; -- comment';


--
-- Name: COLUMN t.a; Type: COMMENT; Schema: app; Owner: sink_owner
--

COMMENT ON COLUMN app.t.a IS 'a';


--
-- Name: CONSTRAINT chk ON t; Type: COMMENT; Schema: app; Owner: sink_owner
--

COMMENT ON CONSTRAINT chk ON app.t IS 'c';


--
-- Name: mv; Type: MATERIALIZED VIEW; Schema: app; Owner: postgres
--

CREATE MATERIALIZED VIEW app.mv AS
 SELECT a,
    count(*) AS n
   FROM app.t
  GROUP BY a
  WITH NO DATA;
ALTER TABLE ONLY app.mv ALTER COLUMN a SET STATISTICS 9;


ALTER MATERIALIZED VIEW app.mv OWNER TO postgres;

--
-- Name: MATERIALIZED VIEW mv; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON MATERIALIZED VIEW app.mv IS 'mv';


--
-- Name: mv0; Type: MATERIALIZED VIEW; Schema: app; Owner: postgres
--

CREATE MATERIALIZED VIEW app.mv0
WITH (fillfactor='60') AS
 SELECT 1 AS x
  WITH NO DATA;


ALTER MATERIALIZED VIEW app.mv0 OWNER TO postgres;

--
-- Name: nocols; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.nocols (
);


ALTER TABLE app.nocols OWNER TO postgres;

--
-- Name: ntn; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.ntn (
    a integer,
    b integer,
    CONSTRAINT zz CHECK ((a > b)) NO INHERIT
);


ALTER TABLE app.ntn OWNER TO postgres;

--
-- Name: parted; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.parted (
    k integer,
    v text,
    d date
)
PARTITION BY RANGE (k);


ALTER TABLE app.parted OWNER TO postgres;

--
-- Name: p1; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.p1 (
    k integer,
    v text,
    d date
);


ALTER TABLE app.p1 OWNER TO postgres;

--
-- Name: p2; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.p2 (
    k integer,
    v text,
    d date
)
PARTITION BY LIST (v);


ALTER TABLE app.p2 OWNER TO postgres;

--
-- Name: p2a; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.p2a (
    k integer,
    v text,
    d date
);


ALTER TABLE app.p2a OWNER TO postgres;

--
-- Name: pam; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.pam (
    a integer
)
PARTITION BY LIST (a);


ALTER TABLE app.pam OWNER TO postgres;

ALTER TABLE app.pam SET ACCESS METHOD heap2;

--
-- Name: ph0; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.ph0 (
    k integer
);


ALTER TABLE app.ph0 OWNER TO postgres;

--
-- Name: pid; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.pid (
    id integer NOT NULL,
    k integer
)
PARTITION BY LIST (k);


ALTER TABLE app.pid OWNER TO postgres;

--
-- Name: pid1; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.pid1 (
    id integer CONSTRAINT pid_id_not_null NOT NULL,
    k integer
);


ALTER TABLE app.pid1 OWNER TO postgres;

--
-- Name: pid_id_seq; Type: SEQUENCE; Schema: app; Owner: postgres
--

ALTER TABLE app.pid ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME app.pid_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: pub; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.pub (
    a integer NOT NULL,
    b text
);


ALTER TABLE app.pub OWNER TO postgres;

--
-- Name: rv; Type: VIEW; Schema: app; Owner: postgres
--

CREATE VIEW app.rv AS
 WITH RECURSIVE rv(n) AS (
         VALUES (1)
        UNION ALL
         SELECT (rv_1.n + 1)
           FROM rv rv_1
          WHERE (rv_1.n < 5)
        )
 SELECT n
   FROM rv;


ALTER VIEW app.rv OWNER TO postgres;

--
-- Name: sq; Type: SEQUENCE; Schema: app; Owner: postgres
--

CREATE SEQUENCE app.sq
    AS smallint
    START WITH 3
    INCREMENT BY 1
    MINVALUE -5
    MAXVALUE 50
    CACHE 3
    CYCLE;


ALTER SEQUENCE app.sq OWNER TO postgres;

--
-- Name: sq; Type: SEQUENCE OWNED BY; Schema: app; Owner: postgres
--

ALTER SEQUENCE app.sq OWNED BY app.un.a;


--
-- Name: SEQUENCE sq; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON SEQUENCE app.sq IS 's';


--
-- Name: st16; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.st16 (
    a text
);


ALTER TABLE app.st16 OWNER TO postgres;

--
-- Name: t_id_seq; Type: SEQUENCE; Schema: app; Owner: sink_owner
--

ALTER TABLE app.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME app.t_id_seq
    START WITH 5
    INCREMENT BY 2
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: t_s_seq; Type: SEQUENCE; Schema: app; Owner: sink_owner
--

CREATE SEQUENCE app.t_s_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE app.t_s_seq OWNER TO sink_owner;

--
-- Name: t_s_seq; Type: SEQUENCE OWNED BY; Schema: app; Owner: sink_owner
--

ALTER SEQUENCE app.t_s_seq OWNED BY app.t.s;


SET default_table_access_method = heap2;

--
-- Name: tam; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.tam (
    a integer
);


ALTER TABLE app.tam OWNER TO postgres;

SET default_table_access_method = heap;

--
-- Name: tmp_period; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.tmp_period (
    id integer NOT NULL,
    p int4range NOT NULL
);


ALTER TABLE app.tmp_period OWNER TO postgres;

--
-- Name: typed; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.typed OF app.pair (
    a NOT NULL,
    b DEFAULT 'z'::text COLLATE pg_catalog."C"
);


ALTER TABLE app.typed OWNER TO postgres;

--
-- Name: ul; Type: TABLE; Schema: app; Owner: postgres
--

CREATE UNLOGGED TABLE app.ul (
    a integer
);


ALTER TABLE app.ul OWNER TO postgres;

--
-- Name: uls; Type: SEQUENCE; Schema: app; Owner: postgres
--

CREATE UNLOGGED SEQUENCE app.uls
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE app.uls OWNER TO postgres;

--
-- Name: un2; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.un2 (
    id integer NOT NULL
);


ALTER TABLE app.un2 OWNER TO postgres;

--
-- Name: v; Type: VIEW; Schema: app; Owner: postgres
--

CREATE VIEW app.v WITH (security_barrier='true') AS
 SELECT id,
    a
   FROM app.t
  WHERE (s > 1)
  WITH LOCAL CHECK OPTION;


ALTER VIEW app.v OWNER TO postgres;

--
-- Name: VIEW v; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON VIEW app.v IS 'v';


--
-- Name: v2; Type: VIEW; Schema: app; Owner: postgres
--

CREATE VIEW app.v2 AS
 SELECT 1 AS x,
    'a;b'::text AS y;


ALTER VIEW app.v2 OWNER TO postgres;

--
-- Name: virt; Type: TABLE; Schema: app; Owner: postgres
--

CREATE TABLE app.virt (
    a integer,
    v integer GENERATED ALWAYS AS ((a * 2)),
    b integer CONSTRAINT bnn NOT NULL,
    c integer
);


ALTER TABLE app.virt OWNER TO postgres;

--
-- Name: vv; Type: VIEW; Schema: app; Owner: postgres
--

CREATE VIEW app.vv WITH (security_invoker='true') AS
 SELECT 1 AS a;


ALTER VIEW app.vv OWNER TO postgres;

--
-- Name: ftp; Type: TABLE ATTACH; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.ph ATTACH PARTITION app.ftp FOR VALUES WITH (modulus 2, remainder 1);


--
-- Name: p1; Type: TABLE ATTACH; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.parted ATTACH PARTITION app.p1 FOR VALUES FROM (1) TO (10);


--
-- Name: p2; Type: TABLE ATTACH; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.parted ATTACH PARTITION app.p2 DEFAULT;


--
-- Name: p2a; Type: TABLE ATTACH; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.p2 ATTACH PARTITION app.p2a FOR VALUES IN ('a', NULL);


--
-- Name: ph0; Type: TABLE ATTACH; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.ph ATTACH PARTITION app.ph0 FOR VALUES WITH (modulus 2, remainder 0);


--
-- Name: pid1; Type: TABLE ATTACH; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.pid ATTACH PARTITION app.pid1 FOR VALUES IN (1);


--
-- Name: child a; Type: DEFAULT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.child ALTER COLUMN a SET DEFAULT 3;


--
-- Name: t s; Type: DEFAULT; Schema: app; Owner: sink_owner
--

ALTER TABLE ONLY app.t ALTER COLUMN s SET DEFAULT nextval('app.t_s_seq'::regclass);


--
-- Name: v2 x; Type: DEFAULT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.v2 ALTER COLUMN x SET DEFAULT 3;


--
-- Data for Name: T; DROP; Type: TABLE DATA; Schema: Odd "Name; Owner: postgres
--

COPY "Odd ""Name"."T; DROP" ("a b", "c""d") FROM stdin;
1	x
\.


--
-- Data for Name: child; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.child (a, b, exclude, extra) FROM stdin;
\.


--
-- Data for Name: fkper; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.fkper (id, p) FROM stdin;
\.


--
-- Data for Name: inhnn; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.inhnn (a) FROM stdin;
\.


--
-- Data for Name: nocols; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.nocols  FROM stdin;

\.


--
-- Data for Name: ntn; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.ntn (a, b) FROM stdin;
\.


--
-- Data for Name: p1; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.p1 (k, v, d) FROM stdin;
1	x	\N
\.


--
-- Data for Name: p2a; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.p2a (k, v, d) FROM stdin;
99	a	2020-01-01
\.


--
-- Data for Name: ph0; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.ph0 (k) FROM stdin;
\.


--
-- Data for Name: pid1; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.pid1 (id, k) FROM stdin;
\.


--
-- Data for Name: pub; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.pub (a, b) FROM stdin;
\.


--
-- Data for Name: st16; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.st16 (a) FROM stdin;
\.


--
-- Data for Name: t; Type: TABLE DATA; Schema: app; Owner: sink_owner
--

COPY app.t (id, s, a, m, d, p, j) FROM stdin;
5	1	eins	ok	5	(1,x)	{"a": 1}
7	2	tab\tnew\nline\\	ok	6	\N	\N
9	3	\\.	ok	7	\N	\N
\.


--
-- Data for Name: tam; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.tam (a) FROM stdin;
1
\.


--
-- Data for Name: tmp_period; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.tmp_period (id, p) FROM stdin;
\.


--
-- Data for Name: typed; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.typed (a, b) FROM stdin;
\.


--
-- Data for Name: ul; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.ul (a) FROM stdin;
\.


--
-- Data for Name: un; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.un (a, b, exclude) FROM stdin;
\.


--
-- Data for Name: un2; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.un2 (id) FROM stdin;
\.


--
-- Data for Name: virt; Type: TABLE DATA; Schema: app; Owner: postgres
--

COPY app.virt (a, b, c) FROM stdin;
\.


--
-- Name: down; Type: SEQUENCE SET; Schema: app; Owner: postgres
--

SELECT pg_catalog.setval('app.down', -1, false);


--
-- Name: pid_id_seq; Type: SEQUENCE SET; Schema: app; Owner: postgres
--

SELECT pg_catalog.setval('app.pid_id_seq', 1, false);


--
-- Name: sq; Type: SEQUENCE SET; Schema: app; Owner: postgres
--

SELECT pg_catalog.setval('app.sq', 3, false);


--
-- Name: t_id_seq; Type: SEQUENCE SET; Schema: app; Owner: sink_owner
--

SELECT pg_catalog.setval('app.t_id_seq', 9, true);


--
-- Name: t_s_seq; Type: SEQUENCE SET; Schema: app; Owner: sink_owner
--

SELECT pg_catalog.setval('app.t_s_seq', 3, true);


--
-- Name: uls; Type: SEQUENCE SET; Schema: app; Owner: postgres
--

SELECT pg_catalog.setval('app.uls', 1, false);


--
-- Name: 424242; Type: BLOB METADATA; Schema: -; Owner: sink_owner
--

SELECT pg_catalog.lo_create('424242');

ALTER LARGE OBJECT 424242 OWNER TO sink_owner;

--
-- Name: LARGE OBJECT 424242; Type: COMMENT; Schema: -; Owner: sink_owner
--

COMMENT ON LARGE OBJECT 424242 IS 'lo';


--
-- Name: 424243; Type: BLOB METADATA; Schema: -; Owner: postgres
--

SELECT pg_catalog.lo_create('424243');

ALTER LARGE OBJECT 424243 OWNER TO postgres;

--
-- Data for Name: 424242; Type: BLOBS; Schema: -; Owner: sink_owner
--

BEGIN;

SELECT pg_catalog.lo_open('424242', 131072);
SELECT pg_catalog.lowrite(0, '\x0011ff');
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Data for Name: 424243; Type: BLOBS; Schema: -; Owner: postgres
--

BEGIN;

SELECT pg_catalog.lo_open('424243', 131072);
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: virt cnn; Type: CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE app.virt
    ADD CONSTRAINT cnn NOT NULL c NOT VALID;


--
-- Name: virt dd; Type: CHECK CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE app.virt
    ADD CONSTRAINT dd CHECK ((a > 1)) NOT ENFORCED;


--
-- Name: pub pub_pkey; Type: CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.pub
    ADD CONSTRAINT pub_pkey PRIMARY KEY (a);


--
-- Name: posint small; Type: CHECK CONSTRAINT; Schema: app; Owner: postgres
--

ALTER DOMAIN app.posint
    ADD CONSTRAINT small CHECK ((VALUE < 100)) NOT VALID;


--
-- Name: CONSTRAINT small ON DOMAIN posint; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON CONSTRAINT small ON DOMAIN app.posint IS 'x';


--
-- Name: t t_pkey; Type: CONSTRAINT; Schema: app; Owner: sink_owner
--

ALTER TABLE ONLY app.t
    ADD CONSTRAINT t_pkey PRIMARY KEY (id);

ALTER TABLE app.t CLUSTER ON t_pkey;


--
-- Name: t t_s_excl; Type: CONSTRAINT; Schema: app; Owner: sink_owner
--

ALTER TABLE ONLY app.t
    ADD CONSTRAINT t_s_excl EXCLUDE USING gist (s WITH =);


--
-- Name: tmp_period tmp_period_pkey; Type: CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.tmp_period
    ADD CONSTRAINT tmp_period_pkey PRIMARY KEY (id, p WITHOUT OVERLAPS);


--
-- Name: typed typed_pkey; Type: CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.typed
    ADD CONSTRAINT typed_pkey PRIMARY KEY (a);


--
-- Name: un2 un2_pkey; Type: CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.un2
    ADD CONSTRAINT un2_pkey PRIMARY KEY (id);


--
-- Name: un un_pkey; Type: CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.un
    ADD CONSTRAINT un_pkey PRIMARY KEY (a) INCLUDE (b);

ALTER TABLE app.un CLUSTER ON un_pkey;

ALTER TABLE ONLY app.un REPLICA IDENTITY USING INDEX un_pkey;


--
-- Name: t uq; Type: CONSTRAINT; Schema: app; Owner: sink_owner
--

ALTER TABLE ONLY app.t
    ADD CONSTRAINT uq UNIQUE (a, m) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: ix; Type: INDEX; Schema: app; Owner: sink_owner
--

CREATE INDEX ix ON app.t USING gin (j jsonb_path_ops) WITH (fastupdate=off);

ALTER INDEX app.ix DEPENDS ON EXTENSION btree_gist;

--
-- Name: mvi; Type: INDEX; Schema: app; Owner: postgres
--

CREATE UNIQUE INDEX mvi ON app.mv USING btree (a);

ALTER TABLE app.mv CLUSTER ON mvi;


--
-- Name: nn; Type: INDEX; Schema: app; Owner: postgres
--

CREATE UNIQUE INDEX nn ON app.un USING btree (b) NULLS NOT DISTINCT;


--
-- Name: pk; Type: INDEX; Schema: app; Owner: postgres
--

CREATE INDEX pk ON ONLY app.parted USING btree (k);


--
-- Name: p1_k_idx; Type: INDEX; Schema: app; Owner: postgres
--

CREATE INDEX p1_k_idx ON app.p1 USING btree (k);


--
-- Name: p2_k_idx; Type: INDEX; Schema: app; Owner: postgres
--

CREATE INDEX p2_k_idx ON ONLY app.p2 USING btree (k);


--
-- Name: p2a_k_idx; Type: INDEX; Schema: app; Owner: postgres
--

CREATE INDEX p2a_k_idx ON app.p2a USING btree (k);


--
-- Name: uu; Type: INDEX; Schema: app; Owner: sink_owner
--

CREATE UNIQUE INDEX uu ON app.t USING btree (lower(a) DESC NULLS LAST, s) INCLUDE (id) WHERE (s > 3);
ALTER INDEX app.uu ALTER COLUMN 1 SET STATISTICS 55;


--
-- Name: INDEX uu; Type: COMMENT; Schema: app; Owner: sink_owner
--

COMMENT ON INDEX app.uu IS 'idx';


--
-- Name: p1_k_idx; Type: INDEX ATTACH; Schema: app; Owner: postgres
--

ALTER INDEX app.pk ATTACH PARTITION app.p1_k_idx;


--
-- Name: p2_k_idx; Type: INDEX ATTACH; Schema: app; Owner: postgres
--

ALTER INDEX app.pk ATTACH PARTITION app.p2_k_idx;


--
-- Name: p2a_k_idx; Type: INDEX ATTACH; Schema: app; Owner: postgres
--

ALTER INDEX app.p2_k_idx ATTACH PARTITION app.p2a_k_idx;


--
-- Name: st; Type: STATISTICS; Schema: app; Owner: postgres
--

CREATE STATISTICS app.st (ndistinct, mcv) ON a, b FROM app.un;
ALTER STATISTICS app.st SET STATISTICS 77;


ALTER STATISTICS app.st OWNER TO postgres;

--
-- Name: STATISTICS st; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON STATISTICS app.st IS 's';


--
-- Name: ste; Type: STATISTICS; Schema: app; Owner: postgres
--

CREATE STATISTICS app.ste ON b, (a + 1) FROM app.un;


ALTER STATISTICS app.ste OWNER TO postgres;

--
-- Name: circ1 _RETURN; Type: RULE; Schema: app; Owner: postgres
--

CREATE OR REPLACE VIEW app.circ1 AS
 SELECT a,
    b
   FROM app.un
  GROUP BY a;


--
-- Name: ul ru; Type: RULE; Schema: app; Owner: postgres
--

CREATE RULE ru AS
    ON INSERT TO app.ul
   WHERE (new.a > 1) DO ( INSERT INTO app.un (a)
  VALUES (1);
 DELETE FROM app.un
  WHERE (un.a = 9);
);
ALTER TABLE app.ul DISABLE RULE ru;


--
-- Name: RULE ru ON ul; Type: COMMENT; Schema: app; Owner: postgres
--

COMMENT ON RULE ru ON app.ul IS 'r';


--
-- Name: v2 vr; Type: RULE; Schema: app; Owner: postgres
--

CREATE RULE vr AS
    ON UPDATE TO app.v2 DO INSTEAD NOTHING;


--
-- Name: t ctr; Type: TRIGGER; Schema: app; Owner: sink_owner
--

CREATE CONSTRAINT TRIGGER ctr AFTER INSERT ON app.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.trg();

ALTER TABLE app.t ENABLE ALWAYS TRIGGER ctr;


--
-- Name: parted ptr; Type: TRIGGER; Schema: app; Owner: postgres
--

CREATE TRIGGER ptr AFTER INSERT ON app.parted FOR EACH ROW EXECUTE FUNCTION app.trg();


--
-- Name: p1 ptr; Type: TRIGGER; Schema: app; Owner: postgres
--


ALTER TABLE app.p1 DISABLE TRIGGER ptr;


--
-- Name: t tr; Type: TRIGGER; Schema: app; Owner: sink_owner
--

CREATE TRIGGER tr BEFORE UPDATE OF a ON app.t FOR EACH ROW WHEN ((old.a IS DISTINCT FROM new.a)) EXECUTE FUNCTION app.trg('x;''y');

ALTER TABLE app.t DISABLE TRIGGER tr;


--
-- Name: TRIGGER tr ON t; Type: COMMENT; Schema: app; Owner: sink_owner
--

COMMENT ON TRIGGER tr ON app.t IS 'x';


--
-- Name: t tr3; Type: TRIGGER; Schema: app; Owner: sink_owner
--

CREATE TRIGGER tr3 AFTER DELETE ON app.t REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION app.trg();

ALTER TABLE app.t ENABLE REPLICA TRIGGER tr3;


--
-- Name: un fk; Type: FK CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.un
    ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES app.un(a) ON DELETE CASCADE NOT VALID;


--
-- Name: fkper fkper_id_p_fkey; Type: FK CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.fkper
    ADD CONSTRAINT fkper_id_p_fkey FOREIGN KEY (id, PERIOD p) REFERENCES app.tmp_period(id, PERIOD p);


--
-- Name: fkper ne; Type: FK CONSTRAINT; Schema: app; Owner: postgres
--

ALTER TABLE ONLY app.fkper
    ADD CONSTRAINT ne FOREIGN KEY (id) REFERENCES app.un2(id) NOT ENFORCED;


--
-- Name: t po; Type: POLICY; Schema: app; Owner: sink_owner
--

CREATE POLICY po ON app.t AS RESTRICTIVE FOR UPDATE TO "Sink reader" USING ((a = 'x;'::text)) WITH CHECK (true);


--
-- Name: POLICY po ON t; Type: COMMENT; Schema: app; Owner: sink_owner
--

COMMENT ON POLICY po ON app.t IS 'p';


--
-- Name: t; Type: ROW SECURITY; Schema: app; Owner: sink_owner
--

ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;

--
-- Name: pa; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION pa FOR ALL TABLES WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true);


ALTER PUBLICATION pa OWNER TO postgres;

--
-- Name: PUBLICATION pa; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON PUBLICATION pa IS 'p';


--
-- Name: pb; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION pb WITH (publish = 'insert, update');


ALTER PUBLICATION pb OWNER TO postgres;

--
-- Name: pc; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION pc WITH (publish = 'insert, update, delete, truncate');


ALTER PUBLICATION pc OWNER TO postgres;

--
-- Name: pgen; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION pgen WITH (publish = 'insert, update, delete, truncate', publish_generated_columns = stored);


ALTER PUBLICATION pgen OWNER TO postgres;

--
-- Name: pb pub; Type: PUBLICATION TABLE; Schema: app; Owner: postgres
--

ALTER PUBLICATION pb ADD TABLE ONLY app.pub WHERE ((a > 1));


--
-- Name: pc pub; Type: PUBLICATION TABLE; Schema: app; Owner: postgres
--

ALTER PUBLICATION pc ADD TABLE ONLY app.pub (a);


--
-- Name: pgen t; Type: PUBLICATION TABLE; Schema: app; Owner: postgres
--

ALTER PUBLICATION pgen ADD TABLE ONLY app.t;


--
-- Name: pb Odd "Name; Type: PUBLICATION TABLES IN SCHEMA; Schema: Odd "Name; Owner: postgres
--

ALTER PUBLICATION pb ADD TABLES IN SCHEMA "Odd ""Name";


--
-- Name: sub; Type: SUBSCRIPTION; Schema: -; Owner: postgres
--

CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere dbname=x' PUBLICATION p1, p2 WITH (connect = false, slot_name = NONE, binary = true, streaming = on, disable_on_error = true);


ALTER SUBSCRIPTION sub OWNER TO postgres;

--
-- Name: SUBSCRIPTION sub; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SUBSCRIPTION sub IS 's';


--
-- Name: sub16; Type: SUBSCRIPTION; Schema: -; Owner: postgres
--

CREATE SUBSCRIPTION sub16 CONNECTION 'host=nowhere' PUBLICATION p1 WITH (connect = false, slot_name = NONE, streaming = parallel, password_required = false, run_as_owner = true, origin = none);


ALTER SUBSCRIPTION sub16 OWNER TO postgres;

--
-- Name: sub17; Type: SUBSCRIPTION; Schema: -; Owner: postgres
--

CREATE SUBSCRIPTION sub17 CONNECTION 'host=nowhere' PUBLICATION p1 WITH (connect = false, slot_name = NONE, streaming = parallel, failover = true);


ALTER SUBSCRIPTION sub17 OWNER TO postgres;

--
-- Name: DATABASE sink; Type: ACL; Schema: -; Owner: postgres
--

GRANT CONNECT ON DATABASE sink TO "Sink reader";


--
-- Name: SCHEMA app; Type: ACL; Schema: -; Owner: sink_owner
--

GRANT USAGE ON SCHEMA app TO "Sink reader";


--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: pg_database_owner
--

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO sink_owner;


--
-- Name: LANGUAGE plsample; Type: ACL; Schema: -; Owner: postgres
--

GRANT ALL ON LANGUAGE plsample TO "Sink reader";


--
-- Name: TYPE mood; Type: ACL; Schema: app; Owner: postgres
--

GRANT ALL ON TYPE app.mood TO "Sink reader";


--
-- Name: TYPE posint; Type: ACL; Schema: app; Owner: postgres
--

GRANT ALL ON TYPE app.posint TO "Sink reader";


--
-- Name: FUNCTION plus(a integer, b integer, VARIADIC c integer[]); Type: ACL; Schema: app; Owner: postgres
--

REVOKE ALL ON FUNCTION app.plus(a integer, b integer, VARIADIC c integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.plus(a integer, b integer, VARIADIC c integer[]) TO "Sink reader";


--
-- Name: PROCEDURE proc(INOUT a integer); Type: ACL; Schema: app; Owner: postgres
--

GRANT ALL ON PROCEDURE app.proc(INOUT a integer) TO "Sink reader";


--
-- Name: FOREIGN DATA WRAPPER fw; Type: ACL; Schema: -; Owner: postgres
--

GRANT ALL ON FOREIGN DATA WRAPPER fw TO "Sink reader";


--
-- Name: FOREIGN SERVER srv; Type: ACL; Schema: -; Owner: postgres
--

GRANT ALL ON FOREIGN SERVER srv TO "Sink reader";


--
-- Name: TABLE fkper; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT,MAINTAIN ON TABLE app.fkper TO "Sink reader";


--
-- Name: TABLE inhnn; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT,MAINTAIN ON TABLE app.inhnn TO "Sink reader";


--
-- Name: TABLE t; Type: ACL; Schema: app; Owner: sink_owner
--

GRANT MAINTAIN ON TABLE app.t TO "Sink reader";
GRANT SELECT,UPDATE ON TABLE app.t TO "Sink reader" WITH GRANT OPTION;
GRANT SELECT ON TABLE app.t TO PUBLIC;


--
-- Name: COLUMN t.a; Type: ACL; Schema: app; Owner: sink_owner
--

GRANT INSERT(a) ON TABLE app.t TO "Sink reader" WITH GRANT OPTION;


--
-- Name: TABLE nocols; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT ON TABLE app.nocols TO "Sink reader";


--
-- Name: TABLE ntn; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT ON TABLE app.ntn TO "Sink reader";


--
-- Name: TABLE pam; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT,MAINTAIN ON TABLE app.pam TO "Sink reader";


--
-- Name: TABLE pid; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT ON TABLE app.pid TO "Sink reader";


--
-- Name: TABLE pid1; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT ON TABLE app.pid1 TO "Sink reader";


--
-- Name: TABLE st16; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT ON TABLE app.st16 TO "Sink reader";


--
-- Name: SEQUENCE t_s_seq; Type: ACL; Schema: app; Owner: sink_owner
--

GRANT USAGE ON SEQUENCE app.t_s_seq TO "Sink reader";


--
-- Name: TABLE tam; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT ON TABLE app.tam TO "Sink reader";


--
-- Name: TABLE tmp_period; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT,MAINTAIN ON TABLE app.tmp_period TO "Sink reader";


--
-- Name: TABLE un2; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT,MAINTAIN ON TABLE app.un2 TO "Sink reader";


--
-- Name: TABLE virt; Type: ACL; Schema: app; Owner: postgres
--

GRANT SELECT,MAINTAIN ON TABLE app.virt TO "Sink reader";


--
-- Name: LARGE OBJECT 424242; Type: ACL; Schema: -; Owner: sink_owner
--

GRANT SELECT ON LARGE OBJECT 424242 TO "Sink reader";


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: app; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA app GRANT SELECT ON TABLES TO "Sink reader";


--
-- Name: DEFAULT PRIVILEGES FOR LARGE OBJECTS; Type: DEFAULT ACL; Schema: -; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON LARGE OBJECTS TO "Sink reader";


--
-- Name: DEFAULT PRIVILEGES FOR TYPES; Type: DEFAULT ACL; Schema: -; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT ALL ON TYPES TO "Sink reader" WITH GRANT OPTION;


--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: sink_owner
--

ALTER DEFAULT PRIVILEGES FOR ROLE sink_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;


--
-- Name: DEFAULT PRIVILEGES FOR SCHEMAS; Type: DEFAULT ACL; Schema: -; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT USAGE ON SCHEMAS TO "Sink reader";


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: -; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT MAINTAIN ON TABLES TO "Sink reader";


--
-- Name: et; Type: EVENT TRIGGER; Schema: -; Owner: postgres
--

CREATE EVENT TRIGGER et ON ddl_command_end
         WHEN TAG IN ('CREATE TABLE', 'DROP TABLE')
   EXECUTE FUNCTION app.etrg();

ALTER EVENT TRIGGER et DISABLE;


ALTER EVENT TRIGGER et OWNER TO postgres;

--
-- Name: EVENT TRIGGER et; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON EVENT TRIGGER et IS 'e';


--
-- Name: et17; Type: EVENT TRIGGER; Schema: -; Owner: postgres
--

CREATE EVENT TRIGGER et17 ON login
   EXECUTE FUNCTION app.etrg();

ALTER EVENT TRIGGER et17 DISABLE;


ALTER EVENT TRIGGER et17 OWNER TO postgres;

--
-- Name: et17r; Type: EVENT TRIGGER; Schema: -; Owner: postgres
--

CREATE EVENT TRIGGER et17r ON ddl_command_start
   EXECUTE FUNCTION app.etrg();

ALTER EVENT TRIGGER et17r ENABLE REPLICA;


ALTER EVENT TRIGGER et17r OWNER TO postgres;

--
-- Name: et2; Type: EVENT TRIGGER; Schema: -; Owner: postgres
--

CREATE EVENT TRIGGER et2 ON sql_drop
   EXECUTE FUNCTION app.etrg();

ALTER EVENT TRIGGER et2 ENABLE ALWAYS;


ALTER EVENT TRIGGER et2 OWNER TO postgres;

--
-- Name: mv; Type: MATERIALIZED VIEW DATA; Schema: app; Owner: postgres
--

REFRESH MATERIALIZED VIEW app.mv;


--
-- PostgreSQL database dump complete
--

\unrestrict N1Lsj5Pq7gQd6SxHocm0iATaQwlkQ482Ncq1dXC5tk2HeCaOROVIbTx1XfR2MvT

