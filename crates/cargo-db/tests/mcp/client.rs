//! A client of `cargo db mcp`, as simple as the protocol allows.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::Project;

/// A server, and how many requests it got.
pub(crate) struct ToolSession {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    requests: u64,
    /// How many bytes all answers of tools had.
    pub(crate) bytes: usize,
}

/// What a tool answered.
#[derive(Debug)]
pub(crate) struct ToolAnswer {
    /// What stands between the marks.
    pub(crate) data: String,
    /// What stands around them.
    pub(crate) around: String,
    pub(crate) is_error: bool,
    /// Where the rest is.
    cursor: Option<String>,
}

impl ToolSession {
    /// Starts a server in a project.
    pub(crate) fn start(project: &Project, flags: &[&str]) -> ToolSession {
        let mut process = project
            .command(&[&["mcp"], flags].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let input = process.stdin.take();
        let mut session = ToolSession { process, input, output, requests: 0, bytes: 0 };
        let opened = session.request(
            "initialize",
            &json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            }),
        );
        assert_eq!(opened["serverInfo"]["name"], "cargo-db");
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        session
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    /// Sends a request, and returns its number.
    fn ask(&mut self, method: &str, parameters: &Value) -> u64 {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters}));
        id
    }

    /// The result of a request.
    pub(crate) fn request(&mut self, method: &str, parameters: &Value) -> Value {
        let id = self.ask(method, parameters);
        let answer = self.output.next().expect("the server ended").unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["id"], id, "{answer}");
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }

    /// Begins a call whose answer nobody waits for.
    pub(crate) fn begin(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Cancels a call.
    pub(crate) fn cancel(&mut self, request: u64) {
        let parameters = json!({"requestId": request});
        let method = "notifications/cancelled";
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": parameters}));
    }

    /// Calls a tool, and reads the first part of its answer.
    fn part(&mut self, tool: &str, arguments: &Value) -> ToolAnswer {
        let call = json!({"name": tool, "arguments": arguments});
        let result = self.request("tools/call", &call);
        assert_eq!(result["content"].as_array().unwrap().len(), 1, "{result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.len() <= 4096, "{}", text.len());
        self.bytes += text.len() + call.to_string().len();
        let (before, marked) = text.split_once("\n<data-").unwrap();
        let (name, marked) = marked.split_once(">\n").unwrap();
        let (data, after) = marked.split_once(&format!("\n</data-{name}>")).unwrap();
        let cursor = after.rsplit_once(' ').map(|(_, cursor)| cursor.to_owned());
        let (data, around) = (data.to_owned(), format!("{before}{after}"));
        ToolAnswer { data, around, is_error: result["isError"] == true, cursor }
    }

    /// Calls a tool, and reads all of its answer.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> ToolAnswer {
        let mut answer = self.part(tool, arguments);
        while let Some(cursor) = answer.cursor.take() {
            let part = self.part("more", &json!({"cursor": cursor}));
            answer.data.push_str(&part.data);
            answer.around.push_str(&part.around);
            answer.cursor = part.cursor;
        }
        answer
    }

    /// Ends the input, and waits for the server.
    pub(crate) fn end(mut self) {
        self.input.take();
        assert!(self.process.wait().unwrap().success());
    }

    /// Asks the server to end, as a client does that has lost its patience.
    pub(crate) fn terminate(mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(143));
    }
}

impl Drop for ToolSession {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.process.wait();
    }
}

impl ToolAnswer {
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(!self.is_error, "{self:#?}");
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}\n{self:#?}"))
    }

    #[track_caller]
    pub(crate) fn refused(self, said: &str) {
        assert!(self.is_error && self.data.contains(said), "`{said}` is not in {self:#?}");
    }
}
