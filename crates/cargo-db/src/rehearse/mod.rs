//! Knows what a migration does before it does it: every pending migration runs on a scratch copy of the
//! database and is measured there, statement by statement, and then its way back.

mod capture;
mod fingerprint;
mod judge;
mod measure;
mod outside;
mod program;
mod queries;
mod receipt;
mod scratch;
mod snapshot;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::check::{self, Direction, Source, finding};
use crate::failure::{Kind, Result, StatementError};
use crate::migration::{read_script, session_settings};
use crate::model::event::Event;
use crate::model::finding::{Checked, Class, Expected, Finding, Severity, Verdict};
use crate::model::migration::{Migration, ScriptFile};
use crate::model::rehearsal::{Basis, Guard, Locked, Rehearsal, Rehearsed, WayBack};
use crate::model::target::Target;
use crate::rehearse::measure::{Baseline, Lost, Measure, Measured};
use crate::rehearse::queries::Preparing;
use crate::rehearse::scratch::Scratch;
use crate::rehearse::snapshot::{Relation, reaches_out};
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::files;
use crate::world::pg::{Purpose, Session, Stop};

use fingerprint::Fingerprint;
pub(crate) use judge::only_locks;
pub(crate) use queries::{Query, read as read_queries};
pub(crate) use receipt::{Receipt, Receipts, Stood};
pub(crate) use scratch::From;

/// Findings after which nothing more of the plan can be run on the copy.
const STOPS: [&str; 3] = ["fails", "commit-fails", "outside-database"];

/// What is to be rehearsed.
pub(crate) struct Request<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) target: &'a Target,
    pub(crate) migrations: &'a [Migration],
    pub(crate) from: From,
    /// Whether the scratch database stays.
    pub(crate) keep: bool,
    pub(crate) queries: Vec<Query>,
}

/// Rehearses it. The database itself is only read.
pub(crate) fn rehearse(world: &World, request: &Request<'_>) -> Result<(Rehearsal, Receipt)> {
    let began = stopwatch();
    let scratch = scratch::make(world, request)?;
    let copied = began.elapsed();
    let subject = scratch.basis.describe(&request.target.database);
    world.tell(Event::Finished { done: "Copied", subject, elapsed: copied });
    let mut stage = Stage::open(world, request, &scratch)?;
    let stood = Stood::of(&mut stage.session, &request.settings.migrations.layout)?;
    let migrations = if request.settings.migrations.layout.is_code() {
        stage.by_tool()?
    } else {
        let mut migrations = stage.forward()?;
        stage.remember_end(&migrations)?;
        stage.back(&mut migrations)?;
        migrations
    };
    let broken = std::mem::take(&mut stage.preparing.broken);
    let tables = stage.baseline.relations.values().filter(|relation| relation.holds_rows());
    let rows = tables.map(|table| table.rows).sum();
    let becomes = stage.becomes.take();
    drop(stage);
    let basis = scratch.basis.clone();
    let kept = if request.keep { Some(scratch.keep()?) } else { None };
    let rehearsal = Rehearsal { basis, copied, rows, migrations, broken, becomes, kept };
    let receipt = Receipt::of(&rehearsal, request.migrations, &stood);
    Ok((rehearsal, receipt))
}

/// The scratch database, with all that is needed to run on it.
struct Stage<'a> {
    world: &'a World,
    request: &'a Request<'a>,
    session: Session,
    baseline: Baseline,
    basis: Basis,
    preparing: Preparing<'a>,
    /// How many rows the tables of the database itself have, where the copy is another's.
    sizes: BTreeMap<String, u64>,
    /// The schema before each migration that ran.
    before: Vec<Fingerprint>,
    /// The digest of the schema after the last of them, if all of them ran.
    becomes: Option<String>,
}

