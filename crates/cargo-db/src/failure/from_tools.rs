//! What a migration tool is refused for, as a failure: the one place where it becomes one.

use db_tools::ToolError;

use crate::failure::{Failure, Kind};

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Failure {
        let text = error.to_string();
        let kind = match error {
            ToolError::Unknown { name, .. } => not_a_tool(name, text),
            ToolError::Unsupported { name, .. } => not_a_tool(name.to_owned(), text),
            ToolError::UnsupportedFolder { .. } | ToolError::NoApplication { .. } => {
                Kind::Usage { what: text }
            }
            ToolError::NoCommand { tool, doing, setting } => {
                Kind::ToolCannot { tool: tool.to_owned(), doing, key: setting }
            }
            ToolError::NeedsTcp { tool } => Kind::NeedsTcp { tool: tool.to_owned() },
            ToolError::BadSettings { file, why } => {
                Kind::BadFile { file, line: 1, why, suggestion: None }
            }
        };
        kind.into()
    }
}

fn not_a_tool(value: String, why: String) -> Kind {
    Kind::BadSetting { source_name: "migrations.tool in db.toml".to_owned(), value, why }
}
