//! The three kinds of faults, and what must hold after each.

use std::fmt;
use std::process::Child;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::cases::{Case, Window};
use crate::proxy::Proxy;
use crate::scene::{Run, Scene, server};
use crate::stage::{Measure, Stage, until_begun};
use crate::support::Ran;

/// What strikes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Kill,
    Cut,
    Server,
}

/// What came of all strikes of one verb.
pub(crate) struct Row {
    fault: &'static str,
    verb: &'static str,
    often: usize,
    well: usize,
    /// How many met the change: it had begun, and had no outcome.
    hit: usize,
    of: String,
    /// Strikes after which something did not hold, also those that were aimed again.
    broken: usize,
}

/// A line of the table.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { fault, verb, often, well, hit, of, .. } = self;
        write!(f, "| {fault} | {verb} | {well} of {often} | {hit} | {of} |")
    }
}

impl Row {
    /// Printed at once, because the other cases take a while.
    fn breaks(&mut self, why: &str) {
        eprintln!("\n{} {}: {why}", self.fault, self.verb);
        self.broken += 1;
    }

    /// Nothing was broken, and four fifths of the strikes met the change.
    pub(crate) fn is_well(&self) -> bool {
        self.well == self.often && self.broken == 0 && self.hit * 5 >= self.often * 4
    }
}

/// What one strike met.
struct Struck {
    run: Run,
    code: Option<i32>,
    said: String,
    stage: Stage,
}

/// Where a strike falls: a stage, and how much of it has passed by then.
#[derive(Clone, Copy)]
struct Moment {
    stage: Stage,
    share: f64,
    number: usize,
}

impl Moment {
    /// Nine of ten strikes are spread over the change, the others over the preparation.
    fn of(case: &Case, number: usize, often: usize) -> Moment {
        let share = (number as f64 + 0.5) / often as f64;
        let before = case.window == Window::Preparation || number % 10 == 9;
        Moment { stage: if before { Stage::Before } else { Stage::Change }, share, number }
    }

    fn after(self, measure: &Measure) -> Duration {
        match self.stage {
            Stage::Before => measure.preparation.mul_f64(self.share),
            _ => measure.change.mul_f64(self.share),
        }
    }

    /// Pseudo-random bytes that are the same in every run of the suite.
    fn byte(self, measure: &Measure) -> u64 {
        let seed = (self.number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let random = (seed ^ (seed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 8;
        match self.stage {
            Stage::Before => 1 + random % measure.bytes_before,
            _ => 1 + measure.bytes_before + random % (measure.bytes - measure.bytes_before).max(1),
        }
    }
}

impl Fault {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Fault::Kill => "kill",
            Fault::Cut => "cut",
            Fault::Server => "server",
        }
    }

    /// Strikes a verb repeatedly, at moments, or bytes, that are spread over its change.
    pub(crate) fn strikes(self, case: &Case, often: usize) -> Row {
        let scene = Scene::new(case);
        let measure = Measure::of(&scene, case);
        let of = self.describe(&measure);
        let (fault, verb) = (self.word(), case.name);
        let mut row = Row { fault, verb, often, well: 0, hit: 0, of, broken: 0 };
        let attack = Attack { fault: self, case, scene, measure };
        for number in 0..often {
            let struck = attack.aim(Moment::of(case, number, often), &mut row);
            row.hit += usize::from(struck.stage == case.window.stage());
            match holds(case, &struck) {
                Ok(()) => row.well += 1,
                Err(why) => row.breaks(&format!("{number}: {why}")),
            }
            eprint!("\r{fault} {verb}: {} of {}, {} hit", row.well, number + 1, row.hit);
        }
        eprintln!("\r{row}");
        row
    }

    fn describe(self, measure: &Measure) -> String {
        let Measure { preparation, change, bytes_before, bytes } = measure;
        match self {
            Fault::Cut => format!("{} of {bytes} bytes", bytes - bytes_before),
            _ => format!("{} of {} ms", change.as_millis(), (*preparation + *change).as_millis()),
        }
    }
}

/// What is struck, where, and with what.
struct Attack<'a> {
    fault: Fault,
    case: &'a Case,
    scene: Scene,
    measure: Measure,
}