impl<'a> Stage<'a> {
    fn open(world: &'a World, request: &'a Request<'a>, scratch: &Scratch) -> Result<Stage<'a>> {
        let mut session = Session::open(world, scratch.target(), Purpose::Write)?;
        session
            .run("set the limits of the session", &session_settings(&request.settings.limits))?;
        let baseline = scratch.baseline(&mut session)?;
        let preparing = Preparing::new(&mut session, &request.queries);
        let basis = scratch.basis.clone();
        let sizes = scratch.sizes.clone();
        Ok(Stage {
            world,
            request,
            session,
            baseline,
            basis,
            preparing,
            sizes,
            before: Vec::new(),
            becomes: None,
        })
    }

    /// Every migration in its order, as far as they succeed.
    fn forward(&mut self) -> Result<Vec<Rehearsed>> {
        let mut rehearsed: Vec<Rehearsed> = Vec::new();
        let mut stopped: Option<String> = None;
        for migration in self.request.migrations {
            let subject = migration.title();
            if let Some(why) = &stopped {
                rehearsed.push(unmeasured(migration, Vec::new(), why.clone()));
                continue;
            }
            if migration.up.is_code {
                let why = format!("{subject} is a program");
                rehearsed.push(unmeasured(migration, Vec::new(), why.clone()));
                stopped = Some(why);
                continue;
            }
            self.world.interrupt.check()?;
            self.world.tell(Event::Started { doing: "Rehearsing", subject: subject.clone() });
            let checked = self.look_through(migration)?;
            if checked.allowed.iter().any(|rule| rule == "outside-database") {
                // Its author knows; it is not run here, and those after it are.
                let why =
                    format!("{subject} reaches beyond its database, as it says, and was not run");
                let mut one = unmeasured(migration, checked.findings, why);
                one.verdict = Verdict::Warn.max(Verdict::of(&one.findings));
                let before = self.fingerprint()?;
                self.before.push(before);
                rehearsed.push(one);
                continue;
            }
            // What would leave the transaction, or the copy, is not run at all.
            let leaves = ["outside-database", "transaction-control", "psql-command"];
            if checked.findings.iter().any(|finding| leaves.contains(&finding.rule.as_str())) {
                let why = format!("{subject} cannot be run on a copy");
                rehearsed.push(unmeasured(migration, checked.findings, why.clone()));
                stopped = Some(why);
                continue;
            }
            let one = self.one(migration, checked)?;
            if one.findings.iter().any(|finding| STOPS.contains(&finding.rule.as_str())) {
                stopped = Some(format!("{subject} fails before it"));
            }
            rehearsed.push(one);
        }
        Ok(rehearsed)
    }

    fn look_through(&self, migration: &Migration) -> Result<Checked> {
        let path = &migration.up.path;
        let bytes = migration.up.part_of(files::read(&self.request.settings.root.join(path))?);
        let text = String::from_utf8_lossy(&bytes);
        Ok(check::check(&Source {
            path,
            text: &text,
            direction: Direction::Up,
            transactional: migration.up.transactional,
        }))
    }

    fn one(&mut self, migration: &Migration, checked: Checked) -> Result<Rehearsed> {
        let before = self.fingerprint()?;
        let invalid = self.invalid_indexes()?;
        let Ran { measured, failed, failure } = self.run(&migration.up)?;
        let fails = failed.is_some();
        let mut findings: Vec<Finding> = judge::beside_measurement(checked.findings);
        findings.extend(measured.iter().flat_map(judge::findings));
        let locks = judge::locks(&measured, migration.up.transactional);
        let held = judge::held_long(&locks, &findings);
        findings.extend(failed.into_iter().chain(held));
        for index in self.invalid_indexes()?.into_iter().filter(|index| !invalid.contains(index)) {
            let mut found = finding(
                "invalid-index",
                1,
                "",
                "it was left behind, and nothing can use it".to_owned(),
            );
            found.object = Some(judge::short(&index).to_owned());
            findings.push(found);
        }
        let after = self.fingerprint()?;
        let changes = before.changes(&after);
        let named = findings.iter().any(|finding| finding.class == Class::Compatibility);
        let lines = changes.iter().map(|change| change.evidence.clone()).collect();
        for change in changes.into_iter().filter(|_| !named) {
            let line = line_naming(&change.object, &measured);
            let mut found = finding(change.rule, line, "", change.evidence);
            found.object = Some(judge::short(&change.object).to_owned());
            findings.push(found);
        }
        let guards = guards(&measured, &checked.expected);
        findings
            .retain(|finding| !checked.expected.iter().any(|expected| expected.covers(finding)));
        findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.line));
        let subject = migration.title();
        self.preparing.after(&mut self.session, &subject);
        self.before.push(before);
        let mut verdict = Verdict::of(&findings);
        let writes = |measured: &Measured| {
            let first = pg_sql::lexer::words(&measured.text).into_iter().next().unwrap_or_default();
            matches!(
                first.as_str(),
                "insert" | "update" | "delete" | "merge" | "with" | "do" | "select" | "call"
            )
        };
        if self.basis == Basis::Schema
            && verdict < Verdict::Unmeasured
            && measured.iter().any(writes)
        {
            verdict = Verdict::Unmeasured;
        }
        let way_back = match &migration.down {
            None => WayBack::Irreversible,
            Some(_) if fails => WayBack::Unmeasured("the way there fails".to_owned()),
            Some(_) => WayBack::Unmeasured("it was not tried".to_owned()),
        };
        Ok(Rehearsed {
            version: migration.version.to_string(),
            name: migration.name.clone(),
            file: migration.up.path.clone(),
            verdict,
            findings,
            locks: self.scaled(locks),
            rows: judge::row_changes(&measured),
            duration: measured.iter().map(|statement| statement.elapsed).sum(),
            wal: measured.iter().map(|statement| statement.wal).sum(),
            way_back,
            changes: lines,
            failure,
            guards,
        })
    }

    /// Runs a file as the real run would.
    fn run(&mut self, file: &ScriptFile) -> Result<Ran> {
        let script = read_script(self.request.settings, file)?;
        let inside = file.transactional;
        if inside {
            self.session.run("begin a transaction", "BEGIN")?;
        }
        let mut measure = Measure::new(self.world, &self.baseline, inside);
        let ran = script.run(&mut self.session, &mut measure);
        self.world.interrupt.check()?;
        let (measured, trouble) = (std::mem::take(&mut measure.measured), measure.trouble.take());
        if let Some(trouble) = trouble {
            return Err(trouble);
        }
        let mut failure = None;
        let reached_out = measure.reached_out;
        let mut failed = match ran {
            Ok(()) => None,
            Err(Stop::Statement(error)) => {
                let why = error.server.message.clone();
                let found = finding("fails", error.line, &error.source_line, why);
                failure = Some(error);
                Some(found)
            }
            Err(Stop::Lost(why)) => {
                let (target, subject) =
                    (self.session.target.to_string(), "the rehearsal".to_owned());
                return Err(Kind::ConnectionLost { target, subject, why }.into());
            }
        };
        if failed.is_some() {
            self.session.run("give up", "ROLLBACK")?;
        } else if reached_out || inside && reaches_out(&mut self.session)? {
            // What lies outside the database is the real server's: it is undone, and said.
            self.session.run("give up", "ROLLBACK")?;
            let why = "it changes what all databases share, and was undone".to_owned();
            failed = Some(finding("outside-database", 1, "", why));
        } else if inside && let Err(error) = self.session.run("commit", "COMMIT") {
            failed = Some(finding("commit-fails", 1, "", error.to_string()));
        }
        let settings = session_settings(&self.request.settings.limits);
        self.session.run(
            "clean the session",
            &format!("RESET ALL; RESET ROLE; RESET SESSION AUTHORIZATION; {settings}"),
        )?;
        Ok(Ran { measured, failed, failure })
    }

    /// Where the copy is of another time or place, locks are held as much longer as the table is larger.
    fn scaled(&self, locks: Vec<Locked>) -> Vec<Locked> {
        let rows_of = |name: &str| {
            let same = |relation: &&Relation| judge::short(&relation.name) == name;
            self.baseline.relations.values().find(same).map_or(0, |relation| relation.rows)
        };
        let scale = |lock: Locked| {
            let there = self.sizes.iter().find(|(name, _)| judge::short(name) == lock.table);
            let there = there.map_or(0, |(_, rows)| *rows);
            let here = rows_of(&lock.table);
            #[expect(clippy::cast_precision_loss, reason = "an estimate of an estimate")]
            let factor = (here > 0 && there > 0).then(|| there as f64 / here as f64);
            Locked { estimated: factor.map(|factor| lock.held.mul_f64(factor)), ..lock }
        };
        locks.into_iter().map(scale).collect()
    }

    /// Notes what the schema has become, unless something was left out.
    fn remember_end(&mut self, rehearsed: &[Rehearsed]) -> Result<()> {
        let left_out = |one: &Rehearsed| {
            one.verdict == Verdict::Unmeasured
                || one.findings.iter().any(|found| STOPS.contains(&found.rule.as_str()))
        };
        if self.before.len() == rehearsed.len() && !rehearsed.iter().any(left_out) {
            self.becomes = Some(self.fingerprint()?.digest());
        }
        Ok(())
    }

    fn fingerprint(&mut self) -> Result<Fingerprint> {
        Fingerprint::of(&mut self.session, &self.request.settings.migrations.layout)
    }

    fn invalid_indexes(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid";
        self.session.column("look for invalid indexes", sql)
    }

    /// The down migrations, from the last one that ran to the first that cannot be taken back.
    fn back(&mut self, rehearsed: &mut [Rehearsed]) -> Result<()> {
        let ran = self.before.len();
        // What one of them leaves behind is not the fault of those before it.
        let mut left_behind: Vec<String> = Vec::new();
        for index in (0..ran).rev() {
            let failed = |found: &Finding| STOPS.contains(&found.rule.as_str());
            if rehearsed[index].findings.iter().any(failed) {
                continue;
            }
            let Some(down) = &self.request.migrations[index].down else { break };
            self.world.interrupt.check()?;
            let Ran { measured, failed, .. } = self.run(down)?;
            let after = self.fingerprint()?;
            let mut difference = self.before[index].difference(&after);
            difference.retain(|line| !left_behind.contains(line));
            let way_back = judge_back(&rehearsed[index], &measured, failed.as_ref(), &difference);
            left_behind.append(&mut difference);
            rehearsed[index].way_back = way_back;
            if failed.is_some() {
                let why = format!("the way back of {} fails", rehearsed[index].version);
                let earlier =
                    rehearsed[..index].iter_mut().filter(|one| one.way_back.word() == "unmeasured");
                earlier.for_each(|one| one.way_back = WayBack::Unmeasured(why.clone()));
                break;
            }
        }
        Ok(())
    }
}

