//! Settings from invented files and variables: precedence and refusals.

use super::*;
use crate::model::target::Target;

struct Machine {
    flags: Flags,
    process: Vec<(&'static str, &'static str)>,
    files: Vec<(&'static str, &'static str)>,
    /// The owners of files that are not ours.
    owners: Vec<(&'static str, u32)>,
    caller: Caller,
    cwd: &'static str,
}

impl Machine {
    fn new() -> Machine {
        Machine {
            flags: Flags::default(),
            process: vec![("USER", "ada"), ("HOME", "/home/ada")],
            files: vec![],
            owners: vec![],
            caller: Caller { uid: 7, state: Some("/home/ada/state".into()), ..Caller::default() },
            cwd: "/p/crates/a",
        }
    }

    fn owner_of(&self, file: &str) -> FileOwner {
        let other = self.owners.iter().find(|(name, _)| *name == file).map(|(_, uid)| *uid);
        FileOwner { uids: vec![other.unwrap_or(7)], is_file: true, is_private: true }
    }

    fn owned_by(mut self, file: &'static str, uid: u32) -> Machine {
        self.owners.push((file, uid));
        self
    }

    fn at(mut self, cwd: &'static str) -> Machine {
        self.cwd = cwd;
        self
    }

    fn root(&self) -> String {
        self.resolve().unwrap().root.display().to_string()
    }

    fn code(&self) -> &'static str {
        self.resolve().unwrap_err().code()
    }

    fn file(mut self, path: &'static str, text: &'static str) -> Machine {
        self.files.push((path, text));
        self
    }

    fn variable(mut self, name: &'static str, value: &'static str) -> Machine {
        self.process.push((name, value));
        self
    }

    fn resolve(&self) -> Result<Settings> {
        let find = |path: &Path| self.files.iter().find(|(name, _)| Path::new(name) == path);
        Settings::resolve(&Sources {
            flags: self.flags.clone(),
            process: self
                .process
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            cwd: self.cwd.into(),
            read: &|path| Ok(find(path).map(|(_, text)| (*text).to_owned())),
            exists: &|path| self.files.iter().any(|(name, _)| Path::new(name).starts_with(path)),
            owner: &|path| find(path).map(|(name, _)| self.owner_of(name)),
            caller: self.caller.clone(),
            list: &|folder, _| {
                let below = self
                    .files
                    .iter()
                    .filter_map(|(name, _)| Path::new(name).strip_prefix(folder).ok());
                below.map(Path::to_owned).collect()
            },
        })
    }

    fn target(&self) -> Target {
        match self.resolve().unwrap().place.value {
            DatabaseChoice::Named(target) => *target,
            DatabaseChoice::Local { database } => panic!("local {database}"),
        }
    }
}

#[test]
fn flags_beat_the_process_which_beats_the_files() {
    let mut machine = Machine::new()
        .file("/p/db.toml", "[database]\nname = 'x'\n")
        .file("/p/.env", "DATABASE_URL=postgres://a@localhost/from_env\nCARGO_DB_ENV=test\n")
        .file("/p/.env.test", "DATABASE_URL=postgres://a@localhost/from_env_test\n");
    assert_eq!(machine.target().database, "from_env_test");
    machine = machine.variable("DATABASE_URL", "postgres://a@localhost/from_process");
    assert_eq!(machine.target().database, "from_process");
    machine.flags.database_url = Some("postgres://a@localhost/from_flag".into());
    assert_eq!(machine.target().database, "from_flag");
    machine.flags.database_url = None;
    machine.process.pop();
    machine.flags.no_dotenv = true;
    assert!(matches!(machine.resolve().unwrap().place.value, DatabaseChoice::Local { .. }));
}

#[test]
fn how_long_to_wait_concurrently_comes_from_all_of_them() {
    let of = |machine: &Machine| machine.resolve().unwrap().limits.concurrently_timeout;
    let mut machine = Machine::new();
    assert_eq!(of(&machine).value, Duration::from_secs(3600));
    machine = machine.file("/p/db.toml", "[migrate]\nconcurrently-timeout = '4s'\n");
    assert_eq!(of(&machine).value, Duration::from_secs(4));
    machine = machine.file("/p/.env", "CARGO_DB_CONCURRENTLY_TIMEOUT=3s\n");
    assert_eq!(of(&machine).value, Duration::from_secs(3));
    machine = machine.variable("CARGO_DB_CONCURRENTLY_TIMEOUT", "2s");
    assert_eq!(of(&machine).value, Duration::from_secs(2));
    machine.flags.concurrently_timeout = Some(Duration::from_secs(1));
    assert_eq!(of(&machine).value, Duration::from_secs(1));
    machine.flags.concurrently_timeout = None;
    machine = machine.variable("CARGO_DB_CONCURRENTLY_TIMEOUT", "soon");
    assert_eq!(machine.code(), "SETTINGS.VALUE");
}

