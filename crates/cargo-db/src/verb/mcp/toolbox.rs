//! The tools as the protocol's server calls them: each call runs a command in a process of its own.

use std::path::PathBuf;

use cargo_db_mcp::{
    Cancellation, CheckedArguments, OfferedPrompt, OfferedTool, PromptBlank, ToolReply, Toolbox,
};

use crate::change::{KeptPlan, Workspace};
use crate::face::agents::slash_commands;
use crate::failure::{Exit, RetainedFlag};
use crate::verb::mcp::tools::{DatabaseTool, ToolAction, selected, tools};
use crate::world::own_run::run_own;

const INSTRUCTIONS: &str = "\
The PostgreSQL databases of this project. Look with status, schema, check and diff. No tool takes \
SQL: changes are files, which create begins, and which rehearse tries on a copy. To change a \
database, call plan, read what it shows, and call apply, restore or snapshot with its plan_id. \
Where a plan needs approval, call request_approval, and ask a person to approve it.";

/// The commands are written for a shell, which a client of this server may not have.
const PREFER_TOOLS: &str = "\
Where a tool of this server has the name of a command, call the tool instead of the command.";

/// The tools of a project.
pub(super) struct DatabaseToolbox {
    root: PathBuf,
    /// The flags that the server was started with.
    flags: Vec<String>,
    /// The environment that those name, if they do.
    environment: Option<String>,
    tools: Vec<DatabaseTool>,
}

impl DatabaseToolbox {
    /// Those of the project that the server was started in.
    pub(super) fn of(workspace: &Workspace) -> DatabaseToolbox {
        let typed = shell_words::split(&workspace.consent.command).unwrap_or_default();
        let is_flag = |word: &String| !matches!(word.as_str(), "mcp" | "--json");
        let flags: Vec<String> = typed.into_iter().skip(2).filter(is_flag).collect();
        let mut tools = tools();
        for tool in &mut tools {
            tool.offered.arguments.retain(|argument| !is_fixed(argument.name, &flags));
        }
        let settings = &workspace.settings;
        let environment = settings.environment.environment.to_string();
        let environment = Some(environment).filter(|_| is_fixed("env", &flags));
        DatabaseToolbox { root: settings.root.clone(), flags, environment, tools }
    }

    /// The arguments of the process of a call.
    fn line(&self, tool: &str, sent: &CheckedArguments) -> Result<Vec<String>, String> {
        let tool = self.tools.iter().find(|known| known.offered.name == tool);
        match tool.map(|tool| tool.action) {
            Some(ToolAction::Command(line)) => Ok(selected(line(sent)?, sent).behind(&self.flags)),
            Some(ToolAction::Plan(line)) => {
                let kept = self.kept_plan(sent.text("plan_id").unwrap_or_default())?;
                // The command of a kept plan has the flags that it was planned with.
                Ok(line(&kept)?.behind(&[]))
            }
            None => Err("there is no such tool".to_owned()),
        }
    }
}

impl DatabaseToolbox {
    /// The kept plan with this id, if this server may carry it out.
    fn kept_plan(&self, id: &str) -> Result<KeptPlan, String> {
        let found = KeptPlan::find(&self.root, id, None);
        let kept = found.map_err(|failure| failure.to_string())?;
        if !is_of_tools(&kept) {
            return Err(format!("the plan {id} is of `{}`, and no tool makes it", kept.typed()));
        }
        match self.environment.as_ref().filter(|own| **own != kept.environment) {
            None => Ok(kept),
            Some(own) => {
                let environment = &kept.environment;
                Err(format!("the plan {id} is of {environment}, and this server is for {own}"))
            }
        }
    }
}

/// Whether the tool `plan` could have made a plan: it takes no other database, and no file.
fn is_of_tools(kept: &KeptPlan) -> bool {
    let others: [&'static [&'static str]; 5] = [
        &["-D", "--database-url"],
        &["--env-file"],
        &["--no-dotenv"],
        &["--migrations-dir", "--source"],
        &["--allow-any-sql"],
    ];
    let words = kept.words();
    let is_given = |names: &&'static [&'static str]| {
        let flag = RetainedFlag { names, words: String::new() };
        words.iter().any(|word| flag.is_given_by(word))
    };
    let has_path = kept.verb == "restore" && words.iter().any(|word| word.contains('/'));
    !has_path && !others.iter().any(is_given)
}

/// Whether the server was started with this flag. No call can then choose another value.
fn is_fixed(name: &str, flags: &[String]) -> bool {
    let names: &[&str] = match name {
        "env" => &["--env", "-e"],
        "set" => &["--set"],
        _ => return false,
    };
    let flag = RetainedFlag { names, words: String::new() };
    flags.iter().any(|word| flag.is_given_by(word))
}

impl Toolbox for DatabaseToolbox {
    fn implementation(&self) -> (&'static str, &'static str) {
        ("cargo-db", env!("CARGO_PKG_VERSION"))
    }

    fn instructions(&self) -> String {
        INSTRUCTIONS.to_owned()
    }

    fn tools(&self) -> Vec<OfferedTool> {
        self.tools.iter().map(|tool| tool.offered.clone()).collect()
    }

    fn prompts(&self) -> Vec<OfferedPrompt> {
        let offered = slash_commands().into_iter().map(|command| OfferedPrompt {
            name: command.name,
            description: command.description.to_owned(),
            blanks: vec![PromptBlank {
                name: "arguments",
                description: command.argument_hint.to_owned(),
            }],
            text: format!("{}\n\n{PREFER_TOOLS}", command.text),
        });
        offered.collect()
    }

    fn call(&self, tool: &str, sent: &CheckedArguments, cancellation: &Cancellation) -> ToolReply {
        let failed = |text| ToolReply { text, is_error: true };
        let line = match self.line(tool, sent) {
            Ok(line) => line,
            Err(error) => return failed(error),
        };
        let run = match run_own(&line, |interrupt| cancellation.on_cancel(interrupt)) {
            Ok(run) => run,
            Err(error) => return failed(format!("`cargo db` cannot be started: {error}")),
        };
        // A finding, such as one of `check`, is an answer.
        let is_answer = |code| code == Exit::Done as i32 || code == Exit::Finding as i32;
        let is_error = !run.code.is_some_and(is_answer);
        let said = if run.stdout.is_empty() { run.stderr } else { run.stdout };
        ToolReply { text: said.trim_end().to_owned(), is_error }
    }
}
