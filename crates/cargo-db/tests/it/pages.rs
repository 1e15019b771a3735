//! The pages show what really happens: every console block of the README and of `docs` runs, and
//! prints the output that the page shows. The picture in the README is of a real run.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use snapbox::{Assert, Data, IntoData, data::DataFormat};

use crate::support::keys::PUBLIC_KEY;
use crate::support::settle::settled;
use crate::support::{Project, Ran, cluster, repository};

/// Pages that are read from beginning to end: their blocks run one after another in one project,
/// including the `sh` blocks, which write files.
const IN_ORDER: [&str; 3] = ["tutorial.md", "production.md", "hooks.md"];
/// The same without their `sh` blocks.
const CONSOLE_IN_ORDER: [&str; 1] = ["approval.md"];

/// A block of a page: its commands, and the output that the page shows below them.
struct Block {
    page: String,
    line: usize,
    typed: Vec<Typed>,
}

struct Typed {
    command: String,
    output: Vec<String>,
}

fn pages() -> Vec<PathBuf> {
    let root = repository();
    let docs = glob::glob(&format!("{}/docs/*.md", root.display())).unwrap().flatten();
    docs.chain([root.join("README.md"), root.join("CONTRIBUTING.md")]).collect()
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let page = page.file_name().unwrap().to_str().unwrap().to_owned();
        let in_order = IN_ORDER.contains(&page.as_str());
        let is_one = in_order || CONSOLE_IN_ORDER.contains(&page.as_str());
        let mut inside = None;
        for (at, line) in text.lines().enumerate() {
            match (inside, line) {
                (None, "```console" | "```sh") if line == "```console" || in_order => {
                    inside = Some(line);
                    let follows = is_one && blocks.last().is_some_and(|last| last.page == page);
                    if !follows {
                        blocks.push(Block { page: page.clone(), line: at + 2, typed: Vec::new() });
                    }
                    if line == "```sh" {
                        blocks.last_mut().unwrap().add("$ :");
                    }
                }
                (Some(_), "```") => inside = None,
                (Some("```sh"), line) => blocks.last_mut().unwrap().go_on(line),
                (Some(_), line) => blocks.last_mut().unwrap().add(line),
                (None, _) => {}
            }
        }
    }
    blocks
}

impl Block {
    fn add(&mut self, line: &str) {
        if let Some(command) = line.strip_prefix("$ ") {
            self.typed.push(Typed { command: expecting(command), output: Vec::new() });
            return;
        }
        let typed = self.typed.last_mut().expect("a block begins with a command");
        match typed.command.ends_with('\\') && typed.output.is_empty() {
            true => write!(typed.command, "\n{line}").unwrap(),
            false => typed.output.push(line.to_owned()),
        }
    }

    /// Adds a line to the last command.
    fn go_on(&mut self, line: &str) {
        let typed = self.typed.last_mut().expect("a block begins with a command");
        write!(typed.command, "\n{}", expecting(line)).unwrap();
    }

    /// Whether the block is for contributors only. It is skipped here, because `scripts/test`
    /// covers it.
    fn is_of_contributors(&self) -> bool {
        let of_scripts = |typed: &Typed| {
            let first = typed.command.split_whitespace().next().unwrap_or_default();
            first.starts_with("scripts/") && repository().join(first).is_file()
        };
        let of_cargo = |typed: &Typed| {
            let others = ["cargo test ", "cargo install ", "cargo run ", "git clone ", "cd "];
            others.iter().chain(&["git submodule add "]).any(|one| typed.command.starts_with(one))
        };
        self.typed.iter().all(|typed| of_scripts(typed) || of_cargo(typed))
    }
}

/// If the comment of a command names an exit code, the command must end with it. A command that
/// needs a person at a terminal must fail, because the test has no terminal.
fn expecting(command: &str) -> String {
    if command.contains("a person at a terminal") {
        return format!("! {command}");
    }
    let Some((typed, said)) = command.split_once("# exit code ") else {
        return command.to_owned();
    };
    let code: String = said.chars().take_while(char::is_ascii_digit).collect();
    format!("code=0; {} || code=$?; [ $code = {code} ]", typed.trim_end())
}

