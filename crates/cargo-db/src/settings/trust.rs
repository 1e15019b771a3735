//! Trust: a person's confirmation that the programs named by a repository may run. An installed
//! `cargo-db` runs none of them without it. An `xtask` is built from the repository, which implies
//! trust.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::digest::{Context, SHA256};

use crate::failure::{ConsentError, Result, SettingsError};
use crate::model::hex::to_hex;
use crate::model::path::without_dots;
use crate::settings::file::{AFTER_MIGRATE, DbToml, NOTIFY_COMMAND, NOTIFY_WEBHOOK};
use crate::settings::root::repository;
use crate::settings::source::{Origin, Program, Setting, Sources};
use crate::settings::trusted::{is_in_variable, is_other_user, record_of, recorded};

/// A program that the repository names, and the setting that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedProgram {
    setting: String,
    words: Vec<String>,
}

/// The basis on which a repository's programs may run, if they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustBasis {
    /// The program that runs was built from it.
    Built,
    /// `CARGO_DB_TRUST` lists it.
    Variable,
    /// Somebody said so with `cargo db trust`.
    Given,
    /// Somebody said so of other programs.
    Outdated,
    Nothing,
}

/// Whether the programs of a repository may run.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    pub(crate) root: PathBuf,
    pub(crate) programs: Vec<NamedProgram>,
    pub(crate) basis: TrustBasis,
    /// The file in which a person's trust is stored, if there is a place for it.
    pub(crate) record: Option<PathBuf>,
    /// Whether there are settings of another user.
    pub(crate) foreign: bool,
    /// Whether programs that any verb may run are among them: PostgreSQL's own.
    pub(super) needs_it_at_once: bool,
}

/// Something that is only handed out where the repository is trusted.
#[derive(Clone, Debug)]
pub(crate) struct Guarded<T> {
    value: T,
    trust: Option<Arc<Trust>>,
}

impl<T> Guarded<T> {
    /// Nobody gets it until it is known who is trusted.
    pub(super) fn new(value: T) -> Guarded<T> {
        Guarded { value, trust: None }
    }

    /// The same, released only if this trust allows it.
    pub(super) fn by(self, trust: &Arc<Trust>) -> Guarded<T> {
        Guarded { trust: Some(Arc::clone(trust)), ..self }
    }

    /// The value for display, not for running.
    pub(crate) fn shown(&self) -> &T {
        &self.value
    }

    /// The value for running. Fails if the repository is not trusted.
    pub(crate) fn to_run(&self) -> Result<&T> {
        match &self.trust {
            Some(trust) => trust.permits().map(|()| &self.value),
            None => {
                Err(SettingsError::Usage { what: "this repository is not trusted yet".to_owned() }
                    .into())
            }
        }
    }
}

impl Guarded<Vec<String>> {
    /// The words of a command to run, or none if there is no command.
    pub(crate) fn to_run_if_any(&self) -> Result<Vec<String>> {
        if self.value.is_empty() { Ok(Vec::new()) } else { self.to_run().cloned() }
    }
}

impl fmt::Display for NamedProgram {
    /// As shown to the person who decides about it: escaped, so that nothing can move the cursor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("{}: {}", self.setting, shell_words::join(&self.words));
        for c in line.chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        Ok(())
    }
}

impl Trust {
    /// Collects what a repository configures, and who has trusted it.
    pub(super) fn of(
        sources: &Sources<'_>,
        toml: &DbToml,
        root: &Path,
        pg_bin: Option<&Setting<PathBuf>>,
    ) -> Result<Trust> {
        let mut programs = named_by(toml)?;
        let pg_bin = pg_bin.filter(|bin| is_of_repository(sources, root, bin));
        programs.extend(pg_bin.map(|bin| {
            let words = vec![bin.value.display().to_string()];
            NamedProgram { setting: bin.origin.to_string(), words }
        }));
        let mut trust = Trust {
            root: root.to_owned(),
            programs,
            basis: TrustBasis::Nothing,
            needs_it_at_once: pg_bin.is_some(),
            record: record_of(sources, root),
            foreign: (sources.owner)(&root.join("db.toml"))
                .is_some_and(|owner| owner.uids.iter().any(|uid| is_other_user(sources, *uid))),
        };
        trust.basis = trust.basis_for(sources)?;
        Ok(trust)
    }

