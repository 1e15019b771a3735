//! A database whose owner has planted functions and operators that shadow those of the catalog.

use super::{Project, cluster};

/// What the server's log says for each call.
const CALLED: &str = "somebody called a function that was planted:";

/// Plants, in a schema: for every function that our SQL names, one with the same arguments, which
/// does the same, and one with each that may fit a call better; `count`; and every operator of the
/// catalog.
const PLANT: &str = r#"
DO $plant$
DECLARE
    one record; argument text; body text;
    kinds text[] := ARRAY['text', 'name', 'oid', 'int4', 'int8', 'bool', 'timestamptz', 'regclass',
                          'text[]', 'name[]', 'oid[]', 'smallint', '"char"', 'float4', 'numeric'];
BEGIN
    FOR one IN
        SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments,
               pg_get_function_result(p.oid) AS result,
               (SELECT coalesce(string_agg('$' || i, ', ' ORDER BY i), '')
                FROM generate_series(1, p.pronargs) i) AS passed
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
          AND p.proname = ANY (string_to_array('{names}', ' '))
    LOOP
        body := format('BEGIN RAISE LOG %L; RETURN pg_catalog.%I(%s); END',
                       '{called} ' || one.proname || '(' || one.arguments || ')', one.proname,
                           one.passed);
        BEGIN
            EXECUTE format('CREATE FUNCTION {schema}.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L',
                           one.proname, one.arguments, one.result, body);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    FOREACH argument IN ARRAY kinds LOOP
        FOR one IN SELECT unnest(string_to_array('{names}', ' ')) AS proname LOOP
            body := format('BEGIN RAISE LOG %L; RETURN NULL; END', '{called} ' || one.proname ||
                '(' || argument || ')');
            BEGIN
                EXECUTE format('CREATE FUNCTION {schema}.%I(%s) RETURNS text LANGUAGE plpgsql AS
                    %L',
                               one.proname, argument, body);
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END LOOP;
        -- format(text, …) and concat_ws(text, …) take anything, and an exact match is better.
        FOR one IN SELECT f AS proname, k AS second FROM unnest(ARRAY['format', 'concat_ws',
            'concat']) f,
                   unnest(kinds) k LOOP
            body := format('BEGIN RAISE LOG %L; RETURN NULL; END', '{called} ' || one.proname);
            BEGIN
                EXECUTE format('CREATE FUNCTION {schema}.%I(text, %s) RETURNS text LANGUAGE
                    plpgsql AS %L',
                               one.proname, one.second, body);
                EXECUTE format('CREATE FUNCTION {schema}.%I(text, %s, %s) RETURNS text LANGUAGE
                    plpgsql AS %L',
                               one.proname, argument, one.second, body);
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END LOOP;
    END LOOP;
    FOR one IN
        SELECT o.oid, o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r,
               o.oprresult::regtype AS result
        FROM pg_operator o
        WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprleft <> 0 AND o.oprcode <> 0
    LOOP
        body := format('BEGIN RAISE LOG %L; RETURN $1 OPERATOR(pg_catalog.%s) $2; END',
                       '{called} ' || one.oprname, one.oprname);
        BEGIN
            EXECUTE format('CREATE FUNCTION {schema}.planted_%s(%s, %s) RETURNS %s LANGUAGE
                plpgsql AS %L',
                           one.oid, one.l, one.r, one.result, body);
            EXECUTE format('CREATE OPERATOR {schema}.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION =
                {schema}.planted_%s)',
                           one.oprname, one.l, one.r, one.oid);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END $plant$;
CREATE FUNCTION {schema}.planted_step(bigint) RETURNS bigint LANGUAGE plpgsql
AS $$ BEGIN RAISE LOG '{called} count(*)'; RETURN $1 + 1; END $$;
CREATE AGGREGATE {schema}.count(*) (SFUNC = {schema}.planted_step, STYPE = bigint, INITCOND = '0');
"#;