#[test]
fn a_password_in_a_flag_is_refused() {
    let mut machine = Machine::new();
    machine.flags.database_url = Some("postgres://a:hush@localhost/x".into());
    let error = machine.resolve().unwrap_err();
    assert_eq!(error.code(), "SETTINGS.PASSWORD_IN_FLAG");
    assert!(!error.to_string().contains("hush"));
}

#[test]
fn a_password_in_a_flag_is_refused_before_all_else() {
    // The commands that these failures suggest would repeat the flag.
    let foreign = Machine::new().file("/p/db.toml", "").owned_by("/p/db.toml", 1000);
    let untrusted = Machine::new().file("/p/db.toml", "[server]\nbin = 'pg/bin'\n");
    for (mut machine, code) in [(foreign, "SETTINGS.FOREIGN_OWNER"), (untrusted, "TRUST.MISSING")] {
        machine.flags.database_url = Some("postgres://a@localhost/x".into());
        assert_eq!(machine.code(), code);
        for url in ["postgres://a:hush@localhost/x", "postgres://localhost/x?sslpassword=hush"] {
            machine.flags.database_url = Some(url.into());
            assert_eq!(machine.code(), "SETTINGS.PASSWORD_IN_FLAG", "{url}");
        }
        machine.flags.database_url = Some("postgres://a:hu?sh@localhost/x".into());
        assert_eq!(machine.code(), "SETTINGS.URL");
    }
}

#[test]
fn libpq_variables_and_files_are_understood() {
    let machine = Machine::new()
        .variable("PGHOST", "db.example")
        .variable("PGPORT", "6000")
        .file("/home/ada/.pgpass", "# mine\nother:*:*:*:no\ndb.example:6000:*:ada:a\\:b\n");
    let target = machine.target();
    assert_eq!(target.to_string(), "ada@db.example:6000/ada");
    assert_eq!(target.password.unwrap().expose(), "a:b");

    let service = Machine::new().variable("PGSERVICE", "school").file(
        "/home/ada/.pg_service.conf",
        "[other]\nhost=no\n[school]\nhost=db.school\ndbname=s\n",
    );
    assert_eq!(service.target().to_string(), "ada@db.school:5432/s");
    assert!(Machine::new().variable("PGSERVICE", "gone").resolve().is_err());
}

#[test]
fn malformed_files_are_named_with_their_line() {
    let error = Machine::new()
        .file("/p/db.toml", "")
        .file("/p/.env", "A=1\nB=two words\n")
        .resolve()
        .unwrap_err();
    assert!(error.to_string().contains("/p/.env`, line 2"), "{error}");
    let error =
        Machine::new().file("/p/db.toml", "[migrate]\nlock-timout = '1s'\n").resolve().unwrap_err();
    assert!(error.to_string().contains("db.toml`, line 2"), "{error}");
    assert_eq!(error.hints()[0].label, "did you mean `lock-timeout`?");
    let error = Machine::new()
        .file("/p/db.toml", "[migrate]\nlock-timeout = 'soon'\n")
        .resolve()
        .unwrap_err();
    assert!(error.to_string().contains("migrate.lock-timeout"), "{error}");
}

#[test]
fn a_host_pattern_can_only_raise_the_environment() {
    let machine = Machine::new()
        .file(
            "/p/db.toml",
            "[environments.production]\nhosts = ['*.prod.example']\n\
             [environments.test]\nhosts = ['*']\n",
        )
        .variable("CARGO_DB_ENV", "development")
        .variable("DATABASE_URL", "postgres://a@one.PROD.example/x");
    let resolved = machine.resolve().unwrap().environment;
    assert_eq!(resolved.environment, Environment::Production);
    assert_eq!(resolved.signals.len(), 3);
}

#[test]
fn production_never_falls_back_to_the_local_server() {
    let settings = Machine::new().variable("RUST_ENV", "production").resolve().unwrap();
    assert!(matches!(settings.place.value, DatabaseChoice::Local { .. }));
    assert!(
        !settings.environment.environment.is_disposable(),
        "and whoever asks for the target is refused"
    );
}

#[test]
fn the_test_environment_has_a_database_of_its_own() {
    let place =
        Machine::new().file("/p/db.toml", "").variable("APP_ENV", "test").resolve().unwrap().place;
    assert!(matches!(place.value, DatabaseChoice::Local { database } if database == "p_test"));
}

