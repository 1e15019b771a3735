//! Runs in a terminal.

use std::process::{Command, Stdio};

use rexpect::session::spawn_command;

/// Runs in a terminal, answers the prompts, and returns the exit code.
#[track_caller]
pub(crate) fn types(mut command: Command, answers: &[(&str, &str)]) -> i32 {
    let shown = format!("{:?}", command.get_args().collect::<Vec<_>>());
    command.env("TERM", "xterm").env_remove("CI").stdin(Stdio::inherit());
    let mut session = spawn_command(command, Some(20_000)).expect("a terminal");
    for (question, answer) in answers {
        session.exp_string(question).unwrap_or_else(|error| panic!("{shown}: {error}"));
        session.send_line(answer).expect("somebody reads");
    }
    // Other prompts only get a newline.
    let _ = session.send_line("");
    let _ = session.exp_eof();
    // `Exited(Pid(17), 3)`: the type itself is not exported.
    let status = format!("{:?}", session.process().wait().expect("it ends"));
    let code = status.trim_end_matches(')').rsplit(' ').next().and_then(|code| code.parse().ok());
    code.filter(|_| status.starts_with("Exited")).unwrap_or_else(|| panic!("{status}"))
}
