//! What runs after a migrate that applied something: the commands of `[hooks] after-migrate`, and
//! diesel's `print-schema`.

use std::path::{Path, PathBuf};

use crate::answer::AfterStepView;
use crate::answer::text::milliseconds;
use crate::change::workspace::Database;
use crate::failure::{ProgramError, Result};
use crate::model::environment::Environment;
use crate::settings::{AfterStep, Runner};
use crate::world::clock::stopwatch;
use crate::world::{edit, files, tool};

/// Runs all of it, and says what failed. Fails if a required step fails: the steps behind it do not
/// run.
pub(crate) fn after_migrate(database: &Database<'_>) -> Result<Vec<AfterStepView>> {
    let mut steps = Vec::new();
    if let Some(file) = diesel_schema_file(database) {
        let step = print_schema(database, &file);
        warn_about(database, &step);
        steps.push(step);
    }
    for AfterStep { command, is_required } in &database.settings.after_migrate {
        let command = command.to_run()?;
        let step = run_step(database, command, &database.settings.root, |_| Ok(()));
        if let (true, Some(why)) = (is_required, &step.error) {
            let (command, why) = (step.command, why.clone());
            return Err(ProgramError::RequiredStep { command, why }.into());
        }
        warn_about(database, &step);
        steps.push(step);
    }
    Ok(steps)
}

/// Says at once that a step failed: a required one behind it may end the run.
fn warn_about(database: &Database<'_>, AfterStepView { command, error, .. }: &AfterStepView) {
    if let Some(why) = error {
        let ui = &database.workspace.ui;
        ui.warning(&format!("the migrations are applied, but `{command}` did not run: {why}"));
    }
}

/// Runs a command in a folder, with the database in its environment, and then `use_output`.
fn run_step(
    database: &Database<'_>,
    command: &[String],
    folder: &Path,
    use_output: impl FnOnce(&str) -> Result<()>,
) -> AfterStepView {
    let (workspace, settings) = (database.workspace, &database.settings);
    let (began, shown) = (stopwatch(), shell_words::join(command));
    workspace.ui.status("Running", &format!("`{shown}`"));
    let url_variable = settings.migrations.url_variable.as_deref();
    let place = (&database.target, url_variable);
    let output = tool::run_project_program(&workspace.world, command, place, folder);
    let error = output.and_then(|output| use_output(&output)).err();
    AfterStepView {
        command: shown,
        ok: error.is_none(),
        duration_ms: milliseconds(began.elapsed()),
        error: error.map(|failure| failure.to_string()),
    }
}

/// The file with the schema that `diesel.toml` names, if nothing has written it: diesel's own
/// `migration run` does. It belongs to the source code, which is written in development.
fn diesel_schema_file(database: &Database<'_>) -> Option<PathBuf> {
    let migrations = &database.settings.migrations;
    let is_written_here = database.environment() == Environment::Development
        && migrations.runner == Runner::Builtin
        && migrations.layout.key() == "diesel";
    let path = migrations.tool_dir.join("diesel.toml");
    let text = is_written_here.then(|| files::read_if_there(&path).ok().flatten()).flatten()?;
    let settings: toml::Table = toml::from_str(&text).ok()?;
    let file = settings.get("print_schema")?.get("file")?.as_str()?;
    Some(migrations.tool_dir.join(file))
}

/// Lets diesel print the schema into the file. A program that is not there is no failure.
fn print_schema(database: &Database<'_>, file: &Path) -> AfterStepView {
    let settings = &database.settings;
    let folder = &settings.migrations.tool_dir;
    let command = ["diesel", "print-schema"].map(str::to_owned);
    let shown = file.strip_prefix(&settings.root).unwrap_or(file).display();
    if tool::find("diesel", folder, &settings.repository).is_none() {
        let why = format!("diesel is not installed, so `{shown}` was not written");
        let command = command.join(" ");
        return AfterStepView { command, ok: false, duration_ms: 0, error: Some(why) };
    }
    let step = run_step(database, &command, folder, |schema| edit::rewrite(file, schema));
    if step.ok {
        database.workspace.ui.status("Wrote", &shown.to_string());
    }
    step
}
