//! A migration tool as a child process: with the database in its environment, in its own process
//! group, and never outliving this process. Passwords in its output are masked.

use std::io::{BufRead, BufReader, PipeReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::failure::{CausedBy, ProgramError, Result, SettingsError};
use crate::model::event::Event;
use crate::model::target::{Secret, Target};
use crate::world::World;
use crate::world::clock::in_words;
use crate::world::mask::Mask;
use crate::world::process::{search_path, secret, set_environment};

/// The exit status and output of a tool.
pub(crate) struct Ended {
    /// What was run.
    pub(crate) command: String,
    pub(crate) success: bool,
    /// As the operating system says it.
    pub(crate) status: String,
    pub(crate) stdout: String,
    /// Both output streams, in the order in which they arrived; only the end if they are long.
    pub(crate) said: String,
}

/// What a program is given, and what must not be seen of it.
#[derive(Default)]
pub(crate) struct ToolEnvironment {
    pub(crate) variables: Vec<(String, Secret)>,
    /// Masked in its output.
    pub(crate) password: Option<Secret>,
    /// Programs of the project come from nowhere above this folder.
    pub(crate) repository: PathBuf,
    /// What it can read from its standard input.
    pub(crate) input: Vec<u8>,
    /// How long it may run.
    pub(crate) limit: Option<Duration>,
}

/// Runs a migration tool to its end. If this process is asked to stop, the tool and its children
/// are terminated, and killed after a while; if this process is killed, they are killed at once.
pub(crate) fn run(
    world: &World,
    command: &[String],
    environment: &ToolEnvironment,
    folder: &Path,
) -> Result<Ended> {
    run_telling(world, command, environment, folder, Some(|line| Event::ToolSaid { line }))
}

/// The same for a program whose output is not shown.
pub(crate) fn run_silently(
    world: &World,
    command: &[String],
    environment: &ToolEnvironment,
    folder: &Path,
) -> Result<Ended> {
    run_telling(world, command, environment, folder, None)
}

/// Runs a program of the project with the database in its environment, and returns its standard
/// output. What it prints is shown as it comes. Fails if the program fails.
pub(crate) fn run_project_program(
    world: &World,
    command: &[String],
    (target, url_variable): (&Target, Option<&str>),
    folder: &Path,
) -> Result<String> {
    let variables = secret(target.libpq_variables()).into_iter();
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let urls = ["DATABASE_URL"].into_iter().chain(url_variable);
    let urls = urls.map(|name| (name.to_owned(), target.url_for_child()));
    let variables = variables.chain(urls).collect();
    let (password, repository) = (target.password.clone(), folder.to_owned());
    let environment = ToolEnvironment { variables, password, repository, ..Default::default() };
    let said = |line| Event::ProgramSaid { line };
    let Ended { command, success, status, stdout, .. } =
        run_telling(world, command, &environment, folder, Some(said))?;
    if success {
        return Ok(stdout);
    }
    Err(ProgramError::NotRun { command, why: format!("it ended with {status}") }.into())
}

fn run_telling(
    world: &World,
    command: &[String],
    environment: &ToolEnvironment,
    folder: &Path,
    said: Option<fn(String) -> Event>,
) -> Result<Ended> {
    let [name, arguments @ ..] = command else {
        return Err(
            SettingsError::Usage { what: "the command in db.toml is empty".to_owned() }.into()
        );
    };
    let program = find(name, folder, &environment.repository)
        .ok_or_else(|| ProgramError::Missing { program: name.clone() })?;
    let failed = |error: std::io::Error| {
        ProgramError::NotRun { command: command.join(" "), why: error.to_string() }.caused_by(error)
    };
    let (errors, error_writer) = std::io::pipe().map_err(failed)?;
    let (output, output_writer) = std::io::pipe().map_err(failed)?;
    let program = duct::cmd(program, arguments);
    let program = match environment.input.as_slice() {
        [] => program.stdin_null(),
        input => program.stdin_bytes(input),
    };
    let expression = set_environment(program, &environment.variables)
        .dir(folder)
        .stdout_file(output_writer)
        .stderr_file(error_writer)
        .before_spawn(|command| {
            command.process_group(0);
            Ok(())
        })
        .unchecked();
    let handle = Arc::new(expression.start().map_err(failed)?);
    // The expression holds its ends of the pipes, and they would never be closed.
    drop(expression);
    let group = handle.pids().first().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
    let _guard = world.interrupt.on_signal(move || end_group(group));
    let reaper = ChildReaper::of(group);
    let mask = Mask::of(environment.password.as_ref().map(Secret::expose));
    let captured = Arc::new(CapturedOutput { mask, texts: Mutex::default() });
    let listen = |reader: PipeReader, is_output: bool| {
        let (captured, world, (ended, end)) =
            (Arc::clone(&captured), world.clone(), mpsc::channel());
        std::thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            while let Some(line) = line_of(&mut reader) {
                let line = captured.keep(&line, is_output);
                said.into_iter().for_each(|said| world.emit(said(line.clone())));
            }
            let _: std::result::Result<(), _> = ended.send(());
        });
        end
    };
    let ends = [listen(errors, false), listen(output, true)];
    let ended = match environment.limit {
        None => Some(handle.wait().map_err(failed)?.status),
        Some(limit) => handle.wait_timeout(limit).map_err(failed)?.map(|output| output.status),
    };
    if let (None, Some(group)) = (ended, group) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    // A background child of the tool keeps its output open, so it is ended too. A child that has
    // left the process group is not waited for.
    end_group(group);
    for end in ends {
        let _: std::result::Result<(), _> = end.recv_timeout(Duration::from_secs(1));
    }
    drop(reaper);
    world.interrupt.check()?;
    let Some(ended) = ended else {
        let limit = in_words(environment.limit.unwrap_or_default());
        let why = format!("it did not end within {limit}");
        return Err(ProgramError::NotRun { command: command.join(" "), why }.into());
    };
    let (stdout, said) = captured.texts.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let command = command.join(" ");
    Ok(Ended { command, success: ended.success(), status: ended.to_string(), stdout, said })
}

