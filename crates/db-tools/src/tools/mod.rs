//! The list of tools. Each has one file here, with a static `TOOL` in it, and one line of the list.
//!
//! rustfmt does not see modules that a macro declares: `scripts/test` names their files.

use crate::tool::Tool;
use crate::unsupported::UnsupportedTool;

/// Declares the modules and both lists.
macro_rules! tools {
    (supported { $($supported:ident)* } unsupported { $($unsupported:ident)* }) => {
        $(mod $supported;)*
        $(mod $unsupported;)*

        static SUPPORTED: &[&dyn Tool] = &[$($supported::TOOL),*];
        static UNSUPPORTED: &[&UnsupportedTool] = &[$(&$unsupported::TOOL),*];
    };
}

tools! {
    supported {
        sqlx
        diesel
        refinery
        dbmate
        prisma
        drizzle
        drizzle_1
        node_pg_migrate
        goose
        sql_migrate
        golang_migrate
        flyway
        supabase
        graphile_migrate
        sea_orm
        typeorm
        alembic
        django
        knex
        yoyo
        sqitch
        liquibase
        commands
    }
    unsupported {
        atlas
        rails
        hasura
        ecto
        tern
        rambler
        micrate
        play
        mybatis
    }
}

/// All supported tools, those with SQL migrations first.
pub fn supported() -> impl Iterator<Item = &'static dyn Tool> {
    SUPPORTED.iter().copied()
}

/// Every tool that is recognised, and refused by name.
pub fn unsupported() -> impl Iterator<Item = &'static UnsupportedTool> {
    UNSUPPORTED.iter().copied()
}

/// The default if nothing else is found: plain SQL files, named as sqlx names them.
pub(crate) fn plain() -> &'static dyn Tool {
    sqlx::TOOL
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_tool_has_a_name_of_its_own() {
        let supported = supported().map(|tool| tool.profile().key);
        let keys: Vec<&str> = supported.chain(unsupported().map(|tool| tool.key)).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    }

    #[test]
    fn a_shared_table_is_one_of_a_supported_tool() {
        for table in unsupported().filter_map(|tool| tool.shared_table) {
            assert!(supported().any(|tool| tool.profile().table.name == table), "{table}");
        }
    }
}
