//! What a pipeline runs: a rehearsal elsewhere, the script of a release phase, and the action.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

use crate::support::{Project, Ran, cluster, repository};

/// The section of `docs/ci.md` below a heading.
fn section(heading: &str) -> String {
    let text = std::fs::read_to_string(repository().join("docs/ci.md")).unwrap();
    let (_, section) = text.split_once(&format!("# {heading}\n")).unwrap();
    section.split("\n## ").next().unwrap().split("\n### ").next().unwrap().to_owned()
}

/// The blocks of a section in a language.
pub(crate) fn blocks(heading: &str, language: &str) -> Vec<String> {
    let section = section(heading);
    let blocks = section.split("\n```").skip(1).step_by(2);
    let of_language =
        |block: &str| Some(block.strip_prefix(language)?.strip_prefix('\n')?.to_owned());
    blocks.filter_map(of_language).collect()
}

/// Runs lines in a shell, in which `cargo db` is the program of this build.
pub(crate) fn shell(project: &Project, script: &str) -> Ran {
    let like = project.command(&[]);
    let cargo = "cargo() { shift; \"$PROGRAM\" \"$@\"; }";
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &format!("{cargo}\n{script}")]);
    run_like(shell, project).env("PROGRAM", like.get_program()).output().unwrap().into()
}

/// A process with the environment of a run of the project.
fn run_like(mut command: Command, project: &Project) -> Command {
    let like = project.command(&[]);
    command.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(project.path());
    command
}

/// Puts a program into a folder, by its name.
fn install(program: &Path, folder: &Path, name: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::copy(program, folder.join(name)).unwrap();
}

fn program(project: &Project) -> PathBuf {
    project.command(&[]).get_program().into()
}

/// A repository with an applied migration and a pending one, and a clone of it. Each has a database
/// of its own; that of the clone is production.
fn clones(name: &str) -> (Project, Project) {
    let rehearsing = Project::new(name);
    rehearsing.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY);\n");
    rehearsing.migration("1_users.down.sql", "DROP TABLE users;\n");
    rehearsing.db(&["migrate"]).ok();
    rehearsing.run_sql("INSERT INTO users SELECT generate_series(1, 50); ANALYZE");
    let live = format!("{name}_live");
    cluster().run("postgres", &format!("CREATE DATABASE {live} TEMPLATE {name}"));
    let mut deploying = Project::without_database(&live);
    deploying.set("CARGO_DB_SIGNING_KEY", "");
    deploying.set("CARGO_DB_ENV", "production");
    for project in [&rehearsing, &deploying] {
        project.write("db.toml", "[budget]\nmigration = \"3m\"\nlock = \"1s\"\n");
        for (file, sql) in [
            ("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY);\n"),
            ("1_users.down.sql", "DROP TABLE users;\n"),
            ("2_note.up.sql", "ALTER TABLE users ADD note text;\n"),
            ("2_note.down.sql", "ALTER TABLE users DROP note;\n"),
        ] {
            project.migration(file, sql);
        }
    }
    deploying.accept_key();
    (rehearsing, deploying)
}

#[test]
fn a_rehearsal_elsewhere_takes_four_commands_and_one_copied_file() {
    let (rehearsing, deploying) = clones("rl_clones");
    let [rehearse, deploy] = &blocks("Rehearsed on another machine", "sh")[..] else { panic!() };
    let commands = |block: &str| block.matches("cargo db").count();
    assert_eq!((commands(rehearse), commands(deploy)), (1, 3), "and `consent` is the fourth");
    deploying.db(&["check", "--deploy"]).code(4).says("no-receipt");
    shell(&rehearsing, rehearse).ok();
    let carried = "receipts.json";
    std::fs::copy(rehearsing.path().join(carried), deploying.path().join(carried)).unwrap();
    let ran = shell(&deploying, deploy).ok();
    assert_eq!(deploying.query("SELECT count(note) FROM users"), ["0"], "{ran}");
    // Once nothing is pending, the same lines change nothing.
    shell(&deploying, deploy).ok();
}

