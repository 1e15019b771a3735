//! `cargo db backup` and `cargo db backups`.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::{Project, Ran, cluster, eventually};

/// A database with what makes dumps stumble: odd names, odd values, keys, sequences, a view.
pub(crate) fn odd(name: &str) -> Project {
    let project = Project::new(name);
    project.migration(
        "1_odd.sql",
        r#"CREATE SCHEMA "Sales Dept";
CREATE TABLE "Sales Dept"."Order (x)" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "sélect" text, j jsonb, b bytea);
INSERT INTO "Sales Dept"."Order (x)" ("sélect", j, b)
  VALUES (E'tab\there', '{"a": [1, null]}', '\x00ff'), (E'back\\slash and \\.', NULL, ''), ('', '[]', NULL), (E'line\nbreak', 'null', '\x5c2e');
CREATE TABLE empty_one (id int);
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE big (id bigserial PRIMARY KEY, t text, f float8, d date);
INSERT INTO big (t, f, d) SELECT md5(n::text), CASE n % 3 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE n / 7.0 END, date '0044-03-15 BC' + n FROM generate_series(1, 5000) n;
CREATE INDEX big_t ON big (t);
CREATE TABLE child (big_id bigint REFERENCES big, PRIMARY KEY (big_id));
INSERT INTO child SELECT id FROM big WHERE id % 10 = 0;
CREATE TABLE parted (d int, v text) PARTITION BY RANGE (d);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT n, 'v' || n FROM generate_series(1, 300) n;
CREATE VIEW joined AS SELECT b.id, c.big_id FROM big b LEFT JOIN child c ON c.big_id = b.id;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM big;
CREATE FUNCTION add_one(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a + 1; -- it's; fine
END $$;
COMMENT ON TABLE big IS 'with ; and '' and \! inside';
"#,
    );
    project.db(&["migrate"]).ok();
    project
}

fn folder(project: &Project) -> PathBuf {
    project.path().join("backups")
}

/// The names in the backup folder, without lock and sidecars.
fn names(project: &Project) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder(project))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && !name.ends_with(".verified.json"))
        .collect();
    names.sort();
    names
}

#[test]
fn every_format_is_read_back_and_private() {
    let project = odd("b_formats");
    let mut formats = vec![
        (&["backup"][..], ".sql.gz"),
        (&["backup", "--no-compress"], ".sql"),
        (&["backup", "--format", "custom"], ".dump"),
        (&["backup", "--format", "directory", "--jobs", "2"], ".dir"),
    ];
    if cfg!(feature = "zstd") {
        formats.push((&["backup", "--compress=zstd:1"], ".sql.zst"));
    }
    for &(arguments, ending) in &formats {
        let json = project.db(&[arguments, &["--json"]].concat()).ok().json();
        let name = json["backup"]["name"].as_str().unwrap();
        assert!(name.starts_with("b_formats_20") && name.ends_with(ending), "{name}");
        assert_eq!(
            (&json["backup"]["rows"], &json["backup"]["verified"]),
            (&5806.into(), &true.into()),
            "{json:#}"
        );
        let metadata = std::fs::metadata(folder(&project).join(name)).unwrap();
        assert_eq!(metadata.mode() & 0o777, if metadata.is_dir() { 0o700 } else { 0o600 });
        project.db(&["backups", "verify", name, "--level", "restore"]).ok().says("sound");
    }
    assert_eq!(std::fs::metadata(folder(&project)).unwrap().mode() & 0o777, 0o700);
    let list = project.db(&["backups", "list", "--json"]).ok().json();
    assert_eq!(list["backups"].as_array().unwrap().len(), formats.len());
    let databases = cluster().query(
        "postgres",
        "SELECT datname FROM pg_database WHERE datname LIKE 'b\\_formats\\_\\_%'",
    );
    assert_eq!(databases, Vec::<String>::new(), "no scratch database is left");
    // The manifest records its origin.
    let manifest = &project.db(&["backups", "show", "--json"]).ok().json()["manifest"];
    assert_eq!(manifest["migrations"]["1"].as_str().unwrap().len(), 96);
    assert_eq!(manifest["tables"]["public.big"]["rows"], 5000);
    assert_eq!(manifest["sequences"]["public.big_id_seq"], "5000,true");
}

