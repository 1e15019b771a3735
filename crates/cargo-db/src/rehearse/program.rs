//! Migrations that are programs: their own tool runs them on the scratch database, and what they did is
//! what is another way afterwards. Which locks they take, and for how long, is not measured.

use std::collections::BTreeMap;

use crate::check::{self, Direction, Source, finding};
use crate::failure::{Kind, Result};
use crate::migration;
use crate::model::event::Event;
use crate::model::finding::{Class, Expected, Finding, Severity, Verdict};
use crate::model::history::Standing;
use crate::model::migration::Migration;
use crate::model::rehearsal::{Guard, Rehearsed, WayBack};
use crate::rehearse::{Stage, judge, unmeasured};
use crate::world::clock::stopwatch;
use crate::world::files;
use crate::world::pg::Session;
use db_tools::ProjectTool;
use db_tools::command::Task;
use pg_sql::quote::quote_identifier;

/// Tables with more rows than this are not counted.
const COUNTED: f64 = 5_000_000.0;

/// How many rows each table holds, and how many values each of its columns.
#[derive(Default)]
struct Content(BTreeMap<String, Table>);

struct Table {
    rows: u64,
    values: BTreeMap<String, u64>,
}

impl Stage<'_> {
    /// Runs every migration there, one by one where the tool can, and back again.
    pub(super) fn by_tool(&mut self) -> Result<Vec<Rehearsed>> {
        let migrations = self.request.migrations;
        migration::verify_tool_target(self.world, self.request.settings, &self.session.target)?;
        let one_by_one = migrations.len() == 1 || self.can(&Task::ApplyNext { count: 1, last: "" });
        let groups: Vec<&[Migration]> =
            if one_by_one { migrations.chunks(1).collect() } else { vec![migrations] };
        let mut rehearsed: Vec<Rehearsed> = Vec::new();
        let mut stopped: Option<String> = None;
        for group in groups {
            if let Some(why) = &stopped {
                rehearsed.extend(group.iter().map(|one| unmeasured(one, Vec::new(), why.clone())));
                continue;
            }
            let outcome = self.group(group, one_by_one && migrations.len() > 1)?;
            if outcome.iter().any(|one| one.findings.iter().any(|finding| finding.rule == "fails"))
            {
                stopped = Some("one before it fails".to_owned());
            }
            rehearsed.extend(outcome);
        }
        self.remember_end(&rehearsed)?;
        if one_by_one && stopped.is_none() {
            self.back_by_tool(&mut rehearsed)?;
        }
        Ok(rehearsed)
    }

    /// What the tool keeps for itself is not anybody's data.
    fn content(&mut self) -> Result<Content> {
        content(&mut self.session, &self.request.settings.migrations.layout)
    }

    fn can(&self, task: &Task<'_>) -> bool {
        migration::task_exists(self.request.settings, task).is_ok()
    }

    /// Migrations that run together. What they do together is said of the last one.
    fn group(&mut self, group: &[Migration], one_of_several: bool) -> Result<Vec<Rehearsed>> {
        let Some((last, others)) = group.split_last() else { return Ok(Vec::new()) };
        let (world, settings) = (self.world, self.request.settings);
        world.interrupt.check()?;
        world.tell(Event::Started { doing: "Rehearsing", subject: last.title() });
        let schema = self.fingerprint()?;
        let content = self.content()?;
        let version = last.version.to_string();
        let task = if one_of_several {
            Task::ApplyNext { count: 1, last: &version }
        } else {
            Task::ApplyAll
        };
        let began = stopwatch();
        let target = self.session.target.clone();
        let ran = migration::run_task(world, settings, &target, &task);
        let duration = began.elapsed();
        let mut findings = Vec::new();
        match ran {
            Err(failure) if matches!(failure.kind(), Kind::ToolFailed { .. }) => {
                // A program's last line says more than its first.
                let why = failure
                    .why()
                    .into_iter()
                    .rfind(|line| !line.trim().is_empty())
                    .unwrap_or_default();
                findings.push(finding("fails", 1, "", format!("{failure}: {}", why.trim())));
            }
            Err(failure) => return Err(failure),
            Ok(_) => {
                let facts = migration::gather(world, settings, &target)?;
                let applied = |one: &&Migration| {
                    facts.history.applied.iter().any(|row| row.version == one.version)
                };
                if let Some(left_out) = group.iter().find(|one| !applied(one)) {
                    let why = format!(
                        "the tool reported success, and {} is not applied",
                        left_out.title()
                    );
                    findings.push(finding("fails", 1, "", why));
                }
            }
        }
        let now = self.content()?;
        findings.extend(content.losses(&now));
        let after = self.fingerprint()?;
        let changes = schema.changes(&after);
        let lines = changes.iter().map(|change| change.evidence.clone()).collect();
        for change in changes {
            let mut found = finding(change.rule, 1, "", change.evidence);
            found.object = Some(judge::short(&change.object).to_owned());
            findings.push(found);
        }
        self.before.push(schema);
        let expected = self.expected(last)?;
        let guards = guards(&findings, &expected);
        findings.retain(|finding| !expected.iter().any(|expected| expected.covers(finding)));
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let verdict = Verdict::of(&findings);
        let of_last = Rehearsed {
            verdict,
            findings,
            duration,
            way_back: WayBack::Unmeasured("it was not tried".to_owned()),
            changes: lines,
            guards,
            ..unmeasured(last, Vec::new(), String::new())
        };
        let together = |one: &Migration| Rehearsed {
            verdict: Verdict::Pass,
            way_back: WayBack::Unmeasured(format!("it was run together with {}", last.title())),
            ..unmeasured(one, Vec::new(), String::new())
        };
        Ok(others.iter().map(together).chain([of_last]).collect())
    }

    /// What the file says that it expects, in a comment of whatever language.
    fn expected(&self, migration: &Migration) -> Result<Vec<Expected>> {
        let path = self.request.settings.root.join(&migration.up.path);
        if !files::is_there(&path) {
            return Ok(Vec::new());
        }
        let text = String::from_utf8_lossy(&files::read(&path)?).into_owned();
        let directives = text
            .lines()
            .filter_map(|line| Some(format!("-- {}\n", &line[line.find("cargo-db:")?..])));
        let text: String = directives.collect();
        let path = &migration.up.path;
        let source = Source { path, text: &text, direction: Direction::Up, transactional: true };
        Ok(check::check(&source).expected)
    }

    fn back_by_tool(&mut self, rehearsed: &mut [Rehearsed]) -> Result<()> {
        let (world, settings) = (self.world, self.request.settings);
        let target = self.session.target.clone();
        for index in (0..rehearsed.len()).rev() {
            let version = rehearsed[index].version.clone();
            let left = self.applied_but(&version)?;
            let left = left.iter().map(String::as_str);
            let newest = settings.migrations.layout.newest_left(&version, left);
            let task = Task::Revert { count: 1, first: &version, newest };
            if !self.can(&task) {
                rehearsed[index].way_back = WayBack::Irreversible;
                return Ok(());
            }
            world.interrupt.check()?;
            let before = self.content()?;
            if let Err(failure) = migration::run_task(world, settings, &target, &task) {
                rehearsed[index].way_back = WayBack::Wrong(failure.why());
                return Ok(());
            }
            let after = self.fingerprint()?;
            let difference = self.before[index].difference(&after);
            let lost = before.losses(&self.content()?);
            let there = rehearsed[index].findings.iter().filter(|finding| is_lost(finding));
            let lost: Vec<String> =
                there.chain(lost.iter().filter(|finding| is_lost(finding))).map(line).collect();
            rehearsed[index].way_back = match (difference.is_empty(), lost.is_empty()) {
                (false, _) => WayBack::Wrong(difference),
                (true, false) => WayBack::Lossy(lost),
                (true, true) => WayBack::Proved,
            };
        }
        Ok(())
    }

    /// What is applied on the copy besides this one, in the order of the files.
    fn applied_but(&mut self, version: &str) -> Result<Vec<String>> {
        let target = self.session.target.clone();
        let facts = migration::gather(self.world, self.request.settings, &target)?;
        let standing = Standing::compare(&facts.folder, &facts.history);
        let versions = standing.applied.iter().map(|(row, _)| row.version.to_string());
        Ok(versions.filter(|applied| applied != version).collect())
    }
}