#[test]
fn a_receipt_of_other_files_names_those_that_differ() {
    let (rehearsing, deploying) = clones("rl_differ");
    rehearsing.db(&["rehearse", "--receipt-to", "r.json"]).ok();
    let carried = deploying.path().join("r.json");
    std::fs::copy(rehearsing.path().join("r.json"), &carried).unwrap();
    deploying.migration("2_note.up.sql", "ALTER TABLE users ADD note int;\n");
    for verb in [&["check", "--deploy"][..], &["migrate", "--dry-run"]] {
        let ran = deploying.db(&[verb, &["--receipt", "r.json"]].concat());
        ran.says("`migrations/2_note.up.sql` was edited");
    }
    // A file that is no receipt is named, with the line.
    std::fs::write(&carried, "[\n  7\n]\n").unwrap();
    deploying.db(&["check", "--deploy", "--receipt", "r.json"]).code(2).says("r.json");
    // A folder that cannot be written is found before anything is rehearsed.
    let closed = rehearsing.db(&["rehearse", "--receipt-to", "/proc/receipts.json"]);
    assert_ne!(closed.code, Some(0), "{closed}");
}

/// A project in staging, whose script finds an installed `cargo-db`.
fn staging(name: &str) -> Project {
    let mut project = Project::new(name);
    project.set("CARGO_DB_ENV", "staging");
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);\n");
    project.migration("1_a.down.sql", "DROP TABLE a;\n");
    install(&program(&project), &project.path().join("installed"), "cargo-db");
    let path = std::env::var("PATH").unwrap();
    project.set("PATH", &format!("{}:{path}", project.path().join("installed").display()));
    project
}

fn script(project: &Project, line: &str) -> Ran {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]);
    run_like(shell, project).output().unwrap().into()
}

#[test]
fn the_script_of_a_release_phase_checks_and_migrates() {
    let project = staging("rl_script");
    let installing = ["hooks", "install", "--pre-deploy", "bin/pre-deploy"];
    project.db(&installing).ok().says("installed now, runs `check --deploy`\n");
    let file = project.path().join("bin/pre-deploy");
    let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o755);
    let pending = "Pending      1 migration";
    script(&project, "bin/pre-deploy").ok().says(pending);
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);
    // It finds the project from everywhere, and hands its arguments on.
    script(&project, "cd bin && ./pre-deploy --json").ok().says("\"verb\":\"check\"");
    script(&project, "cd / && \"$OLDPWD/bin/pre-deploy\"").ok().says(pending);
    project.db(&[&installing[..], &["--migrate"]].concat()).ok().says("and `migrate`");
    project.db(&["hooks", "status", "--pre-deploy", "bin/pre-deploy"]).ok().says("and `migrate`");
    // What is found stops the release.
    project.run_sql(
        "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, \
         description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), \
         success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL); \
         INSERT INTO _sqlx_migrations VALUES (0, 'gone', now(), true, '\\x00', 1)",
    );
    script(&project, "bin/pre-deploy").code(9).says("history missing");
    project.run_sql("DROP TABLE _sqlx_migrations");
    script(&project, "bin/pre-deploy").ok().says("1 migration applied");
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["f"]);
    project.db(&["hooks", "uninstall", "--pre-deploy", "bin/pre-deploy"]).ok().says("removed");
    assert!(!file.exists());
}

#[test]
fn a_release_phase_in_production_takes_the_consent_and_the_receipts_of_the_release() {
    let (rehearsing, mut deploying) = clones("rl_phase");
    install(&program(&deploying), &deploying.path().join("installed"), "cargo-db");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", deploying.path().join("installed").display());
    deploying.set("PATH", &path);
    rehearsing.db(&["rehearse", "--receipt-to", "receipts.json"]).ok();
    let carried = deploying.path().join("receipts.json");
    std::fs::copy(rehearsing.path().join("receipts.json"), carried).unwrap();
    let install = ["hooks", "install", "--pre-deploy", "release", "--migrate"];
    deploying.db(&[&install[..], &["--receipt", "receipts.json"]].concat()).ok();
    script(&deploying, "./release").code(3);
    assert_eq!(deploying.query("SELECT count(*) FROM _sqlx_migrations"), ["1"]);
    let consent = deploying.consent(&["migrate", "--receipt", "receipts.json"]);
    script(&deploying, &format!("./release {}", shell_words::join(consent))).ok();
    assert_eq!(deploying.query("SELECT count(*) FROM _sqlx_migrations"), ["2"]);
}