#[test]
fn names_stay_in_the_folder_and_are_not_overwritten() {
    let project = odd("b_names");
    for bad in ["../x", "/tmp/x", "a/b", ".x", "x.partial", "x.manifest.json"] {
        project.db(&["backup", "-o", bad]).code(2).says("is not a valid name for a backup");
    }
    project.db(&["backup", "-o", "before release.sql.gz"]).ok();
    project.db(&["backup", "-o", "before release.sql.gz"]).code(11).says("already exists");
    project.db(&["restore", "../../etc/passwd.gz", "--yes"]).code(11).says("there is no file");
}

#[test]
fn a_failed_backup_leaves_nothing_under_its_name() {
    let mut project = odd("b_fail");
    project.run_sql("CREATE ROLE nobody_here LOGIN");
    project.set("DATABASE_URL", &cluster().url("b_fail").replace("postgres@", "nobody_here@"));
    project.db(&["backup"]).code(11).says("permission denied");
    project.db(&["backup", "--format", "custom"]).code(11);
    assert_eq!(names(&project), Vec::<String>::new());
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let project = odd("b_full");
    for format in ["sql", "custom", "directory", "set"] {
        let own = project.command(&["backup", "--format", format]);
        let mut limited = std::process::Command::new("sh");
        // Files may not grow beyond 16 blocks, which looks like a full disk to the program.
        limited
            .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
            .arg(own.get_program())
            .args(own.get_args());
        limited.current_dir(project.path()).env_clear();
        limited.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ran::from(limited.output().unwrap()).code(11);
        assert_eq!(names(&project), Vec::<String>::new(), "{format}");
    }
}