/// What a down migration is, by what was lost there and back, and what is another way afterwards.
fn judge_back(
    there: &Rehearsed,
    back: &[Measured],
    failed: Option<&Finding>,
    difference: &[String],
) -> WayBack {
    if let Some(failed) = failed {
        return WayBack::Wrong(vec![format!("line {}: {}", failed.line, failed.evidence)]);
    }
    if !difference.is_empty() {
        return WayBack::Wrong(difference.to_vec());
    }
    let lost =
        |finding: &Finding| finding.class == Class::Loss && finding.severity == Severity::Block;
    let line = |finding: &Finding| {
        format!("{}: {}", finding.object.as_deref().unwrap_or_default(), finding.evidence)
    };
    let there = there.findings.iter().filter(|finding| lost(finding)).map(line);
    let back: Vec<Finding> = back.iter().flat_map(judge::findings).collect();
    let lost: Vec<String> =
        there.chain(back.iter().filter(|finding| lost(finding)).map(line)).collect();
    if lost.is_empty() { WayBack::Proved } else { WayBack::Lossy(lost) }
}

/// The line of the first statement that names an object, as far as that can be told.
fn line_naming(object: &str, measured: &[Measured]) -> usize {
    let last = object.rsplit('.').next().unwrap_or(object).trim_matches('"');
    let names = |statement: &&Measured| {
        pg_sql::lexer::words(&statement.text).iter().any(|word| word == last)
    };
    measured.iter().find(names).map_or(1, |statement| statement.line)
}