impl Attack<'_> {
    /// Strikes until the intended stage is hit: a machine with less load than during the
    /// measurement is faster. The invariants are checked after the other strikes too.
    fn aim(&self, mut moment: Moment, row: &mut Row) -> Struck {
        let mut struck = self.strike(moment);
        for _ in 0..3 {
            if struck.stage == moment.stage {
                break;
            }
            holds(self.case, &struck).unwrap_or_else(|why| row.breaks(&why));
            moment = Moment { share: moment.share * 0.7, number: moment.number + 1000, ..moment };
            struck = self.strike(moment);
        }
        struck
    }

    fn strike(&self, moment: Moment) -> Struck {
        match self.fault {
            Fault::Kill => self.strike_at(moment, |child| {
                child.kill().expect("a kill");
                child.wait().expect("its end");
            }),
            Fault::Server => self.strike_at(moment, |_| server().kill_and_restart()),
            Fault::Cut => self.cut(moment.byte(&self.measure), moment.number % 2 == 1),
        }
    }

    /// Starts a run, and strikes at a moment.
    fn strike_at(&self, moment: Moment, strike: impl Fn(&mut Child)) -> Struck {
        let (case, run) = (self.case, self.scene.run());
        let before = case.mark.seen(run.project.path());
        let stage = || case.mark.seen(run.project.path()).stage(before);
        let mut child = run.start(server().port, case.arguments);
        if moment.stage == Stage::Change {
            until_begun(&run, case, before, &mut child);
        }
        std::thread::sleep(moment.after(&self.measure));
        let ended = child.try_wait().expect("its state").is_some();
        let mut met = if ended { Stage::After } else { stage() };
        strike(&mut child);
        // What one that is dead has written, it had written before.
        if child.try_wait().is_ok_and(|status| status.is_some_and(|it| it.code().is_none())) {
            met = stage();
        }
        ended_at(run, child, met)
    }

    /// Starts a run whose connections are cut after this many bytes.
    fn cut(&self, byte: u64, heals: bool) -> Struck {
        let (mark, run) = (self.case.mark, self.scene.run());
        let root = run.project.path().to_owned();
        let before = mark.seen(&root);
        let met = Arc::new(OnceLock::new());
        let note = met.clone();
        let at_limit = move || note.set(mark.seen(&root).stage(before)).expect("one limit");
        let proxy = Proxy::start(server().port, byte, heals, at_limit);
        let child = run.start(proxy.port, self.case.arguments);
        // Where fewer bytes passed this time, nothing was cut.
        let mut struck = ended_at(run, child, Stage::After);
        struck.stage = met.get().copied().unwrap_or(Stage::After);
        struck
    }
}

fn ended_at(run: Run, child: Child, stage: Stage) -> Struck {
    let ran = Ran::from(child.wait_with_output().expect("its end"));
    Struck { run, code: ran.code, said: ran.to_string(), stage }
}

/// What must hold after a strike, and after one normal run.
fn holds(case: &Case, struck: &Struck) -> Result<(), String> {
    let Struck { run, code, said, .. } = struck;
    let done = (case.is_done)(run).map_err(|why| format!("inconsistent: {why}; {said}"))?;
    match code {
        Some(0) if !done => return Err(format!("exit 0, and the work is not done: {said}")),
        // The backup folder is not a database.
        Some(7) if done && case.is_of_the_server => {
            return Err(format!("exit 7, and the work is done: {said}"));
        }
        Some(7) if !(case.is_as_said)(run, said)? => {
            return Err(format!("exit 7, and more is done than it says: {said}"));
        }
        Some(70 | 101) => return Err(format!("a bug: {said}")),
        _ => {}
    }
    let again = run.db(case.arguments);
    if again.code != Some(0) {
        return Err(format!("the next run fails: {again}; the struck one: {said}"));
    }
    if !(case.is_done)(run).map_err(|why| format!("inconsistent after the next run: {why}"))? {
        return Err(format!("the next run did not bring it right: {again}"));
    }
    let left = run.left_over(case.keeps);
    if !left.is_empty() {
        return Err(format!("left over: {left:?}; {said}; the next run: {again}"));
    }
    let partial: Vec<_> = run
        .backups()
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(".partial"))
        .collect();
    let lonely = crate::cases::lonely(run)?;
    if matches!(case.name, "backup" | "prune") && !(partial.is_empty() && lonely.is_empty()) {
        return Err(format!("left over: {partial:?} {lonely:?}; {said}"));
    }
    let trail = run.db(&["audit", "verify"]);
    if trail.code != Some(0) {
        return Err(format!("the trail is not whole: {trail}"));
    }
    Ok(())
}
