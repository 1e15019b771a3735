//! Tools in JavaScript and TypeScript.

use crate::model::layout::code::text::{class_name, is_script, text_of};
use crate::model::layout::code::{Code, Order, ROWS, nothing_to_complete, without_strangers};
use crate::model::layout::{Facts, Table, file_name, leading_digits};
use crate::model::migration::Version;

/// `<13 digits>-<Name>.ts` with a class that is called `<Name><13 digits>`.
pub(in crate::model::layout) static TYPEORM: Code = Code {
    facts: Facts {
        key: "typeorm",
        folders: &["migrations", "src/migrations", "src/migration"],
        depth: 1,
        table: Table {
            schema: None,
            name: "migrations",
            columns: &["id", "timestamp", "name"],
            create: "",
            fields: ["name", "NULL", "NULL", "true", "NULL", "id"],
            rows: ROWS,
            beside: &["typeorm_metadata"],
        },
    },
    reads: |path| is_script(path) && leading_digits(file_name(path)).is_some(),
    read: |found| {
        let mut order = Order::default();
        for file in found {
            match class_name(&text_of(&file)) {
                Some(name) => order.push(&name, file),
                None => {
                    order
                        .strange
                        .push((file.path, "there is no class in it whose name ends with a time"));
                }
            }
        }
        let time = |version: &Version| {
            let name = version.to_string();
            name.get(name.len().saturating_sub(13)..).and_then(|digits| digits.parse::<i64>().ok())
        };
        order.migrations.sort_by_key(|(version, ..)| (time(version), version.clone()));
        order
    },
    owns: &["ormconfig.json", "ormconfig.js", "typeorm"],
    complete: without_strangers,
    lock_key: None,
};

/// `<digits>_<name>.js`.
pub(in crate::model::layout) static KNEX: Code = Code {
    facts: Facts {
        key: "knex",
        folders: &["migrations"],
        depth: 1,
        table: Table {
            schema: None,
            name: "knex_migrations",
            columns: &["id", "name", "batch", "migration_time"],
            create: "",
            fields: [
                "name",
                "NULL",
                "extract(epoch FROM migration_time)::bigint",
                "true",
                "NULL",
                "NULL",
            ],
            rows: ROWS,
            beside: &["knex_migrations_lock", "knex_migrations_lock_index_seq"],
        },
    },
    reads: is_script,
    read: |mut found| {
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut order = Order::default();
        for file in found {
            let name = file_name(&file.path).to_owned();
            order.push(&name, file);
        }
        order
    },
    owns: &["knexfile.js", "knexfile.ts", "knexfile.cjs", "knexfile.mjs"],
    complete: nothing_to_complete,
    lock_key: None,
};