/// `cargo db` as the alias runs it, with every prompt confirmed. The plan ids on the pages are
/// invented; the real ones replace them, and the newest kept plan the one that is applied.
const SHELL: &str = r#"
set -e
cargo() {
    shift
    local words=() flags=() word
    while [ $# -gt 0 ]; do
        case $1 in
        --plan | --confirm | --lose-at-most) flags+=("$1" "$2"); shift 2 ;;
        *) words+=("$1"); shift ;;
        esac
    done
    case ${words[0]} in
    apply | approve) words[1]=$(basename "$(ls -t .db/plans/*.json | head -1)" .json) ;;
    esac
    case " ${flags[*]} " in
    *" --plan "*)
        local plan
        plan=$("$PROGRAM" "${words[@]}" --dry-run --json | grep -o '"id": *"[0-9a-f]*"' | head -1)
        plan=${plan%\"}
        for word in "${!flags[@]}"; do
            [ "${flags[$word]}" = --plan ] && flags[word + 1]=${plan##*\"}
        done
        ;;
    esac
    "$PROGRAM" "${words[@]}" "${flags[@]}" --yes 2>&1
}
git() { command git "$@" 2>&1; }
"#;

/// The demo school with its rows, in a repository with a branch.
fn school(name: &str) -> Project {
    let project = Project::without_database(name);
    project.copy_the_demo();
    project.write(".gitignore", "/.db\n/backups\n");
    project.db(&["migrate", "--quiet"]).ok();
    project.db(&["seed", "--quiet"]).ok();
    project.git(&["init", "--quiet", "--initial-branch=main"]);
    project.git(&["add", "."]);
    project.git(&["commit", "--quiet", "--message", "school"]);
    project
}

/// The text without its numbers, ids and times, which differ between runs.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for word in text.split_whitespace() {
        let word = word.trim_end_matches(',');
        // A value for one of several sets follows the name of the set.
        let (set, value) = word.rsplit_once('=').unwrap_or(("", word));
        // A path ends with the id of a kept plan.
        let value = value.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
        let is_id = value.trim_matches('`').len() == 32;
        let digits = word.chars().any(|one| one.is_ascii_digit());
        let marks = |one: char| one.is_ascii_digit() || ",.:-TZ".contains(one);
        let word = match () {
            () if is_id => format!("{set}#"),
            () if digits => word.replace(marks, ""),
            () => word.to_owned(),
        };
        write!(shape, "{word} ").unwrap();
    }
    shape
}

/// Runs a block in one shell, and compares what each of its commands prints.
fn run(block: &Block, project: &Project) {
    let mut script = SHELL.to_owned();
    for (at, typed) in block.typed.iter().enumerate() {
        write!(script, "echo \"<{at}>\"\n{}\n", typed.command).unwrap();
    }
    let like = project.command(&[]);
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(project.path()).env_clear();
    shell.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = shell
        .env("PROGRAM", like.get_program())
        .env("COLUMNS", "120")
        .env("EDITOR", "./editor")
        .output()
        .unwrap();
    let place = format!("{}:{}", block.page, block.line);
    let printed = String::from_utf8(ran.stdout).unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{place}\n{printed}\n{errors}");
    for (at, typed) in block.typed.iter().enumerate() {
        let (_, after) = printed.split_once(&format!("<{at}>\n")).unwrap();
        let printed = shape(after.split(&format!("<{}>\n", at + 1)).next().unwrap());
        for line in typed.output.iter().filter(|line| !line.trim().is_empty()) {
            assert!(printed.contains(&shape(line)), "{place}: {line}\nis not in\n{after}");
        }
    }
}