/// A migration that was not run, and why.
fn unmeasured(migration: &Migration, findings: Vec<Finding>, why: String) -> Rehearsed {
    Rehearsed {
        version: migration.version.to_string(),
        name: migration.name.clone(),
        file: migration.up.path.clone(),
        verdict: Verdict::Unmeasured.max(Verdict::of(&findings)),
        findings,
        locks: Vec::new(),
        rows: BTreeMap::new(),
        duration: Duration::ZERO,
        wal: 0,
        way_back: WayBack::Unmeasured(why),
        changes: Vec::new(),
        failure: None,
        guards: Vec::new(),
    }
}

/// What a file did when it ran.
struct Ran {
    measured: Vec<Measured>,
    /// Why it failed, as a finding, and the statement that did.
    failed: Option<Finding>,
    failure: Option<Box<StatementError>>,
}

/// The losses that the file expects, which are counted again just before the real run: what goes as a
/// whole can be counted before it goes.
fn guards(measured: &[Measured], expected: &[Expected]) -> Vec<Guard> {
    let lost = measured.iter().flat_map(|statement| &statement.lost);
    let guard = |lost: &Lost| {
        let object = lost.object();
        let names = |expected: &&Expected| {
            expected.hazard == "loss" && judge::short(&expected.object) == judge::short(&object)
        };
        let bound = expected.iter().find(names)?.bound;
        let (table, column) = lost.was.clone()?;
        Some(Guard { table, column, bound })
    };
    lost.filter_map(guard).collect()
}