#[test]
fn settings_come_from_the_repository_and_nothing_above_it() {
    let git = |at| Machine::new().file("/db.toml", "").file("/p/db.toml", "").at(at);
    // A folder, and the file of a worktree.
    for dot_git in [("/p/x/.git/HEAD", "ref: x"), ("/p/x/.git", "gitdir: /y/.git/worktrees/x")] {
        let machine = git("/p/x/crates/a").file(dot_git.0, dot_git.1);
        assert_eq!(machine.root(), "/p/x");
        assert_eq!(machine.file("/p/x/crates/db.toml", "").root(), "/p/x/crates");
    }
    // A `.env` above the repository does not belong to it.
    let machine = git("/p/x").file("/p/x/.git/HEAD", "").file("/p/.env", "DATABASE_URL=mysql://x");
    assert!(matches!(machine.resolve().unwrap().place.value, DatabaseChoice::Local { .. }));

    // Without git: the cargo project, whose workspace may be above the package.
    let cargo = || git("/p/x/crates/a").file("/p/x/crates/a/Cargo.toml", "[package]\n");
    assert_eq!(cargo().root(), "/p/x/crates/a");
    assert_eq!(cargo().file("/p/x/Cargo.toml", "[workspace]\n").root(), "/p/x");
    let both = cargo().file("/p/x/Cargo.toml", "[workspace]\n").file("/p/x/db.toml", "");
    assert_eq!(both.root(), "/p/x");
    // Neither: the nearest `db.toml`, or else the current folder.
    assert_eq!(git("/p/x").root(), "/p");
    assert_eq!(Machine::new().at("/q/x").root(), "/q/x");
}

#[test]
fn a_submodule_is_part_of_a_repository_that_names_it() {
    let module = |toml| {
        Machine::new()
            .at("/p/billing/src")
            .file("/p/.git/HEAD", "")
            .file("/p/billing/.git", "gitdir: ../.git/modules/billing\n")
            .file("/p/db.toml", toml)
    };
    assert_eq!(module("[migrations.billing]\ndir = 'billing/migrations'\n").root(), "/p");
    assert_eq!(module("[seeds]\ndir = './web/../billing'\n").root(), "/p");
    assert_eq!(module("[migrations.web]\ndir = 'web/migrations'\n").root(), "/p/billing");
    let own = module("[migrations]\ndir = 'billing/migrations'\n");
    assert_eq!(own.file("/p/billing/db.toml", "").root(), "/p/billing");
    // A worktree, or a repository that just happens to be there, is not a submodule.
    let other = |git, text| {
        let machine = Machine::new().at("/p/billing").file("/p/.git/HEAD", "").file(git, text);
        machine.file("/p/db.toml", "[migrations]\ndir = 'billing'\n").root()
    };
    assert_eq!(other("/p/billing/.git/HEAD", ""), "/p/billing");
    assert_eq!(other("/p/billing/.git", "gitdir: /p/.git/worktrees/billing"), "/p/billing");
}

#[test]
fn the_settings_of_another_user_are_refused() {
    let files = [("/p/db.toml", ""), ("/p/.env", "A=1"), ("/p/.env.test", "A=1")];
    for (file, _) in files {
        let machine = || {
            let all = Machine::new().variable("CARGO_DB_ENV", "test").owned_by(file, 1000);
            files.iter().fold(all, |machine, (file, text)| machine.file(file, text))
        };
        let failure = machine().resolve().unwrap_err();
        assert_eq!(failure.code(), "SETTINGS.FOREIGN_OWNER", "{file}");
        assert!(failure.to_string().contains(file) && failure.to_string().contains("1000"));
        let line = failure.hints()[0].command.clone().unwrap();
        assert_eq!(line, "export CARGO_DB_TRUST=/p");
        assert!(machine().variable("CARGO_DB_TRUST", "/p").resolve().is_ok());
        assert_eq!(machine().variable("CARGO_DB_TRUST", "/").code(), "SETTINGS.FOREIGN_OWNER");
        // After sudo, the files still belong to the calling user; for other users, SUDO_UID is just
        // a variable.
        let mut sudo = machine().variable("SUDO_UID", "1000");
        assert_eq!(sudo.code(), "SETTINGS.FOREIGN_OWNER");
        sudo.caller.uid = 0;
        assert_eq!(sudo.code(), "SETTINGS.FOREIGN_OWNER", "of user 7");
        sudo.owners = files.iter().map(|(file, _)| (*file, 1000)).collect();
        assert!(sudo.resolve().is_ok(), "root by sudo, and all files of who typed it");
        let root = Machine::new().file("/p/db.toml", "").owned_by("/p/db.toml", 0);
        assert!(root.resolve().is_ok(), "root may do everything anyway");
    }
    let mut named =
        Machine::new().file("/p/crates/a/x.env", "A=1").owned_by("/p/crates/a/x.env", 9);
    named.flags.env_files = vec!["x.env".into()];
    assert!(named.resolve().is_ok(), "what somebody names is meant");
}

