//! Converts the reasons to refuse a migration tool into failures.

use db_tools::ToolError;

use crate::failure::{Kind, ProgramError, SettingsError};

impl From<ToolError> for Kind {
    fn from(error: ToolError) -> Kind {
        let text = error.to_string();
        match error {
            ToolError::Unknown { name, .. } => not_a_tool(name, text),
            ToolError::Unsupported { name, .. } => not_a_tool(name.to_owned(), text),
            ToolError::UnsupportedFolder { .. } | ToolError::NoApplication { .. } => {
                SettingsError::Usage { what: text }.into()
            }
            ToolError::NoCommand { tool, doing, setting } => {
                ProgramError::Cannot { tool: tool.to_owned(), doing, key: setting }.into()
            }
            ToolError::NeedsTcp { tool } => ProgramError::NeedsTcp { tool: tool.to_owned() }.into(),
            ToolError::BadSettings { file, why } => {
                SettingsError::File { file, line: 1, why, suggestion: None }.into()
            }
        }
    }
}

fn not_a_tool(value: String, why: String) -> Kind {
    SettingsError::Value { source_name: "migrations.tool in db.toml".to_owned(), value, why }.into()
}
