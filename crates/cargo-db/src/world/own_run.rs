//! This program as a child process of itself.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::sync::Arc;

use duct::unix::HandleExt;
use rustix::process::Signal;

/// What a run ended with.
pub(crate) struct OwnRun {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs this program with these arguments to its end, for an AI agent: it cannot prompt, and all
/// that it writes is returned. `on_start` gets what interrupts it, as Ctrl-C would.
pub(crate) fn run_own(
    arguments: &[String],
    on_start: impl FnOnce(Box<dyn FnOnce() + Send>),
) -> std::io::Result<OwnRun> {
    // Where this program was built again, its file is gone, and this link still leads to it.
    let link = Path::new("/proc/self/exe");
    let program = if link.exists() { link.to_owned() } else { std::env::current_exe()? };
    let child = duct::cmd(program, arguments)
        .env("CARGO_DB_AGENT", "1")
        .stdin_null()
        .stdout_capture()
        .stderr_capture()
        // A Ctrl-C at the terminal would be its second signal, and that one ends it at once.
        .before_spawn(|command| {
            command.process_group(0);
            Ok(())
        })
        .unchecked()
        .start()?;
    let child = Arc::new(child);
    let interrupted = Arc::clone(&child);
    on_start(Box::new(move || {
        // What has ended already cannot be interrupted.
        let _ = interrupted.send_signal(Signal::INT.as_raw());
    }));
    let output = child.wait()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    Ok(OwnRun { code: output.status.code(), stdout, stderr })
}