#[test]
fn a_script_of_somebody_else_is_kept_and_so_is_the_rest_of_the_machine() {
    let project = staging("rl_kept");
    let install = |file: &str| project.db(&["hooks", "install", "--pre-deploy", file]);
    let own = "#!/bin/sh\nmake release\n";
    let file = project.write("bin/release", own);
    install("bin/release").code(1).says("cargo db did not write it");
    project.db(&["hooks", "uninstall", "--pre-deploy", "bin/release"]).ok();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), own);
    std::os::unix::fs::symlink("release", project.path().join("bin/link")).unwrap();
    install("bin/link").code(1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), own);
    install("../outside").code(2).says("is not in the project");
    // A script that cannot be executed is mended.
    install("bin/mine").ok();
    let mine = project.path().join("bin/mine");
    std::fs::set_permissions(&mine, std::fs::Permissions::from_mode(0o644)).unwrap();
    project.db(&["hooks", "status", "--pre-deploy", "bin/mine"]).ok().says("not executable");
    install("bin/mine").ok().says("installed now");
    install("bin/mine").ok().says(": installed, runs");
}

#[test]
fn a_script_calls_the_xtask_that_was_built_if_nothing_is_installed() {
    let mut project = staging("rl_built");
    let path = std::env::var("PATH").unwrap();
    project.set("PATH", &path);
    install(&program(&project), &project.path().join("target/debug"), "xtask");
    let install = "target/debug/xtask hooks install --pre-deploy bin/pre-deploy";
    script(&project, install).ok();
    script(&project, "bin/pre-deploy").ok().says("Pending      1 migration");
    std::fs::remove_file(project.path().join("target/debug/xtask")).unwrap();
    script(&project, "bin/pre-deploy").code(127).says("neither installed nor built");
}

/// The commands that the page gives to platforms, as their files name them.
#[test]
fn the_release_phases_on_the_page_run_the_script() {
    let project = staging("rl_pages");
    let [install] = &blocks("A release phase", "console")[..] else { panic!() };
    let install = install.lines().next().unwrap().strip_prefix("$ ").unwrap();
    shell(&project, install).ok();
    let [procfile] = &blocks("A release phase", "text")[..] else { panic!() };
    let [fly] = &blocks("A release phase", "toml")[..] else { panic!() };
    let [job] = &blocks("A release phase", "yaml")[..] else { panic!() };
    let fly: toml::Table = fly.parse().unwrap();
    let job = &YamlLoader::load_from_str(job).unwrap()[0];
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert!(
        job["metadata"]["annotations"]["helm.sh/hook"].as_str().unwrap().contains("pre-upgrade")
    );
    let words = container["command"].as_vec().unwrap();
    let words = words.iter().map(|word| word.as_str().unwrap());
    for line in [
        procfile.trim().strip_prefix("release: ").unwrap().to_owned(),
        fly["deploy"]["release_command"].as_str().unwrap().to_owned(),
        shell_words::join(words),
    ] {
        script(&project, &line).ok().says("Pending");
    }
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["f"]);
}

/// The action, as GitHub runs it.
struct Action {
    steps: Vec<Yaml>,
    defaults: Vec<(String, String)>,
}

impl Action {
    fn read() -> Action {
        let text = std::fs::read_to_string(repository().join("action.yml")).unwrap();
        let action = YamlLoader::load_from_str(&text).unwrap().remove(0);
        assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
        let inputs = action["inputs"].as_hash().unwrap().iter().map(|(name, input)| {
            let default = input["default"].as_str();
            assert_eq!(input["required"].as_bool(), default.is_none().then_some(true));
            (name.as_str().unwrap().to_owned(), default.unwrap_or_default().to_owned())
        });
        let steps = action["runs"]["steps"].as_vec().unwrap().clone();
        Action { steps, defaults: inputs.collect() }
    }