/// What a tool has said so far.
struct CapturedOutput {
    mask: Mask,
    /// Its standard output, and the end of both.
    texts: Mutex<(String, String)>,
}

impl CapturedOutput {
    /// Stores a line, and returns it with the password masked.
    fn keep(&self, line: &[u8], is_output: bool) -> String {
        let line = self.mask.hide(&String::from_utf8_lossy(line));
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let (stdout, said) = &mut *texts;
        for text in [is_output.then_some(stdout), Some(said)].into_iter().flatten() {
            text.push_str(&line);
            text.push('\n');
        }
        drop_beginning(&mut texts.1);
        line.trim_end().to_owned()
    }
}

/// The next line; of one that is longer than anybody reads, the beginning.
fn line_of(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    const AT_MOST: u64 = 256 << 10;
    let mut line = Vec::new();
    if reader.by_ref().take(AT_MOST).read_until(b'\n', &mut line).ok()? == 0 {
        return None;
    }
    let mut rest = Vec::new();
    let mut is_cut = !line.ends_with(b"\n");
    while is_cut
        && reader.by_ref().take(AT_MOST).read_until(b'\n', &mut rest).is_ok_and(|read| read > 0)
    {
        is_cut = !rest.ends_with(b"\n");
        rest.clear();
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Some(line)
}

/// What a tool that fails says at the end is what counts.
fn drop_beginning(said: &mut String) {
    const AT_MOST: usize = 64 << 10;
    if said.len() > 2 * AT_MOST {
        let from = said.ceil_char_boundary(said.len() - AT_MOST);
        said.drain(..from);
    }
}

/// Asks every process of a group to end, and makes them if they do not.
fn end_group(group: Option<Pid>) {
    let Some(group) = group else { return };
    if rustix::process::kill_process_group(group, Signal::TERM).is_err() {
        return;
    }
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(5));
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    });
}

/// Kills the process group of a tool when this process is gone, for whatever reason: the pipe from
/// it closes then. At once, because the lock is gone too, and the next run may start.
struct ChildReaper(Option<Child>);

impl ChildReaper {
    fn of(group: Option<Pid>) -> ChildReaper {
        const SCRIPT: &str = "read -r _; kill -KILL \"-$0\" 2>/dev/null";
        let start = |group: Pid| {
            let group = group.as_raw_nonzero().to_string();
            let mut command = Command::new("sh");
            command
                .args(["-c", SCRIPT, &group])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.process_group(0).spawn().ok()
        };
        ChildReaper(group.and_then(start))
    }
}

impl Drop for ChildReaper {
    /// The tool has ended: its number may be another's soon.
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Finds a program in the project's own folders, from this folder up to the repository's root, or
/// on the `PATH`.
pub(crate) fn find(name: &str, folder: &Path, repository: &Path) -> Option<PathBuf> {
    const OWN: [&str; 3] = ["node_modules/.bin", ".venv/bin", "venv/bin"];
    if name.contains('/') {
        return Some(folder.join(name)).filter(|path| path.is_file());
    }
    let within = |above: &&Path| *above == folder || above.starts_with(repository);
    let own = folder.ancestors().take_while(within);
    let own = own.flat_map(|above| OWN.map(|own| above.join(own)));
    let on_path = search_path();
    // Debian has `python3` and no `python`.
    let names = if name == "python" { vec!["python", "python3"] } else { vec![name] };
    let mut places = own.chain(on_path);
    places.find_map(|place| names.iter().map(|name| place.join(name)).find(|path| path.is_file()))
}
