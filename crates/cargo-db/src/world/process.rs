//! Other programs, and what we are ourselves to the operating system. No other module starts a
//! process. Arguments never hold a secret: those go through the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal};

use crate::failure::{BackupError, CausedBy, DumpError, Failure, Result};
use crate::model::key::VARIABLE;
use crate::model::target::{Secret, Target};
use crate::world::World;

/// The process environment, read once. What is not UTF-8 cannot be a setting.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Another user of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Whether we may do everything here.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Our own number.
pub(crate) fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Our name, as the operating system knows it.
pub(crate) fn user_name() -> String {
    let text =
        super::files::read_if_there(Path::new("/etc/passwd")).ok().flatten().unwrap_or_default();
    let own = uid().to_string();
    let line = text.lines().find(|line| line.split(':').nth(2) == Some(own.as_str()));
    line.and_then(|line| line.split(':').next()).map_or(own.clone(), str::to_owned)
}

/// The user's state folder (XDG Base Directory Specification). Relative paths are ignored.
pub(crate) fn state_folder(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    folder_of_user(environment, "XDG_STATE_HOME", ".local/state")
}

/// Where this user's programs keep what the user settled, in the same way.
pub(crate) fn config_folder(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    folder_of_user(environment, "XDG_CONFIG_HOME", ".config")
}

/// The folder of cargo db: below the one that a variable names, or below `in_home` in the user's
/// home.
fn folder_of_user(
    environment: &BTreeMap<String, String>,
    variable: &str,
    in_home: &str,
) -> Option<PathBuf> {
    let named =
        |name| Some(PathBuf::from(environment.get(name)?)).filter(|path| path.is_absolute());
    let home = || named("HOME").or_else(home_of_user);
    Some(named(variable).or_else(|| Some(home()?.join(in_home)))?.join("cargo-db"))
}

fn home_of_user() -> Option<PathBuf> {
    let text = super::files::read_if_there(Path::new("/etc/passwd")).ok()??;
    let own = uid().to_string();
    let line = text.lines().find(|line| line.split(':').nth(2) == Some(own.as_str()))?;
    line.split(':').nth(5).map(PathBuf::from).filter(|folder| folder.is_absolute())
}

/// The number of this process.
pub(crate) fn id() -> u32 {
    std::process::id()
}

/// What this machine is called.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The release of the kernel: `6.1.0-18-amd64`.
pub(crate) fn kernel() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// Looks a user up in `/etc/passwd`.
pub(crate) fn user(name: &str) -> Option<User> {
    let text = super::files::read_if_there(Path::new("/etc/passwd")).ok()??;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    Some(User { uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? })
}