    fn basis_for(&self, sources: &Sources<'_>) -> Result<TrustBasis> {
        if sources.caller.program == Program::Built && is_built_from(sources, &self.root) {
            return Ok(TrustBasis::Built);
        }
        if is_in_variable(sources, &self.root) {
            return Ok(TrustBasis::Variable);
        }
        Ok(match recorded(sources, &self.root)? {
            Some(record) if record.id == self.id() => TrustBasis::Given,
            Some(_) => TrustBasis::Outdated,
            None => TrustBasis::Nothing,
        })
    }

    /// Fails if nobody has trusted the programs.
    pub(crate) fn permits(&self) -> Result<()> {
        match self.basis {
            TrustBasis::Built | TrustBasis::Variable | TrustBasis::Given => Ok(()),
            TrustBasis::Outdated | TrustBasis::Nothing => Err(ConsentError::Untrusted {
                root: self.root.clone(),
                commands: self.commands(),
                changed: self.basis == TrustBasis::Outdated,
            }
            .into()),
        }
    }

    /// All programs, to be read.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.programs.iter().map(ToString::to_string).collect()
    }

    /// The digest of the root and all programs: any change gives another id.
    pub(crate) fn id(&self) -> String {
        let mut digest = Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            digest.update(&(bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        add(self.root.as_os_str().as_encoded_bytes());
        for NamedProgram { setting, words } in &self.programs {
            add(setting.as_bytes());
            add(&(words.len() as u64).to_le_bytes());
            words.iter().for_each(|word| add(word.as_bytes()));
        }
        to_hex(digest.finish().as_ref())
    }
}

/// Whether the running `xtask` belongs to the repository. Cargo reports its package; that
/// information can only remove trust.
fn is_built_from(sources: &Sources<'_>, root: &Path) -> bool {
    let Some(manifest) = sources.process.get("CARGO_MANIFEST_DIR").map(Path::new) else {
        return true;
    };
    match repository(sources, root) {
        Some(own) => repository(sources, manifest) == Some(own),
        None => manifest.starts_with(root),
    }
}

/// Every program that a `db.toml` names but PostgreSQL's own, and the receiver of notifications.
fn named_by(toml: &DbToml) -> Result<Vec<NamedProgram>> {
    let own = std::iter::once(("migrations".to_owned(), &toml.migrations));
    let sets = toml.migrations.sets.iter().map(|(name, set)| (format!("migrations.{name}"), set));
    let mut programs = Vec::new();
    for (table, migrations) in own.chain(sets) {
        for (key, words) in migrations.commands() {
            programs.push(NamedProgram { setting: format!("{table}.{key}"), words });
        }
    }
    for (setting, command) in
        [("seeds.command", &toml.seeds.command), (NOTIFY_COMMAND, &toml.notify.command)]
    {
        let Some(command) = command else { continue };
        programs.push(NamedProgram { words: command.words(setting)?, setting: setting.to_owned() });
    }
    for step in &toml.hooks.after_migrate {
        programs.push(NamedProgram { words: step.words()?, setting: AFTER_MIGRATE.to_owned() });
    }
    if let Some(variable) = &toml.notify.webhook {
        let (setting, words) = (NOTIFY_WEBHOOK.to_owned(), vec![variable.clone()]);
        programs.push(NamedProgram { setting, words });
    }
    Ok(programs)
}

/// Whether PostgreSQL's programs belong to the repository or to another user: then they need trust
/// like a command. A folder from the process environment was chosen by the user.
fn is_of_repository(sources: &Sources<'_>, root: &Path, bin: &Setting<PathBuf>) -> bool {
    if matches!(bin.origin, Origin::Process(_)) {
        return false;
    }
    let folder = without_dots(&root.join(&bin.value));
    let owner = (sources.owner)(&folder);
    folder.starts_with(root)
        || owner.is_some_and(|owner| owner.uids.iter().any(|uid| is_other_user(sources, *uid)))
}