/// The project in which a block runs: the demo school, unless its page describes another one.
fn project_of(block: &Block, name: &str) -> Project {
    let project = match block.page.as_str() {
        "rehearsal.md" if block.typed[0].command.contains("cargo db rehearse") => notes(name),
        "policy.md" if block.typed[0].command.contains("rollback") => users(name),
        "schema.md" | "generate.md" => {
            let project = school(name);
            let file = "[schema]\nfile = \"schema.sql\"\n";
            project.write("db.toml", &format!("[database]\nname = \"school\"\n\n{file}"));
            project
        }
        "approval.md" => {
            let project = school(name);
            project.migration("20990101000000_fresh.up.sql", "CREATE TABLE fresh (id bigint);\n");
            project
        }
        "hooks.md" => {
            let project = school(name);
            project.git(&["config", "user.name", "T"]);
            project.git(&["config", "user.email", "t@example.com"]);
            project
        }
        "tools.md" => two_sets(name),
        "tutorial.md" => Project::without_database(name),
        _ => school(name),
    };
    project.write("new.sql", "CREATE TABLE fresh (id bigint PRIMARY KEY);\n");
    let editor = project.write("editor", EDITOR);
    std::fs::set_permissions(&editor, PermissionsExt::from_mode(0o755)).unwrap();
    project
}

/// Takes the place of an editor, and writes SQL into the files of a new migration.
const EDITOR: &str = "#!/bin/sh
for file; do
    case $file in
    *.up.sql) echo 'CREATE TABLE ratings (id bigint PRIMARY KEY, stars int NOT NULL);' >\"$file\" ;;
    *.down.sql) echo 'DROP TABLE ratings;' >\"$file\" ;;
    esac
done
";

/// 18,000 notes, and a pending migration that drops them.
fn notes(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql("CREATE TABLE users (id int PRIMARY KEY, note text)");
    project.run_sql("INSERT INTO users SELECT n, 'n' FROM generate_series(1, 18000) n");
    project.migration("20260301090000_drop_note.up.sql", "ALTER TABLE users DROP COLUMN note;\n");
    project.migration(
        "20260301090000_drop_note.down.sql",
        "ALTER TABLE users ADD COLUMN note text;\n",
    );
    project.migration("20260301100000_add_extra.up.sql", "ALTER TABLE users ADD extra int;\n");
    project.migration("20260301100000_add_extra.down.sql", "ALTER TABLE users DROP extra;\n");
    project
}

/// Two sets in one database, each with a pending migration.
fn two_sets(name: &str) -> Project {
    let project = Project::new(name);
    let mut toml = String::new();
    for set in ["api", "web"] {
        write!(toml, "[migrations.{set}]\ntool = \"sqlx\"\ndir = \"{set}\"\n").unwrap();
        writeln!(toml, "table = \"applied_{set}\"").unwrap();
        project.write(&format!("{set}/1_{set}.sql"), &format!("CREATE TABLE {set} (id int);\n"));
    }
    project.write("db.toml", &toml);
    let key = ["env", "key", "add", PUBLIC_KEY, "--env", "test", "--yes", "--set", "api"];
    project.db(&key).ok();
    project
}

/// 1,200 users, made by the newest migration.
fn users(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_a.up.sql", "CREATE TABLE a (id int PRIMARY KEY);\n");
    project.migration("1_a.down.sql", "DROP TABLE a;\n");
    project.migration("2_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY);\n");
    project.migration("2_users.down.sql", "DROP TABLE users;\n");
    project.db(&["migrate", "--quiet"]).ok();
    project.run_sql("INSERT INTO users SELECT generate_series(1, 1200)");
    project
}

#[test]
fn every_console_block_does_what_it_shows() {
    let blocks: Vec<Block> =
        blocks().into_iter().filter(|block| !block.is_of_contributors()).collect();
    assert!(blocks.len() > 8, "the pages have console blocks");
    for block in &blocks {
        // All pages name the database `school`, so the blocks run one at a time.
        cluster().run("postgres", "DROP DATABASE IF EXISTS school WITH (FORCE)");
        let mut project = project_of(block, "school");
        // Pages create a key with `key new`, so none is set beforehand.
        project.set("CARGO_DB_SIGNING_KEY", "");
        run(block, &project);
    }
}

