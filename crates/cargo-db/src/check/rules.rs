//! The rules: those of the linter that are enabled, and our own for what it does not know.
//! `docs/rules.md` has a section on each, with examples that a test runs.

use crate::failure::KEEP_HISTORY;
use crate::model::finding::Class::{self, Compatibility, Form, Integrity, Lock, Loss};
use crate::model::finding::Severity::{self, Block, Unmeasured, Warn};

/// A rule.
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

/// All rules, by topic.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    // The file.
    rule("syntax", Form, Block, ""),
    rule("psql-command", Form, Block, "write SQL: cargo db does not run psql commands"),
    rule("transaction-control", Form, Block,
         "remove the statement, or begin the file with `-- no-transaction`"),
    rule("misread-setting", Form, Block,
         "remove the setting, save the file as UTF-8, and write a quote inside a string as two \
          quotes"),
    rule("outside-database", Form, Block,
         "run the statement by hand, or where the server is set up, because a rollback does not \
          undo it; if it belongs here, `-- cargo-db: allow outside-database <reason>` excludes it \
          from rehearsals"),
    rule("enum-value-in-same-transaction", Form, Block, "use the value in the next migration"),
    rule("concurrently-in-transaction", Form, Block, "begin the file with `-- no-transaction`"),
    rule("ban-duplicate-column-assignments", Form, Block, ""),
    rule("identifier-too-long", Form, Warn, ""),
    rule("dynamic-execute", Form, Warn, "only a rehearsal shows what it runs"),
    rule("allow-without-reason", Form, Warn, "give the reason, for later readers"),
    rule("unused-allow", Form, Warn, "remove it"),
    rule("unknown-directive", Form, Warn, ""),
    // The folder and its past.
    rule("edited-migration", Form, Block,
         "restore the file, and write the change as a new migration"),
    rule("deleted-migration", Form, Block,
         "restore the file, and write a new migration that reverts it"),
    rule("edited-comments", Form, Warn,
         "restore the file: a tool that compares checksums reports it as edited"),
    rule("late-version", Form, Warn,
         "give the file a newer version, as `cargo db rebase` does: newer migrations are already \
          applied elsewhere"),
    rule("same-version", Form, Block,
         "change the version of one of the two, as `cargo db rebase` does"),
    rule("same-second", Form, Warn, "change the time of one of the two: their order is undefined"),
    rule("missing-down-file", Form, Warn,
         "add a down file, or `-- cargo-db: allow missing-down-file <why>`"),
    rule("empty-down-file", Form, Warn,
         "write the statements that undo the migration: without them, `rollback` refuses it"),
    rule("empty-migration", Form, Warn, "write the migration, or remove the file"),
    rule("orphan-down-file", Form, Warn, "give the file the name of its up file, or remove it"),
    rule("misnamed-file", Form, Warn, "rename the file, or move it away"),
    rule("wrong-marker", Form, Block,
         "correct the marker, or name the tool of this file in db.toml"),
    // Rows and values.
    rule("ban-drop-table", Loss, Block,
         "rename the table first, and drop it when nothing uses it any more; to accept the loss: \
          `-- cargo-db: expect loss <table> <= <rows>`"),
    rule("ban-drop-column", Loss, Block,
         "first deploy programs that do not use the column; to accept the loss: \
          `-- cargo-db: expect loss <table>.<column> <= <values>`"),
    rule("ban-drop-schema", Loss, Block, ""),
    rule("ban-drop-database", Loss, Block, ""),
    rule("drop-cascade", Loss, Block, "name the objects to drop: CASCADE also drops what nobody \
                                       reviewed"),
    rule("truncate", Loss, Block, "use DELETE with a WHERE"),
    rule("delete-without-where", Loss, Block, "add a WHERE"),
    rule("update-without-where", Loss, Warn, "add a WHERE, and update many rows in batches"),
    rule("dml-in-cte", Loss, Warn, "write a separate statement, which reviewers notice"),
    rule("narrowing-type-change", Loss, Warn, "first check that every value fits"),
    // What the database promises.
    rule("constraints-off", Integrity, Block,
         "keep the constraints on: rows that are written meanwhile are never checked"),
    rule("trigger-off", Integrity, Warn, "give the reason: the trigger does not fire meanwhile"),
    rule("catalog-written", Integrity, Block,
         "use the DDL statement, which validates the change"),
    rule("own-tables", Integrity, Block,
         "do not change the schema `cargo_db`: use `cargo db env set`"),
    // Measured by a rehearsal.
    rule("history-changed", Integrity, Block, KEEP_HISTORY),
    rule("fails", Form, Block, ""),
    rule("commit-fails", Form, Block, "deferred constraints are checked at commit"),
    rule("invalid-index", Form, Block, "drop the index: no query can use it"),
    rule("unattached-index", Form, Warn,
         "create the index on each partition CONCURRENTLY, then `ALTER INDEX … ATTACH \
          PARTITION`"),
    rule("rows-lost", Loss, Block, ""),
    rule("values-lost", Loss, Block, ""),
    rule("values-overwritten", Loss, Warn, ""),
    rule("keys-changed", Loss, Block, ""),
    rule("not-counted", Loss, Unmeasured,
         "rehearse on a copy with rows, as a superuser or a role with BYPASSRLS"),
    rule("orphans", Integrity, Block, ""),
    rule("sequence-behind", Integrity, Block, ""),
    rule("rewrite", Lock, Block, "add a new column, fill it in batches, and switch over"),
    rule("scan-under-lock", Lock, Block,
         "use CONCURRENTLY, or NOT VALID and VALIDATE in the next migration"),
    rule("work-under-lock", Lock, Block, "move this work to a separate migration, before or after"),
    rule("missing-index", Lock, Warn, "index the referencing column"),
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
         "add a matching CHECK first, so that the table is not scanned"),
    rule("refresh-materialized-view", Lock, Warn,
         "REFRESH … CONCURRENTLY does not block reads"),
    rule("cluster", Lock, Warn, "use pg_repack, which does not block reads and writes"),
    rule("vacuum-full", Lock, Warn, "use a plain VACUUM, or pg_repack"),
    rule("set-unlogged", Lock, Warn,
         "decide this when you create the table, because the change rewrites the table"),
    rule("serial-column", Lock, Warn,
         "add the column as bigint, fill it in batches, then attach the sequence"),
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

/// The class and severity of a linter's rule; `None` if the rule is not enabled.
pub(super) fn of_linter(name: &str) -> Option<(Class, Severity)> {
    named(name).map(|rule| (rule.class, rule.severity))
}

#[cfg(test)]
mod tests {
    use pg_logical::diff::Hazard;

    use super::named;

    #[test]
    fn hazards_of_a_difference_have_the_names_of_rules() {
        // A check of one migration cannot know these.
        let own = [Hazard::AuthzChanged, Hazard::UntrackableDependency];
        for hazard in Hazard::ALL.iter().filter(|hazard| !own.contains(hazard)) {
            assert!(named(hazard.word()).is_some(), "{}", hazard.word());
        }
    }
}
