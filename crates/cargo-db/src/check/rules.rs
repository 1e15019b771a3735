//! The rules: those of the linter that are enabled, and our own for what it does not know.
//! `docs/rules.md` has a page on each, with examples that a test runs.

use crate::model::finding::Class::{self, Compatibility, Form, Integrity, Lock, Loss};
use crate::model::finding::Severity::{self, Block, Unmeasured, Warn};

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) severity: Severity,
    /// What to do instead; for the linter's rules the linter says it.
    pub(crate) instead: &'static str,
}

const fn rule(name: &'static str, class: Class, severity: Severity, instead: &'static str) -> Rule {
    Rule { name, class, severity, instead }
}

/// All of them, by what they are about.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    // The file.
    rule("syntax", Form, Block, ""),
    rule("psql-command", Form, Block, "write SQL: nothing runs psql"),
    rule("transaction-control", Form, Block,
         "leave it out, or begin the file with `-- no-transaction`"),
    rule("misread-setting", Form, Block,
         "remove it, save the file as UTF-8, and write a quote inside a string as two quotes"),
    rule("outside-database", Form, Block,
         "do it by hand, or where the server is set up: a rollback does not undo it"),
    rule("enum-value-in-same-transaction", Form, Block, "use the value in the next migration"),
    rule("concurrently-in-transaction", Form, Block, "begin the file with `-- no-transaction`"),
    rule("ban-duplicate-column-assignments", Form, Block, ""),
    rule("identifier-too-long", Form, Warn, ""),
    rule("dynamic-execute", Form, Warn, "what it runs can only be seen by rehearsing it"),
    rule("allow-without-reason", Form, Warn, "say why, for whoever reads it in a year"),
    rule("unused-allow", Form, Warn, "take it out"),
    rule("unknown-directive", Form, Warn, ""),
    // The folder and its past.
    rule("edited-migration", Form, Block, "put it back, and write the change as a new migration"),
    rule("edited-comments", Form, Warn,
         "put it back: a tool that compares checksums takes it for another file"),
    rule("late-version", Form, Warn,
         "give it a newer version: others have applied newer ones already"),
    rule("same-version", Form, Block, "give one of the two another version"),
    rule("same-second", Form, Warn, "give one of the two another second: their order is chance"),
    rule("missing-down-file", Form, Warn,
         "write what leads back, or say in the file why there is none"),
    rule("empty-down-file", Form, Warn,
         "write the statements that undo the migration: `rollback` refuses an empty file"),
    rule("empty-migration", Form, Warn, "write it, or remove the file"),
    rule("orphan-down-file", Form, Warn, "give it the name of its up file, or remove it"),
    rule("misnamed-file", Form, Warn, "rename it, or move it away"),
    rule("wrong-marker", Form, Block, "correct it, or name the tool whose file it is in db.toml"),
    // Rows and values.
    rule("ban-drop-table", Loss, Block, "rename it first, and drop it when nobody has missed it"),
    rule("ban-drop-column", Loss, Block, "let the programs forget it first"),
    rule("ban-drop-schema", Loss, Block, ""),
    rule("ban-drop-database", Loss, Block, ""),
    rule("drop-cascade", Loss, Block, "name what should go: CASCADE takes what nobody looked at"),
    rule("truncate", Loss, Block, "delete what should go with a WHERE"),
    rule("delete-without-where", Loss, Block, "say which rows"),
    rule("update-without-where", Loss, Warn, "say which rows, and do many in batches"),
    rule("dml-in-cte", Loss, Warn, "write it as a statement of its own, which reviewers see"),
    rule("narrowing-type-change", Loss, Warn, "look first whether every value fits"),
    // What the database promises.
    rule("constraints-off", Integrity, Block,
         "leave them on: nothing looks later at what was done meanwhile"),
    rule("trigger-off", Integrity, Warn, "say why: what it does is not done meanwhile"),
    rule("catalog-written", Integrity, Block,
         "use the statement that does it: it looks first whether that is true"),
    rule("own-tables", Integrity, Block,
         "leave the schema `cargo_db` alone: `cargo db env set` changes the marker"),
    // Measured by a rehearsal.
    rule("fails", Form, Block, ""),
    rule("commit-fails", Form, Block, "what is deferred is checked at the commit"),
    rule("invalid-index", Form, Block, "drop it: nothing can use it"),
    rule("rows-lost", Loss, Block, ""),
    rule("values-lost", Loss, Block, ""),
    rule("values-overwritten", Loss, Warn, ""),
    rule("keys-changed", Loss, Block, ""),
    rule("not-counted", Loss, Unmeasured,
         "rehearse it on a copy with rows, as a superuser or a role with BYPASSRLS"),
    rule("orphans", Integrity, Block, ""),
    rule("sequence-behind", Integrity, Block, ""),
    rule("rewrite", Lock, Block, "add a column, fill it in batches, and change over"),
    rule("scan-under-lock", Lock, Block,
         "CONCURRENTLY, or NOT VALID and a VALIDATE in the next migration"),
    rule("work-under-lock", Lock, Block, "do it in a migration of its own, before or after"),
    rule("missing-index", Lock, Warn, "index the column that refers to it"),
    rule("relation-gone", Compatibility, Warn, ""),
    rule("column-gone", Compatibility, Warn, ""),
    rule("column-type-changed", Compatibility, Warn, ""),
    rule("enum-value-gone", Compatibility, Warn, ""),
    rule("function-gone", Compatibility, Warn, ""),
    rule("required-column", Compatibility, Warn, ""),
    rule("rights-lost", Compatibility, Warn, ""),
    rule("row-security-on", Compatibility, Warn, ""),
    rule("unique-gone", Compatibility, Warn, ""),
    rule("partition-gone", Compatibility, Warn, ""),
    // Locks and rewrites.
    rule("require-concurrent-index-creation", Lock, Warn, ""),
    rule("require-concurrent-index-deletion", Lock, Warn, ""),
    rule("require-concurrent-reindex", Lock, Warn, ""),
    rule("require-concurrent-partition-detach", Lock, Warn, ""),
    rule("constraint-missing-not-valid", Lock, Warn, ""),
    rule("adding-foreign-key-constraint", Lock, Warn, ""),
    rule("adding-field-with-default", Lock, Warn, ""),
    rule("adding-not-nullable-field", Lock, Warn, ""),
    rule("adding-serial-primary-key-field", Lock, Warn, ""),
    rule("disallowed-unique-constraint", Lock, Warn, ""),
    rule("changing-column-type", Lock, Warn, ""),
    rule("ban-alter-domain-with-add-constraint", Lock, Warn, ""),
    rule("attach-partition", Lock, Warn,
         "add a matching CHECK first, so that the table need not be read"),
    rule("refresh-materialized-view", Lock, Warn,
         "REFRESH … CONCURRENTLY lets it be read meanwhile"),
    rule("cluster", Lock, Warn, "pg_repack does it without shutting everybody out"),
    rule("vacuum-full", Lock, Warn, "a plain VACUUM, or pg_repack"),
    rule("set-unlogged", Lock, Warn, "make it so when it is created: here it is written anew"),
    rule("serial-column", Lock, Warn,
         "add it as bigint, fill it in batches, then attach the sequence"),
    rule("add-column-with-check", Lock, Warn,
         "add the column, then the CHECK as NOT VALID, then validate it"),
    // What programs rely on.
    rule("renaming-column", Compatibility, Warn, ""),
    rule("renaming-table", Compatibility, Warn, ""),
    rule("renaming-object", Compatibility, Warn, ""),
    rule("adding-required-field", Compatibility, Warn, ""),
    rule("ban-set-schema", Compatibility, Warn, ""),
    rule("ban-drop-constraint", Compatibility, Warn, ""),
    rule("ban-drop-view", Compatibility, Warn, ""),
    rule("ban-drop-function", Compatibility, Warn, ""),
    rule("ban-drop-type", Compatibility, Warn, ""),
    rule("ban-drop-sequence", Compatibility, Warn, ""),
    rule("ban-drop-domain", Compatibility, Warn, ""),
];

/// The rule with this name.
pub(super) fn named(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// What a finding of the linter is about; one of a rule that is not enabled is left out.
pub(super) fn of_linter(name: &str) -> Option<(Class, Severity)> {
    named(name).map(|rule| (rule.class, rule.severity))
}