const COMMANDS: &str = "[migrations]\nstatus = ['./tool', 'status']\n\
    [migrations.other]\ntool = 'sqlx'\ndir = 'b'\nrunner = 'tool'\napply = ['./up']\n\
    [seeds]\ncommand = \"./seed 'a b'\"\n";

#[test]
fn an_installed_program_runs_what_db_toml_names_only_where_it_is_trusted() {
    let machine = || Machine::new().file("/p/db.toml", COMMANDS);
    let settings = machine().resolve().unwrap();
    let failure = settings.migrations.commands.to_run().unwrap_err();
    assert_eq!(failure.code(), "TRUST.MISSING");
    assert_eq!(
        failure.why(),
        [
            "migrations.status: ./tool status",
            "migrations.other.apply: ./up",
            "seeds.command: ./seed 'a b'"
        ]
    );
    assert!(settings.seeds.command.to_run_if_any().is_err());
    let trusted = |machine: Machine| {
        let settings = machine.resolve().unwrap();
        assert_eq!(
            settings.seeds.command.to_run_if_any().is_ok(),
            settings.migrations.commands.to_run().is_ok()
        );
        settings.trust.permits().is_ok()
    };
    assert!(trusted(machine().variable("CARGO_DB_TRUST", "/p")));
    for other in ["/", "/p/crates/a", "1", "p", "/p/../q"] {
        assert!(!trusted(machine().variable("CARGO_DB_TRUST", other)), "{other}");
    }
    // A file of the repository says nothing about itself.
    assert!(!trusted(machine().file("/p/.env", "CARGO_DB_TRUST=/p\nXDG_STATE_HOME=/p\n")));
}

#[test]
fn a_program_that_was_built_here_is_trusted_here() {
    let built = |manifest: Option<&'static str>| {
        let mut machine = Machine::new().file("/p/.git/HEAD", "").file("/p/db.toml", COMMANDS);
        machine.caller.program = Program::Built;
        let machine = machine.file("/q/.git/HEAD", "");
        let machine = match manifest {
            Some(manifest) => machine.variable("CARGO_MANIFEST_DIR", manifest),
            None => machine,
        };
        machine.resolve().unwrap().trust.permits().is_ok()
    };
    assert!(built(None) && built(Some("/p/xtask")));
    assert!(!built(Some("/q/xtask")), "it was built from another repository");
    // No variable makes an installed program a built one.
    let mut installed = Machine::new().file("/p/db.toml", COMMANDS);
    installed = installed.variable("CARGO_MANIFEST_DIR", "/p/xtask").variable("CARGO", "cargo");
    assert!(installed.resolve().unwrap().trust.permits().is_err());
}

#[test]
fn trust_covers_these_commands_in_this_folder() {
    let machine = |toml| Machine::new().file("/p/db.toml", toml);
    let id = machine(COMMANDS).resolve().unwrap().trust.id();
    let word = |id: &str| -> &'static str {
        let text = format!("{{\"root\":\"/p\",\"id\":\"{id}\",\"commands\":[],\"given\":\"\"}}");
        Box::leak(text.into_boxed_str())
    };
    let path = machine(COMMANDS).resolve().unwrap().trust.record.clone().unwrap();
    assert!(path.starts_with("/home/ada/state/trust"));
    let path: &'static str = Box::leak(path.display().to_string().into_boxed_str());
    let basis = |machine: Machine| machine.resolve().unwrap().trust.basis;
    assert_eq!(basis(machine(COMMANDS).file(path, word(&id))), TrustBasis::Given);
    let changed: &'static str = Box::leak(COMMANDS.replace("'./up'", "'./down'").into_boxed_str());
    assert_eq!(basis(machine(changed).file(path, word(&id))), TrustBasis::Outdated);
    assert_eq!(basis(machine(COMMANDS)), TrustBasis::Nothing);
    // Records of other users do not count.
    let forged = machine(COMMANDS).file(path, word(&id)).owned_by(path, 1000);
    assert_eq!(forged.code(), "FILE.FAILED");
    // Trusting a repository accepts its settings, whoever owns them.
    let foreign = machine("").file(path, word("x")).owned_by("/p/db.toml", 1000);
    assert!(foreign.resolve().is_ok());
}