/// A program of PostgreSQL's own: without our `PG*` variables, in the C locale, and as another
/// user where we are root, because it refuses to run as root.
fn server_program(program: &Path, folder: &Path, user: Option<User>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C").env_remove(VARIABLE).stdin(Stdio::null());
    for name in environment().into_keys().filter(|name| name.starts_with("PG")) {
        command.env_remove(name);
    }
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

/// Runs one of the server's programs to its end and returns its output; an `Err` contains its error
/// output.
pub(crate) fn run_server_program(
    program: &Path,
    arguments: &[&str],
    folder: &Path,
    user: Option<User>,
) -> std::result::Result<String, String> {
    let output = server_program(program, folder, user).args(arguments).output();
    let output = output.map_err(|error| format!("cannot run `{}`: {error}", program.display()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Starts a server that outlives this process, in its own process group, so that Ctrl-C does not
/// reach it.
pub(crate) fn spawn_server(
    program: &Path,
    arguments: &[String],
    folder: &Path,
    user: Option<User>,
    log: File,
) -> std::io::Result<Child> {
    let also = log.try_clone()?;
    server_program(program, folder, user)
        .args(arguments)
        .stdout(log)
        .stderr(also)
        .process_group(0)
        .spawn()
}

/// Whether a process runs and is a PostgreSQL server. A zombie does not count: without an init
/// process that reaps it, it may stay forever.
pub(crate) fn is_postgres(pid: i32) -> bool {
    match super::files::read_if_there(Path::new(&format!("/proc/{pid}/stat"))) {
        Ok(Some(stat)) => {
            let (head, tail) = stat.rsplit_once(')').unwrap_or((&stat, ""));
            let zombie = tail.trim_start().starts_with(['Z', 'X']);
            !zombie && head.contains("(postgres")
        }
        _ if Path::new("/proc/self/stat").exists() => false,
        _ => Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok()),
    }
}

/// Whether a process is the PostgreSQL server of this data folder, which is its working directory.
/// If that cannot be determined, any server is accepted. The folder may be removed already.
pub(crate) fn serves(pid: i32, data: &Path) -> bool {
    let works_in = std::fs::read_link(format!("/proc/{pid}/cwd"));
    let removed = format!("{} (deleted)", data.display());
    let is_it = |folder: PathBuf| folder == data || folder == Path::new(&removed);
    is_postgres(pid) && works_in.map_or(!Path::new("/proc/self/cwd").exists(), is_it)
}

/// Whether there is any process with this number, a zombie included.
pub(crate) fn exists(pid: i32) -> bool {
    Pid::from_raw(pid)
        .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Asks a server to end its sessions and stop ("fast shutdown").
pub(crate) fn stop_server(pid: i32) -> std::io::Result<()> {
    let pid = Pid::from_raw(pid).ok_or(std::io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::kill_process(pid, Signal::INT)?)
}

/// Sets the environment that selects the database for a child process, and removes every other
/// libpq variable that could select another one. In duct the change made first takes precedence, so
/// a variable is either removed or set.
pub(super) fn set_environment(
    expression: duct::Expression,
    variables: &[(impl AsRef<str>, Secret)],
) -> duct::Expression {
    let is_told = |name: &String| variables.iter().any(|(told, _)| told.as_ref() == name);
    let inherited =
        environment().into_keys().filter(|name| name.starts_with("PG") && !is_told(name));
    let expression = inherited.fold(expression, |expression, name| expression.env_remove(name));
    // No other program may see the key that signs receipts.
    let expression = expression.env_remove(VARIABLE);
    variables
        .iter()
        .fold(expression, |expression, (name, value)| expression.env(name.as_ref(), value.expose()))
}

pub(super) fn secret(variables: Vec<(&'static str, String)>) -> Vec<(&'static str, Secret)> {
    variables.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
}

/// A running PostgreSQL client program. Its output can be read, but it has succeeded only when
/// [`ClientProgram::finish`] returns `Ok`.
pub(crate) struct ClientProgram {
    handle: Arc<duct::ReaderHandle>,
    name: String,
    /// What writes its input.
    feeder: Option<JoinHandle<std::io::Result<()>>>,
    _guard: crate::world::signal::CancelGuard,
}

/// Replaces this process with psql, which then gets the signals of the terminal. Returns only if
/// psql cannot be started.
pub(crate) fn become_psql(
    psql: &Path,
    arguments: &[OsString],
    target: &Target,
    is_read_only: bool,
) -> Failure {
    let mut command = Command::new(psql);
    // `PGSERVICE` or `PGHOSTADDR` of the caller would select another database.
    for name in environment().keys().filter(|name| name.starts_with("PG")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(target.libpq_variables()).env_remove(VARIABLE);
    if is_read_only {
        let options = target.options.as_deref().unwrap_or_default();
        let options = format!("{options} -c default_transaction_read_only=on");
        command.env("PGOPTIONS", options.trim_start());
    }
    let error = command.exec();
    let (program, why) = (psql.display().to_string(), error.to_string());
    DumpError::NoShell { program, why }.caused_by(error)
}

impl ClientProgram {
    /// Starts it with the target in its environment and nothing secret among its arguments.
    pub(crate) fn start(
        world: &World,
        program: &Path,
        arguments: &[String],
        target: &Target,
    ) -> Result<ClientProgram> {
        let command = duct::cmd(program, arguments).stdin_null();
        ClientProgram::run(world, program, command, target)
    }

    /// The same for a program that reads all of this.
    pub(crate) fn start_reading(
        world: &World,
        program: &Path,
        arguments: &[String],
        target: &Target,
        mut input: impl std::io::Read + Send + 'static,
    ) -> Result<ClientProgram> {
        let failed = |error: std::io::Error| {
            BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error)
        };
        let (reader, mut writer) = std::io::pipe().map_err(failed)?;
        let feeder = std::thread::spawn(move || std::io::copy(&mut input, &mut writer).map(drop));
        let command = duct::cmd(program, arguments).stdin_file(reader);
        let mut program = ClientProgram::run(world, program, command, target)?;
        program.feeder = Some(feeder);
        Ok(program)
    }

    fn run(
        world: &World,
        program: &Path,
        command: duct::Expression,
        target: &Target,
    ) -> Result<ClientProgram> {
        let name = program
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut variables = secret(target.libpq_variables());
        variables.retain(|(name, _)| *name != "PGOPTIONS");
        // The text form of rows must not depend on settings of the database or the role.
        let options = [
            target.options.as_deref().unwrap_or_default(),
            "-ctimezone=UTC -cbytea_output=hex -clc_monetary=C -cstandard_conforming_strings=on",
        ];
        variables.push(("PGCLIENTENCODING", Secret::new("UTF8")));
        variables.push(("PGOPTIONS", Secret::new(options.join(" ").trim())));
        let reader = set_environment(command, &variables)
            .env("LC_ALL", "C")
            .stderr_capture()
            .unchecked()
            .reader();
        let reader = reader.map_err(|error| {
            BackupError::ClientFailed { name: name.clone(), why: error.to_string() }
                .caused_by(error)
        })?;
        let handle = Arc::new(reader);
        let of_signal = Arc::clone(&handle);
        let guard = world.interrupt.on_signal(move || {
            let _ = of_signal.kill();
        });
        Ok(ClientProgram { handle, name, feeder: None, _guard: guard })
    }

    /// Reads the remaining output and waits for the end; its error output becomes the reason of a
    /// failure.
    pub(crate) fn finish(&mut self, world: &World) -> Result<()> {
        let _ = std::io::copy(self, &mut std::io::sink());
        world.interrupt.check()?;
        self.finish_input()?;
        let ended = self.handle.try_wait();
        let why = match ended {
            Ok(Some(output)) if output.status.success() => return Ok(()),
            Ok(Some(output)) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Ok(None) => "it closed its output but did not exit".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(BackupError::ClientFailed { name: self.name.clone(), why }.into())
    }
}

impl ClientProgram {
    /// Whether all of its input could be read; that it did not want all of it is its own affair.
    fn finish_input(&mut self) -> Result<()> {
        let Some(Ok(Err(error))) = self.feeder.take().map(JoinHandle::join) else { return Ok(()) };
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Ok(());
        }
        Err(BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error))
    }
}

impl std::io::Read for ClientProgram {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        (&*self.handle).read(buffer)
    }
}

impl Drop for ClientProgram {
    /// A dump that is not read to its end would hold its locks forever.
    fn drop(&mut self) {
        let _ = self.handle.kill();
    }
}

/// The path of this program.
pub(crate) fn own_path() -> Option<PathBuf> {
    std::env::current_exe().ok()?.canonicalize().ok()
}

/// The same, unless this program is in a folder of `PATH` under this name.
pub(crate) fn own_path_unless_found(name: &str) -> Option<PathBuf> {
    let own = own_path()?;
    let is_found =
        |folder: PathBuf| folder.join(name).canonicalize().is_ok_and(|found| found == own);
    (!search_path().into_iter().any(is_found)).then_some(own)
}

/// All that was written to our standard input.
pub(crate) fn stdin() -> Result<String> {
    let failed = super::files::failed("read", Path::new("/dev/stdin"));
    std::io::read_to_string(std::io::stdin()).map_err(failed)
}

/// The folders of `PATH`.
pub(crate) fn search_path() -> Vec<PathBuf> {
    let path = environment().remove("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}