fn is_lost(finding: &Finding) -> bool {
    finding.class == Class::Loss && finding.severity == Severity::Block
}

fn line(finding: &Finding) -> String {
    format!("{}: {}", finding.object.as_deref().unwrap_or_default(), finding.evidence)
}

/// What the file expects to go, to be counted again before the real run.
fn guards(findings: &[Finding], expected: &[Expected]) -> Vec<Guard> {
    let guard = |finding: &Finding| {
        let bound = expected.iter().find(|expected| expected.covers(finding))?.bound;
        let object = finding.object.clone()?;
        let (table, column) = match finding.rule.as_str() {
            "values-lost" => object
                .rsplit_once('.')
                .map(|(table, column)| (table.to_owned(), Some(column.to_owned())))?,
            _ => (object, None),
        };
        Some(Guard { table, column, bound })
    };
    findings.iter().filter(|finding| is_lost(finding)).filter_map(guard).collect()
}

fn content(session: &mut Session, layout: &ProjectTool) -> Result<Content> {
    let sql = format!(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.reltuples, \
               (SELECT string_agg(a.attname, E'\\x1f' ORDER BY a.attnum) FROM pg_attribute a \
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' \
               AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'cargo_db') AND NOT {}",
        layout.own_relations()
    );
    let mut content = Content::default();
    for row in session.rows("list the tables", &sql)? {
        let text = |at: usize| row[at].clone().unwrap_or_default();
        if text(1).parse::<f64>().unwrap_or(0.0) > COUNTED {
            continue;
        }
        let (name, columns) = (text(0), text(2));
        let columns: Vec<&str> =
            columns.split('\x1f').filter(|column| !column.is_empty()).collect();
        let counts: Vec<String> =
            columns.iter().map(|column| format!(", count({})", quote_identifier(column))).collect();
        let counted = session.rows(
            "count rows and values",
            &format!("SELECT count(*){} FROM {name}", counts.concat()),
        )?;
        let Some(counted) = counted.first() else { continue };
        let number =
            |at: usize| counted[at].as_deref().and_then(|number| number.parse().ok()).unwrap_or(0);
        let values =
            columns.iter().enumerate().map(|(at, column)| ((*column).to_owned(), number(at + 1)));
        content.0.insert(name, Table { rows: number(0), values: values.collect() });
    }
    Ok(content)
}

impl Content {
    /// What was here and is not in `now`.
    fn losses(&self, now: &Content) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |rule: &str, object: String, rows: u64, evidence: String| {
            let mut finding = finding(rule, 1, "", evidence);
            let object = judge::short(&object).to_owned();
            finding.help = Some(format!(
                "if that is meant: `cargo-db: expect loss {object} <= {rows}` in a comment"
            ));
            (finding.object, finding.rows) = (Some(object), Some(rows));
            found.push(finding);
        };
        for (name, before) in self.0.iter().filter(|(_, table)| table.rows > 0) {
            let Some(after) = now.0.get(name) else {
                add(
                    "rows-lost",
                    name.clone(),
                    before.rows,
                    format!("the table is gone, with {} rows", before.rows),
                );
                continue;
            };
            if after.rows < before.rows {
                let gone = before.rows - after.rows;
                add("rows-lost", name.clone(), gone, format!("{gone} rows are gone"));
                continue;
            }
            for (column, &values) in before.values.iter().filter(|(_, values)| **values > 0) {
                let object = format!("{name}.{column}");
                match after.values.get(column) {
                    None => add(
                        "values-lost",
                        object,
                        values,
                        format!("{values} values go with the column"),
                    ),
                    Some(&left) if left < values => {
                        add(
                            "values-lost",
                            object,
                            values - left,
                            format!("{} values are gone", values - left),
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        found
    }
}