    /// Runs the steps with these inputs, in a checkout with a folder for temporary files.
    fn run(&self, project: &Project, with: &[(&str, &str)]) -> Ran {
        let temporary = project.path().join("runner");
        std::fs::create_dir_all(&temporary).unwrap();
        let output = temporary.join("output");
        std::fs::write(&output, "").unwrap();
        let input = |name: &str| {
            let named = with.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            let default = || Some(self.defaults.iter().find(|(key, _)| key == name)?.1.as_str());
            named.or_else(default).unwrap_or_else(|| panic!("no input {name}")).to_owned()
        };
        let value = |word: &str| match word.trim() {
            "steps.install.outputs.program" => {
                let written = std::fs::read_to_string(&output).unwrap();
                written.trim().strip_prefix("program=").unwrap_or_default().to_owned()
            }
            word => input(word.strip_prefix("inputs.").unwrap()),
        };
        // `${{ a || b }}`
        let evaluated =
            |text: &str| match text.strip_prefix("${{").and_then(|it| it.strip_suffix("}}")) {
                None => text.to_owned(),
                Some(inner) => {
                    let mut values = inner.split("||").map(value);
                    values.find(|value| !value.is_empty()).unwrap_or_default()
                }
            };
        let mut ran = None;
        for step in &self.steps {
            let condition = step["if"].as_str();
            assert!(condition.is_none_or(|it| it == "inputs.path == ''"), "{condition:?}");
            if condition.is_some() && !input("path").is_empty() {
                continue;
            }
            assert_eq!(step["shell"].as_str(), Some("bash"));
            let text = step["run"].as_str().unwrap();
            assert!(!text.contains("${{"), "an input could change the script:\n{text}");
            let file = temporary.join("step.sh");
            std::fs::write(&file, text).unwrap();
            let mut bash = Command::new("bash");
            bash.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&file);
            let mut bash = run_like(bash, project);
            bash.env("RUNNER_TEMP", &temporary).env("GITHUB_OUTPUT", &output);
            bash.env("GITHUB_ACTION_PATH", repository());
            for (name, of) in step["env"].as_hash().into_iter().flatten() {
                bash.env(name.as_str().unwrap(), evaluated(of.as_str().unwrap()));
            }
            let folder = step["working-directory"].as_str().map(evaluated);
            bash.current_dir(project.path().join(folder.unwrap_or_default()));
            let ended = Ran::from(bash.output().unwrap());
            let failed = ended.code != Some(0);
            ran = Some(ended);
            if failed {
                break;
            }
        }
        ran.unwrap()
    }
}

#[test]
fn the_action_runs_a_command_in_a_folder_and_ends_as_it_does() {
    let project = staging("rl_action");
    project.write("app/db.toml", "");
    project.write("app/migrations/1_a.sql", "CREATE TABLE a (id bigint PRIMARY KEY);\n");
    let action = Action::read();
    let path = program(&project).display().to_string();
    let run = |command: &str| {
        let with = [("path", path.as_str()), ("working-directory", "app"), ("command", command)];
        action.run(&project, &with)
    };
    run("check").ok().says("1 file: 1 PASS");
    project.write("app/migrations/2_b.sql", "DROP TABLE a;\n");
    run("check --fail-on block").code(1).says("ban-drop-table");
    run("check --deploy").ok().says("Pending      2 migrations");
    // The command is words, and neither a pattern nor a script.
    let refused = run("check $(touch${IFS}made) * ; touch made");
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(!project.path().join("app/made").exists());
    // The one that the page shows.
    let page =
        blocks("GitHub Actions", "yaml").into_iter().find(|it| it.contains("uses: <")).unwrap();
    let step = YamlLoader::load_from_str(&page).unwrap().remove(0).as_vec().unwrap()[0].clone();
    project.git(&["init", "--quiet", "--initial-branch=main"]);
    project.git(&["add", "app"]);
    project.git(&["commit", "--quiet", "--message", "first"]);
    project.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let command = step["with"]["command"].as_str().unwrap();
    run(command).ok();
}

#[test]
fn the_action_builds_the_program_of_its_own_version_once() {
    let mut project = staging("rl_builds");
    // Takes the place of cargo, and installs what was built already.
    let built = program(&project).display().to_string();
    let cargo = "#!/bin/sh\necho \"$*\" >>\"$RUNNER_TEMP/calls\"\n\
                 while [ \"$1\" != --root ]; do shift; done\n\
                 mkdir -p \"$2/bin\" && cp \"$BUILT\" \"$2/bin/cargo-db\"\n";
    let file = project.write("fake/cargo", cargo);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    project.set("PATH", &format!("{}:{path}", project.path().join("fake").display()));
    project.set("BUILT", &built);
    let action = Action::read();
    for _ in 0..2 {
        action.run(&project, &[("command", "check")]).ok().says("file");
    }
    let calls = std::fs::read_to_string(project.path().join("runner/calls")).unwrap();
    let [call] = calls.lines().collect::<Vec<_>>()[..] else { panic!("{calls}") };
    assert!(call.starts_with("install --locked --features ci --root "), "{call}");
    let source = PathBuf::from(call.rsplit(' ').next().unwrap());
    let manifest = std::fs::read_to_string(source.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    assert_eq!(manifest["package"]["name"].as_str(), Some("cargo-db"));
}