#[test]
fn programs_of_postgresql_in_the_repository_are_commands_too() {
    for bin in ["pg/bin", "/p/pg/bin", "../p/pg"] {
        let toml: &'static str = Box::leak(format!("[server]\nbin = '{bin}'\n").into_boxed_str());
        let machine = || Machine::new().file("/p/db.toml", toml);
        assert_eq!(machine().code(), "TRUST.MISSING", "{bin}");
        assert!(machine().variable("CARGO_DB_TRUST", "/p").resolve().is_ok());
    }
    let dotenv = Machine::new().file("/p/db.toml", "").file("/p/.env", "CARGO_DB_PG_BIN=/p/bin\n");
    assert_eq!(dotenv.code(), "TRUST.MISSING");
    let elsewhere = Machine::new().file("/p/db.toml", "[server]\nbin = '/usr/lib/pg'\n");
    assert!(elsewhere.resolve().is_ok());
    let strange = Machine::new()
        .file("/p/db.toml", "[server]\nbin = '/tmp/pg'\n")
        .file("/tmp/pg", "")
        .owned_by("/tmp/pg", 1000);
    assert_eq!(strange.code(), "TRUST.MISSING");
    let process = Machine::new().file("/p/db.toml", "").variable("CARGO_DB_PG_BIN", "/p/bin");
    assert!(process.resolve().is_ok(), "the user said so");
}

#[test]
fn a_url_is_read_exactly_or_an_error_with_its_line() {
    let env = |line: &str| -> Machine {
        let text: &'static str = Box::leak(format!("A=1\n{line}\n").into_boxed_str());
        Machine::new().file("/p/db.toml", "").file("/p/.env", text)
    };
    for line in [
        "DATABASE_URL=\"postgres://u:hush@h/d\n\"",
        "DATABASE_URL='postgres://u:hush@h/d '",
        "DATABASE_URL=postgres://u:hush@h/${DBNAME}",
        "DATABASE_URL=${SECRET_URL}",
        "PGDATABASE='d '",
        "CARGO_DB_ENV=$STAGE",
    ] {
        let error = env(line).resolve().unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains(".env"), "{line}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }
    assert!(env("UNREAD=${NOTHING}").resolve().is_ok(), "nobody reads it");
    assert_eq!(
        env("B=d\nDATABASE_URL=postgres://u@h/$B").target().database,
        "d",
        "a value that is set takes its place"
    );
    let stronger = env("DATABASE_URL=${NOTHING}").variable("DATABASE_URL", "postgres://u@h/d");
    assert_eq!(stronger.target().database, "d");
    for value in ["postgres://u@h/d\n", " postgres://u@h/d", "postgres://u@h/d\u{200b}"] {
        let error = Machine::new().variable("DATABASE_URL", value).resolve().unwrap_err();
        assert_eq!(error.code(), "SETTINGS.URL", "{value:?}");
    }
    for name in ["PGHOST", "PGDATABASE", "PGUSER"] {
        let stray = Machine::new().variable("PGPORT", "1").variable(name, "x\n");
        assert_eq!(stray.code(), "SETTINGS.VALUE", "{name}");
    }
}

#[test]
fn a_host_pattern_means_every_spelling_of_the_host() {
    let of = |url: &'static str, pattern: &str| {
        let toml = format!("[environments.production]\nhosts = ['{pattern}']\n");
        Machine::new()
            .file("/p/db.toml", Box::leak(toml.into_boxed_str()))
            .variable("CARGO_DB_ENV", "development")
            .variable("DATABASE_URL", url)
            .resolve()
            .unwrap()
            .environment
            .environment
    };
    for url in [
        "postgres://a@localhost/x",
        "postgres://a@LOCALHOST./x",
        "postgres://a@127.1/x",
        "postgres://a@2130706433/x",
        "postgres://a@[0:0:0:0:0:0:0:1]/x",
        "postgres://a@[::ffff:127.0.0.1]/x",
        "postgres:///x?host=/run/postgresql",
        "postgres://%2Frun%2Fpostgresql/x",
    ] {
        for pattern in ["localhost", "127.0.0.1", "::1", "[::1]", "127.0.0.2"] {
            assert_eq!(of(url, pattern), Environment::Production, "{url} {pattern}");
        }
        assert_eq!(of(url, "*.prod.example"), Environment::Development, "{url}");
    }
    assert_eq!(of("postgres://a@db.prod.example./x", "*.prod.example"), Environment::Production);
}