/// The commands of the pipelines on a page: of the shell, of GitHub Actions and of GitLab.
fn pipelines(page: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(repository().join("docs").join(page)).unwrap();
    // A deployment needs a rehearsal elsewhere: `production.md` has both.
    let (text, _) = text.split_once("\n## A deployment").unwrap();
    let blocks = text.split("\n```").skip(1).step_by(2);
    let command = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ");
        let line = line.strip_prefix("run: ").unwrap_or(line).to_owned();
        let is_command = ["cargo ", "export ", "gh "].iter().any(|word| line.starts_with(word));
        is_command.then_some(line)
    };
    let commands = |block: &str| block.lines().skip(1).filter_map(command).collect::<Vec<_>>();
    let of_shell = |block: &&str| block.starts_with("sh\n") || block.starts_with("yaml\n");
    blocks.filter(of_shell).map(commands).collect()
}

/// `cargo db` without prompts, and GitHub's program, which posts a file that exists.
const PIPELINE: &str = r#"
set -e
cargo() { [ "$1" != db ] || { shift; "$PROGRAM" "$@"; }; }
gh() { [ "$*" = "pr comment 7 --edit-last --create-if-none --body-file ${!#}" ] && cat "${!#}"; }
export CI=true GITHUB_ACTIONS=true PR=7 CI_DEFAULT_BRANCH=main CARGO_DB_ENV=test
"#;

#[test]
fn the_pipelines_on_the_page_pass() {
    let pipelines = pipelines("ci.md");
    assert!(pipelines.len() >= 5, "{pipelines:?}");
    for (at, lines) in pipelines.into_iter().enumerate() {
        let project = school(&format!("school_ci_{at}"));
        project.write("db.toml", "[schema]\nfile = \"schema.sql\"\n");
        project.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        let fresh = "CREATE TABLE fresh (id bigint PRIMARY KEY);\n";
        project.migration("20990101000000_fresh.up.sql", fresh);
        project.migration("20990101000000_fresh.down.sql", "DROP TABLE fresh;\n");
        project.db(&["schema", "dump", "--quiet"]).ok();
        let is_built = |line: &String| {
            cfg!(feature = "ci") || !line.contains("sarif") && !line.contains("junit")
        };
        let lines: Vec<String> = lines.into_iter().filter(is_built).collect();
        let like = project.command(&[]);
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("{PIPELINE}{}", lines.join("\n"))]).env_clear();
        shell.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(project.path()).env("PROGRAM", like.get_program());
        let ran = Ran::from(shell.output().unwrap());
        assert_eq!(ran.code, Some(0), "{lines:?}\n{ran}");
    }
}

/// The commands that the picture shows, in order.
const SCENE: [&[&str]; 3] =
    [&["rehearse", "--quiet"], &["rollback", "--dry-run"], &["backup", "--quiet"]];

/// `SNAPSHOTS=overwrite cargo test` renders it again.
#[test]
fn the_picture_is_of_a_real_run() {
    cluster().run("postgres", "DROP DATABASE IF EXISTS school_picture WITH (FORCE)");
    let project = notes("school_picture");
    project.migration("20260201090000_add_team.up.sql", "ALTER TABLE users ADD team int;\n");
    project.migration("20260201090000_add_team.down.sql", "ALTER TABLE users DROP team;\n");
    project.db(&["migrate", "--to", "20260201090000", "--quiet"]).ok();
    project.run_sql("UPDATE users SET team = 1");
    let place = format!("{}:{}", cluster().folder.display(), cluster().port);
    let mut text = String::new();
    for arguments in SCENE {
        let ran = project.command(arguments).env("CLICOLOR_FORCE", "1").output().unwrap();
        let printed = [ran.stdout, ran.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        let printed = settled(&printed.replace(&place, "localhost"));
        writeln!(text, "\x1b[1m$ cargo db {}\x1b[0m\n{printed}", arguments.join(" ")).unwrap();
    }
    let svg = text.into_data().coerce_to(DataFormat::TermSvg);
    let path = repository().join("docs/picture.term.svg");
    Assert::new().action_env("SNAPSHOTS").eq(svg, Data::read_from(&path, None));
}
