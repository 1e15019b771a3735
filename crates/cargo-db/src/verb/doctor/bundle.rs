//! `--bundle`: what a bug report needs, in one file, without secrets.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::answer::{DoctorReport, ErrorView, StatusReport};
use crate::change::{Workspace, status_of};
use crate::failure::{Failure, Result, RunError};
use crate::migration;
use crate::model::backup::moment;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::verb::doctor::project::{PROFILE, VERSION};
use crate::verb::doctor::redaction::Redaction;
use crate::world::clock::now;
use crate::world::pg::{Purpose, Row, Session};
use crate::world::{edit, process};

/// The content of the file.
#[derive(Serialize)]
struct Bundle<'a> {
    program: ProgramFacts,
    doctor: &'a DoctorReport,
    sets: Vec<BundledSet<'a>>,
}

/// This build, and what it runs on.
#[derive(Serialize)]
struct ProgramFacts {
    version: &'static str,
    profile: &'static str,
    system: &'static str,
    architecture: &'static str,
    kernel: String,
}

/// A set of migrations.
#[derive(Serialize)]
struct BundledSet<'a> {
    set: Option<&'a String>,
    #[serde(flatten)]
    found: Examined<SetFacts>,
}

/// What is known of a set. Only its database knows some of it; that is null if no server runs.
#[derive(Serialize)]
struct SetFacts {
    /// The names of the files.
    migrations: Examined<Vec<String>>,
    server: Option<Examined<BundledServer>>,
    /// As `status --json` shows it, with the settings.
    status: Option<Examined<StatusReport>>,
}

/// The server, with those of its settings that are no secret anywhere.
#[derive(Serialize)]
struct BundledServer {
    version: String,
    settings: Vec<ServerSetting>,
    extensions: Vec<String>,
}

#[derive(Serialize)]
struct ServerSetting {
    name: String,
    value: String,
    unit: String,
    source: String,
}

/// What was examined, or why it could not be.
#[derive(Serialize)]
#[serde(untagged)]
enum Examined<T> {
    Found(T),
    Failed { error: Box<ErrorView> },
}

impl<T> Examined<T> {
    fn failed(failure: &Failure) -> Examined<T> {
        Examined::Failed { error: Box::new(ErrorView::from(failure)) }
    }
}

impl<T> From<Result<T>> for Examined<T> {
    fn from(result: Result<T>) -> Examined<T> {
        result.map_or_else(|failure| Examined::failed(&failure), Examined::Found)
    }
}

/// The file in the current folder that is written if none is named.
pub(super) fn default_name() -> PathBuf {
    PathBuf::from(format!("doctor-{}.json", moment(now())))
}

/// Writes the file, which must not exist yet.
pub(super) fn write<'a>(
    path: &Path,
    workspace: &Workspace,
    sets: &'a [(Option<String>, Result<Workspace>)],
    doctor: &'a DoctorReport,
) -> Result<()> {
    let mut redaction = Redaction::of(workspace)?;
    let of_set = |(set, of_set): &'a (Option<String>, Result<Workspace>)| {
        let found = match of_set {
            Ok(of_set) => Examined::Found(examined(of_set, &mut redaction)),
            Err(failure) => Examined::failed(failure),
        };
        BundledSet { set: set.as_ref(), found }
    };
    let sets = sets.iter().map(of_set).collect();
    let bundle = Bundle { program: program(), doctor, sets };
    let mut document = serde_json::to_value(&bundle).map_err(|error| not_json(&error))?;
    redaction.apply(&mut document["doctor"]);
    redaction.apply(&mut document["sets"]);
    edit::write_new_private(path, &format!("{document:#}\n"))
}

fn not_json(error: &serde_json::Error) -> Failure {
    RunError::Bug { what: format!("the bundle is no JSON: {error}") }.into()
}

fn program() -> ProgramFacts {
    ProgramFacts {
        version: VERSION,
        profile: PROFILE,
        system: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
        kernel: process::kernel(),
    }
}

fn examined(workspace: &Workspace, redaction: &mut Redaction) -> SetFacts {
    let migrations = names(&workspace.settings).into();
    let Some(target) = workspace.target_without_start(&workspace.settings) else {
        return SetFacts { migrations, server: None, status: None };
    };
    redaction.hide_target(&target);
    let server = Some(server(workspace, &target, redaction).into());
    SetFacts { migrations, server, status: Some(status_of(workspace, None).into()) }
}

/// The files of the migrations.
fn names(settings: &Settings) -> Result<Vec<String>> {
    let folder = migration::read_folder(settings)?;
    let files = folder.migrations.iter().flat_map(|one| [Some(&one.up), one.down.as_ref()]);
    let files = files.flatten().map(|file| file.path.as_path());
    let odd = folder.orphans.iter().chain(folder.misnamed.iter().map(|(path, _)| path));
    let all = files.chain(odd.map(PathBuf::as_path));
    Ok(all.map(|path| path.display().to_string()).collect())
}

fn server(
    workspace: &Workspace,
    target: &Target,
    redaction: &mut Redaction,
) -> Result<BundledServer> {
    let mut session = Session::open(&workspace.world, target, Purpose::Read)?;
    let roles = "SELECT rolname AS found FROM pg_roles WHERE rolname !~ '^pg_'";
    for role in session.column("read the names of the roles", roles)? {
        redaction.hide_role(&role);
    }
    let setting = |row: &Row| {
        let text = |column| Ok::<_, Failure>(row.text(column)?.to_owned());
        let (name, value) = (text("name")?, text("value")?);
        Ok(ServerSetting { name, value, unit: text("unit")?, source: text("source")? })
    };
    let settings =
        session.rows("read the settings of the server", include_str!("sql/server.sql"))?;
    let extensions = "SELECT format('%s %s', extname, extversion) AS found \
                      FROM pg_extension ORDER BY 1";
    Ok(BundledServer {
        version: session
            .value("read the server's version", "SELECT version()")?
            .unwrap_or_default(),
        settings: settings.iter().map(setting).collect::<Result<_>>()?,
        extensions: session.column("list the extensions", extensions)?,
    })
}
