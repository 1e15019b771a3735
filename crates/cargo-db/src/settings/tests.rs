//! Settings from made-up files and variables: what wins, and what is refused.

use super::*;
use crate::model::target::Target;

struct Machine {
    flags: Flags,
    process: Vec<(&'static str, &'static str)>,
    files: Vec<(&'static str, &'static str)>,
}

impl Machine {
    fn new() -> Machine {
        Machine {
            flags: Flags::default(),
            process: vec![("USER", "ada"), ("HOME", "/home/ada")],
            files: vec![],
        }
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
            cwd: "/p/crates/a".into(),
            read: &|path| Ok(find(path).map(|(_, text)| (*text).to_owned())),
            exists: &|path| self.files.iter().any(|(name, _)| Path::new(name).starts_with(path)),
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
            Place::Named(target) => *target,
            Place::Local { database } => panic!("local {database}"),
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
    assert!(matches!(machine.resolve().unwrap().place.value, Place::Local { .. }));
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
    assert!(matches!(settings.place.value, Place::Local { .. }));
    assert!(
        !settings.environment.environment.is_disposable(),
        "and whoever asks for the target is refused"
    );
}

#[test]
fn the_test_environment_has_a_database_of_its_own() {
    let place =
        Machine::new().file("/p/db.toml", "").variable("APP_ENV", "test").resolve().unwrap().place;
    assert!(matches!(place.value, Place::Local { database } if database == "p_test"));
}