#[test]
fn a_killed_backup_does_not_count_and_the_next_one_cleans_up() {
    let project = odd("b_kill");
    let mut holder = cluster().connect("b_kill");
    for signal in
        [rustix::process::Signal::INT, rustix::process::Signal::TERM, rustix::process::Signal::KILL]
    {
        // Only pg_dump reads this catalog, so the backup can be met in the middle.
        holder.batch_execute("BEGIN; LOCK TABLE pg_transform IN ACCESS EXCLUSIVE MODE").unwrap();
        let run = project
            .command(&["backup"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = 'b_kill' AND application_name = 'pg_dump' AND wait_event_type = 'Lock'";
        eventually("pg_dump waits", || !cluster().query("postgres", waiting).is_empty());
        rustix::process::kill_process(rustix::process::Pid::from_child(&run), signal).unwrap();
        let ran = Ran::from(run.wait_with_output().unwrap());
        match signal {
            rustix::process::Signal::INT => assert_eq!(ran.code, Some(130), "{ran}"),
            rustix::process::Signal::TERM => assert_eq!(ran.code, Some(143), "{ran}"),
            _ => assert_eq!(ran.code, None),
        }
        assert!(
            names(&project).iter().all(|name| name.ends_with(".partial")),
            "{:?}",
            names(&project)
        );
        holder.batch_execute("COMMIT").unwrap();
        let sessions = "SELECT 1 FROM pg_stat_activity WHERE datname = 'b_kill' AND application_name = 'pg_dump'";
        eventually("no session is left", || cluster().query("postgres", sessions).is_empty());
    }
    project.db(&["backup"]).ok();
    assert!(names(&project).iter().all(|name| !name.ends_with(".partial")));
}

#[cfg(not(feature = "zstd"))]
#[test]
fn writing_zstd_names_the_feature_that_is_off() {
    let project = odd("b_no_zstd");
    for how in ["--compress=zstd", "--compress=zstd:1"] {
        project.db(&["backup", how]).code(2).says("built without the feature `zstd`");
    }
    project.db(&["backup", "--compress=zstd:99"]).code(2).says("use `gzip` (1 to 9)");
    assert!(!folder(&project).exists());
}

/// What is done to a backup, and the name of the check that has to find it.
#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one backup is corrupted in every way, one after the other"
)]
fn verify_finds_each_corruption_by_its_name() {
    let project = odd("b_corrupt");
    project.db(&["backup", "--no-compress", "-o", "plain.sql"]).ok();
    project.db(&["backup", "-o", "gz.sql.gz"]).ok();
    let zstd = cfg!(feature = "zstd").then_some("z.sql.zst");
    if let Some(name) = zstd {
        project.db(&["backup", "--compress=zstd", "-o", name]).ok();
    }
    project.db(&["backup", "--format", "custom", "-o", "c.dump"]).ok();
    project.db(&["backup", "--format", "directory", "-o", "d.dir"]).ok();
    let path = |name: &str| folder(&project).join(name);
    let files_of = |name: &str| -> Vec<PathBuf> {
        let path = path(name);
        if !path.is_dir() {
            return vec![path];
        }
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let check = |name: &str, level: &str, says: &str| {
        project.db(&["backups", "verify", name, "--level", level, "--yes"]).code(11).says(says);
    };
    let sound = |name: &str| project.db(&["backups", "verify", name]).ok().says("sound");

    for name in ["plain.sql", "gz.sql.gz", "c.dump", "d.dir"].into_iter().chain(zstd) {
        sound(name);
        let file = files_of(name)
            .into_iter()
            .max_by_key(|file| std::fs::metadata(file).unwrap().len())
            .unwrap();
        let whole = std::fs::read(&file).unwrap();
        // Truncated.
        std::fs::write(&file, &whole[..whole.len() - 100]).unwrap();
        check(name, "quick", "size: ");
        // One flipped byte, in the middle.
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        std::fs::write(&file, &flipped).unwrap();
        project.db(&["backups", "verify", name, "--level", "quick"]).ok();
        check(name, "full", "checksum: ");
        // Gone.
        std::fs::remove_file(&file).unwrap();
        check(name, "quick", "missing: ");
        // A link to the right content is not the file.
        let elsewhere = project.path().join("elsewhere");
        std::fs::write(&elsewhere, &whole).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        check(name, "quick", "missing: ");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, &whole).unwrap();
        sound(name);
    }

    // A file too many in a directory.
    std::fs::write(path("d.dir").join("extra.dat"), "x").unwrap();
    check("d.dir", "quick", "extra: `extra.dat`");
    std::fs::remove_file(path("d.dir").join("extra.dat")).unwrap();

    // The content changes and every checksum with it: the rows tell.
    let manifest_path = path("plain.sql.manifest.json");
    let manifest = std::fs::read_to_string(&manifest_path).unwrap();
    let sql = std::fs::read_to_string(path("plain.sql")).unwrap();
    let with = |sql: &str| {
        use std::fmt::Write;
        std::fs::write(path("plain.sql"), sql).unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, sql.as_bytes());
        let hex = digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        let mut json: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        json["files"][0]["sha256"] = hex.into();
        json["files"][0]["bytes"] = sql.len().into();
        std::fs::write(&manifest_path, json.to_string()).unwrap();
    };
    with(&sql.replacen("tab\\there", "tab\\tHere", 1));
    check("plain.sql", "full", "hash: the rows of \"Sales Dept\".\"Order (x)\"");
    let first_row =
        sql.lines().skip_while(|line| !line.starts_with("COPY public.child")).nth(1).unwrap();
    with(&sql.replacen(&format!("\n{first_row}\n"), "\n", 1));
    check("plain.sql", "full", "rows: public.child has 499 rows, but the manifest says 500");
    with(&sql.replacen(
        "setval('public.big_id_seq', 5000, true)",
        "setval('public.big_id_seq', 17, true)",
        1,
    ));
    check("plain.sql", "full", "sequences: ");
    with(&sql.replacen("-- PostgreSQL database dump complete", "--", 1));
    check("plain.sql", "full", "content: ");
    with(&sql.replacen("COPY public.child", "COPY public.cradle", 1));
    check("plain.sql", "full", "tables: public.child is missing");
    // It can be read but not loaded, which only the scratch database shows.
    with(&sql.replacen("CREATE INDEX big_t ON public.big", "CREATE INDEX big_t ON public.bog", 1));
    project.db(&["backups", "verify", "plain.sql", "--level", "full"]).ok();
    check("plain.sql", "restore", "restore: ");
    // Whoever can write the folder can write a program into a dump; it is refused by name.
    with(&sql.replacen(
        "SET statement_timeout = 0;",
        "SET statement_timeout = 0;\n\\! touch /tmp/never\n",
        1,
    ));
    check("plain.sql", "full", "the psql command `\\!`");
    std::fs::write(&manifest_path, &manifest).unwrap();
    std::fs::write(path("plain.sql"), &sql).unwrap();
    sound("plain.sql");

    // A manifest that was edited, and two that were swapped.
    std::fs::write(&manifest_path, manifest.replacen("\"plain.sql\"", "\"other.sql\"", 1)).unwrap();
    check("plain.sql", "quick", "its manifest belongs to");
    std::fs::write(&manifest_path, manifest.replacen("format_version", "form_version", 1)).unwrap();
    check("plain.sql", "quick", "its manifest cannot be read");
    std::fs::write(&manifest_path, &manifest).unwrap();
    let swapped = ["gz.sql.gz", zstd.unwrap_or("plain.sql")];
    let [one, other] = swapped.map(|name| std::fs::read(path(name)).unwrap());
    std::fs::write(path(swapped[0]), &other).unwrap();
    std::fs::write(path(swapped[1]), &one).unwrap();
    let verified = project.db(&["backups", "verify", "--all"]).code(11);
    swapped.iter().fold(verified, |verified, name| verified.says(&format!("{name}: UNSOUND")));
    project.db(&["backups", "list"]).ok().says("UNSOUND");
}

