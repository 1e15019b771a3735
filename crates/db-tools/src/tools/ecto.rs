//! Ecto, recognised and refused: its migrations are scripts in Elixir, and its history is a
//! `schema_migrations` that says when each ran.

use crate::unsupported::UnsupportedTool;

pub(super) static TOOL: UnsupportedTool = UnsupportedTool {
    key: "ecto",
    title: "Ecto",
    folders: &["priv/repo/migrations"],
    extension: Some("exs"),
    table: "schema_migrations",
    columns: &["version", "inserted_at"],
    ..UnsupportedTool::UNKNOWN
};
