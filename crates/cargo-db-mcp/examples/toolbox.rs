//! The server of the tests, with tools that repeat, fail, wait and meet. The argument is a folder
//! for what they leave behind.

#![expect(clippy::disallowed_methods, reason = "the fence is around the product")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Barrier, mpsc};
use std::time::Duration;

use cargo_db_mcp::{
    ArgumentType, Cancellation, CheckedArguments, OfferedPrompt, OfferedTool, PromptBlank,
    ToolArgument, ToolEffect, ToolReply, Toolbox, serve,
};

struct TestToolbox {
    folder: PathBuf,
    meeting: Barrier,
}

fn tool(name: &'static str, arguments: Vec<ToolArgument>, effect: ToolEffect) -> OfferedTool {
    OfferedTool { name, title: "Title", description: "What it does", arguments, effect }
}

fn argument(name: &'static str, value: ArgumentType) -> ToolArgument {
    ToolArgument { name, description: "What it is", value, is_required: false }
}

impl Toolbox for TestToolbox {
    fn implementation(&self) -> (&'static str, &'static str) {
        ("toolbox", "1.2.3")
    }

    fn instructions(&self) -> String {
        "Only for tests.".to_owned()
    }

    fn tools(&self) -> Vec<OfferedTool> {
        let destroys = ToolEffect {
            is_read_only: false,
            is_destructive: true,
            is_idempotent: false,
            is_open_world: true,
        };
        let text = || argument("text", ArgumentType::Text);
        let times = argument("times", ArgumentType::Count);
        vec![
            tool("repeat", vec![text(), times], ToolEffect::READS),
            tool("fail", vec![text()], destroys),
            tool("break", vec![], ToolEffect::READS),
            tool("meet", vec![], ToolEffect::READS),
            tool("wait", vec![text()], ToolEffect::READS),
        ]
    }

    fn prompts(&self) -> Vec<OfferedPrompt> {
        let blank = PromptBlank { name: "arguments", description: "What to greet".to_owned() };
        vec![OfferedPrompt {
            name: "greet",
            description: "Greet something".to_owned(),
            blanks: vec![blank],
            text: "Say hello to $ARGUMENTS.".to_owned(),
        }]
    }

    fn call(
        &self,
        tool: &str,
        arguments: &CheckedArguments,
        cancellation: &Cancellation,
    ) -> ToolReply {
        let text = arguments.text("text").unwrap_or("nothing");
        let times = usize::try_from(arguments.count("times").unwrap_or(1)).unwrap();
        let answer = |text: String| ToolReply { text, is_error: false };
        match tool {
            "repeat" => {
                let line = format!("{tool} {times}\n");
                append(self.folder.join("calls"), &line);
                answer(text.repeat(times))
            }
            "fail" => ToolReply { text: text.to_owned(), is_error: true },
            // Two calls of it can only end together.
            "meet" => {
                self.meeting.wait();
                answer("met".to_owned())
            }
            "wait" => {
                std::fs::write(self.folder.join(format!("{text}-runs")), "").unwrap();
                let (sender, cancelled) = mpsc::channel();
                cancellation.on_cancel(move || sender.send(()).unwrap());
                cancelled.recv().unwrap();
                // The server waits for what is cleaned up.
                std::thread::sleep(Duration::from_millis(300));
                std::fs::write(self.folder.join(format!("{text}-cleaned")), "").unwrap();
                answer("cancelled".to_owned())
            }
            other => panic!("`{other}` breaks"),
        }
    }
}

fn append(path: PathBuf, line: &str) {
    let mut text = std::fs::read_to_string(&path).unwrap_or_default();
    text.push_str(line);
    std::fs::write(path, text).unwrap();
}

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).expect("a folder").into();
    let toolbox = TestToolbox { folder, meeting: Barrier::new(2) };
    match serve(toolbox, &Cancellation::default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            std::fs::write("/dev/stderr", format!("{error}\n")).unwrap();
            ExitCode::FAILURE
        }
    }
}