#[test]
fn a_backup_that_is_too_old_fails() {
    let project = odd("b_age");
    project
        .db(&["backups", "verify", "--max-age", "1h"])
        .code(11)
        .says("there is no backup of `b_age`");
    project.db(&["backup", "--no-verify", "-o", "unread.sql.gz"]).ok().says("NOT read back");
    project.db(&["backups", "list"]).ok().says("not verified");
    project
        .db(&["backups", "verify", "--level", "quick", "--max-age", "1h"])
        .code(11)
        .says("that was verified");
    project.db(&["backups", "verify", "--max-age", "1h"]).ok();
    project.db(&["backups", "verify", "--max-age", "1ms"]).code(11);
}

#[test]
fn retention_removes_only_what_is_ours_and_says_why() {
    let mut project = odd("b_retention");
    project.set("BACKUP_RETENTION_DAYS", "0");
    project.set("MAX_BACKUPS", "2");
    std::fs::create_dir(folder(&project)).unwrap();
    std::fs::write(folder(&project).join("b_retention_2020-01-01T00-00-00Z.sql.gz"), "somebody's")
        .unwrap();
    for name in ["1.sql", "2.sql", "3.sql"] {
        project.db(&["backup", "--no-compress", "-o", name]).ok();
    }
    let left: Vec<String> =
        names(&project).into_iter().filter(|name| !name.ends_with(".json")).collect();
    assert_eq!(left, ["2.sql", "3.sql", "b_retention_2020-01-01T00-00-00Z.sql.gz"]);
    project.set("MAX_BACKUPS", "1");
    project
        .db(&["backups", "prune", "--dry-run"])
        .ok()
        .says("would remove 2.sql")
        .says("kept 3.sql: the newest verified backup");
    project.db(&["backups", "prune"]).code(3);
    project.db(&["backups", "prune", "--yes"]).ok().says("removed 2.sql");
    // After a backup that was not read back, nothing is removed.
    project.db(&["backup", "--no-compress", "--no-verify", "-o", "4.sql"]).ok();
    assert!(names(&project).contains(&"3.sql".to_owned()));
}

