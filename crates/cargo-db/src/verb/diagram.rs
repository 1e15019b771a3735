//! `cargo db diagram`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pg_logical::diagram::{self, Diagram, Mermaid};

use crate::answer::{Drawn, Outcome};
use crate::change::{Effect, Workspace};
use crate::failure::{Result, SchemaError};
use crate::schema::{self, ShownSchema};
use crate::settings::DiagramView;
use crate::verb::declare::Verb;
use crate::world::edit;

const EFFECT: Effect = Effect::Reads;

/// Draw the tables and their foreign keys
///
/// Views and partitions are left out. Without `--output`, prints the diagram. GitHub and GitLab
/// show Mermaid diagrams in Markdown. A Mermaid diagram that would be too long shows only the
/// columns of keys, or only the names of the tables.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct DiagramArgs {
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show only this table and its neighbours; may be repeated
    #[arg(long, value_name = "TABLE", group = "centre")]
    around: Vec<String>,
    /// How many foreign keys away a neighbour may be (default: 1)
    #[arg(long, value_name = "N", requires = "centre")]
    depth: Option<usize>,
    /// Show a view of `[diagram.views]` in db.toml
    #[arg(long, value_name = "NAME", conflicts_with = "around", group = "centre")]
    view: Option<String>,
    /// The format (default: by the extension of FILE, otherwise `mermaid`)
    #[arg(long, value_enum)]
    format: Option<DiagramFormat>,
}

/// The language of a diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DiagramFormat {
    /// For Markdown
    Mermaid,
    /// An image
    Svg,
    /// For Graphviz
    Dot,
}

impl Verb for DiagramArgs {
    fn name(&self) -> &'static str {
        "diagram"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let view = self.view(&database.settings.diagram_views)?;
        let shown = schema::gather(&workspace.world, &database.target)?;
        let diagram = view.of(&shown)?;
        let format = self.format();
        let title = view.name.as_deref().unwrap_or(&shown.catalog.about.database);
        let (text, detail) = drawn(&diagram, format, title)?;
        if detail != Mermaid::Columns {
            workspace.ui.warning(&format!(
                "Mermaid draws at most {} characters, so the diagram shows only {}",
                diagram::MERMAID_LIMIT,
                if detail == Mermaid::Keys { "the columns of keys" } else { "the tables' names" },
            ));
        }
        let Some(path) = &self.output else {
            return Ok(Outcome::done(Drawn::printed(&diagram, text)));
        };
        edit::rewrite(path, &text)?;
        Ok(Outcome::done(Drawn::written(&diagram, path)))
    }
}

impl DiagramArgs {
    /// What is to be shown.
    fn view(&self, views: &BTreeMap<String, DiagramView>) -> Result<Wanted> {
        let depth = |own: Option<usize>| self.depth.or(own).unwrap_or(1);
        let Some(name) = &self.view else {
            let (around, depth) = (self.around.clone(), depth(None));
            return Ok(Wanted { name: None, around, depth });
        };
        match views.get(name) {
            Some(view) => Ok(Wanted {
                name: Some(name.clone()),
                around: view.around.clone(),
                depth: depth(view.depth),
            }),
            None => {
                let views = views.keys().cloned().collect();
                Err(SchemaError::NoView { name: name.clone(), views }.into())
            }
        }
    }

    fn format(&self) -> DiagramFormat {
        let ending = self.output.as_deref().and_then(Path::extension);
        self.format.unwrap_or(match ending.and_then(|ending| ending.to_str()) {
            Some("svg") => DiagramFormat::Svg,
            Some("dot" | "gv") => DiagramFormat::Dot,
            _ => DiagramFormat::Mermaid,
        })
    }
}

/// A part of a database.
struct Wanted {
    name: Option<String>,
    /// The tables in its middle; all tables are shown if there are none.
    around: Vec<String>,
    depth: usize,
}

impl Wanted {
    fn of(&self, shown: &ShownSchema) -> Result<Diagram> {
        let whole = Diagram::of(&shown.catalog, schema::OWN_SCHEMA);
        if self.around.is_empty() {
            return Ok(whole);
        }
        let place = |typed: &String| {
            let identity = &shown.table(typed)?.identity;
            let place = whole.table(identity.schema.as_deref().unwrap_or_default(), &identity.name);
            place.ok_or_else(|| SchemaError::NotDrawn { table: typed.clone() }.into())
        };
        let around = self.around.iter().map(place).collect::<Result<Vec<usize>>>()?;
        Ok(whole.around(&around, self.depth))
    }
}

/// The text of a diagram, and what it shows of the tables.
fn drawn(diagram: &Diagram, format: DiagramFormat, title: &str) -> Result<(String, Mermaid)> {
    match format {
        DiagramFormat::Svg => {
            Ok((diagram::svg(&diagram::lay_out(diagram), title), Mermaid::Columns))
        }
        DiagramFormat::Dot => Ok((diagram::dot(diagram), Mermaid::Columns)),
        DiagramFormat::Mermaid => diagram::mermaid(diagram)
            .ok_or_else(|| SchemaError::TooLarge { tables: diagram.tables.len() }.into()),
    }
}