/// A project whose applied and pending migrations, seeds and rows give every verb something to do.
pub(crate) fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.migration(
        "1_school.up.sql",
        "CREATE TABLE public.school (id int PRIMARY KEY, name text NOT NULL);",
    );
    project.migration("1_school.down.sql", "DROP TABLE public.school;");
    project.migration(
        "2_pupil.up.sql",
        "CREATE TABLE public.pupil (id int PRIMARY KEY, school int REFERENCES public.school, \
         name text, note text);",
    );
    project.migration("2_pupil.down.sql", "DROP TABLE public.pupil;");
    project.write("seeds/10_school.sql", "INSERT INTO public.school VALUES (1, 'North');");
    project.write("seeds/public.pupil.csv", "id,school,name\n1,1,Ann\n2,1,Bob\n");
    project.db(&["migrate", "--yes"]).ok();
    project.db(&["seed", "--yes"]).ok();
    project.db(&["backup"]).ok();
    project.migration("3_note.up.sql", "ALTER TABLE public.pupil DROP COLUMN note;");
    project.migration("3_note.down.sql", "ALTER TABLE public.pupil ADD COLUMN note text;");
    project
}

/// Every verb, in an order in which each finds what it needs. `{db}` is replaced by the database's
/// name.
pub(crate) const VERBS: &[&str] = &[
    "status",
    "check",
    "rehearse",
    "migrate --dry-run",
    "migrate --yes",
    "rollback --dry-run",
    "rollback --yes",
    "migrate --yes --all-or-nothing",
    "rollback --yes --steps 1",
    "baseline --yes",
    "repair --yes",
    "seed --yes",
    "seed --fresh --yes",
    "backup",
    "backup --format set",
    "backups list",
    "backups verify --latest --level restore",
    "env show",
    "env set test --yes",
    "env clear --yes",
    "history --database",
    "restore --latest --table public.pupil --yes",
    "restore --latest --clean --yes",
    "restore --latest --yes",
    "reset --dry-run",
    "reset --yes",
    "backups prune --keep 1 --yes",
];

/// The names of functions in SQL for a database, according to the server's log.
pub(crate) fn functions_named(log: &str, database: &str) -> Vec<String> {
    let known = cluster().query(
        "postgres",
        "SELECT DISTINCT proname FROM pg_proc \
         WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'",
    );
    let mut names: Vec<String> = log
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '('))
        .filter_map(|word| word.split_once('(').map(|(name, _)| name.to_lowercase()))
        .filter(|name| known.contains(name))
        .collect();
    names.sort();
    names.dedup();
    assert!(names.len() > 40, "the log of {database} names few functions: {names:?}");
    names
}

/// Plants them for these names, in a schema of a database.
pub(crate) fn plant(database: &str, schema: &str, names: &[String]) {
    cluster().run(database, &format!("CREATE SCHEMA IF NOT EXISTS {schema}"));
    let sql = PLANT
        .replace("{schema}", schema)
        .replace("{names}", &names.join(" "))
        .replace("{called}", CALLED);
    cluster().run(database, &sql);
}

/// The log of the server.
pub(crate) fn log() -> String {
    String::from_utf8_lossy(&std::fs::read(cluster().folder.join("log")).expect("the log"))
        .into_owned()
}

/// What was called, from a place in the log on.
pub(crate) fn calls_since(place: usize) -> Vec<String> {
    let log = log();
    let lines = log[place..].lines().filter_map(|line| line.split_once(CALLED));
    lines.map(|(_, called)| called.trim().to_owned()).collect()
}

/// How a verb ended, and what it called of what was planted.
pub(crate) struct Called {
    pub(crate) verb: String,
    pub(crate) code: Option<i32>,
    pub(crate) calls: Vec<String>,
    pub(crate) output: String,
}

/// Runs verbs, one after the other.
pub(crate) fn run(project: &Project, verbs: &[&str]) -> Vec<Called> {
    let run = |verb: &&str| {
        let place = log().len();
        let ran = project.db(&verb.split(' ').collect::<Vec<_>>());
        let (code, output) = (ran.code, ran.to_string());
        let mut calls = calls_since(place);
        calls.sort();
        calls.dedup();
        Called { verb: (*verb).to_owned(), code, calls, output }
    };
    verbs.iter().map(run).collect()
}