#[test]
fn reset_keeps_the_given_number_of_backups() {
    let project = odd("b_keep");
    for name in ["1.sql", "2.sql", "3.sql"] {
        project.db(&["backup", "--no-compress", "-o", name]).ok();
    }
    project.db(&["reset", "--force", "--keep", "2"]).ok();
    let left: Vec<String> =
        names(&project).into_iter().filter(|name| !name.ends_with(".json")).collect();
    assert!(left.len() == 2 && left[0] == "3.sql", "{left:?}");
}

#[test]
fn parts_can_be_chosen_and_the_password_is_in_no_argv() {
    let mut project = odd("b_parts");
    project.set("DATABASE_URL", &cluster().tcp_url("b_parts"));
    let json = project.db(&["backup", "--table", "public.child", "--json"]).ok().json();
    assert_eq!(json["backup"]["tables"], 1);
    let json = project
        .db(&["backup", "--exclude-table-data", "public.big", "-o", "x.sql.gz", "--json"])
        .ok()
        .json();
    assert_eq!(json["backup"]["rows"], 806);
    let manifest =
        std::fs::read_to_string(folder(&project).join("x.sql.gz.manifest.json")).unwrap();
    assert!(
        manifest.contains("--exclude-table-data=public.big") && !manifest.contains("hush"),
        "{manifest}"
    );

    let mut holder = cluster().connect("b_parts");
    holder.batch_execute("BEGIN; LOCK TABLE pg_transform IN ACCESS EXCLUSIVE MODE").unwrap();
    let mut run =
        project.command(&["backup"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = 'b_parts' AND application_name = 'pg_dump' AND wait_event_type = 'Lock'";
    eventually("pg_dump waits", || !cluster().query("postgres", waiting).is_empty());
    let everybody = std::process::Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&everybody.stdout).contains("hush-hush"));
    holder.batch_execute("COMMIT").unwrap();
    assert!(run.wait().unwrap().success());
}

/// libpq's variables alone can select the database. If a URL selects it, variables for another one
/// do not divert `pg_dump` and the other clients.
#[test]
fn client_programs_connect_to_the_same_database() {
    let mut project = odd("b_variables");
    let content = project.content();
    project.set("DATABASE_URL", "");
    project.set("PGHOST", cluster().folder.to_str().unwrap());
    project.set("PGPORT", &cluster().port.to_string());
    project.set("PGUSER", "postgres");
    project.set("PGDATABASE", "b_variables");
    project.db(&["backup"]).ok();
    project.run_sql("DROP TABLE child CASCADE");
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(project.content(), content);
    project.set("DATABASE_URL", &cluster().url("b_variables"));
    project.set("PGHOST", "/nowhere");
    project.set("PGDATABASE", "another");
    project.db(&["backup", "--format=custom"]).ok();
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(project.content(), content);
}

#[test]
fn an_image_that_would_contain_backups_is_reported_once() {
    let project = Project::new("backup_docker");
    project.write("Dockerfile", "FROM scratch\nCOPY . .\n");
    let _ = project.db(&["backup"]).ok().says("add `backups/` to .dockerignore");
    let again = project.db(&["backup"]).ok();
    assert!(!again.stderr.contains("dockerignore"), "{again}");
    // A backup is taken, also if that cannot be noted.
    let told = project.path().join(".db/told-of-docker");
    std::fs::remove_file(&told).unwrap();
    std::os::unix::fs::symlink("nowhere/else", &told).unwrap();
    let again = project.db(&["backup", "--json"]).ok().says("dockerignore");
    assert!(again.json()["backup"].is_object(), "{again}");
}
