//! The three kinds of faults, and what must hold after each.

use std::fmt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::cases::Case;
use crate::proxy::Proxy;
use crate::scene::{Run, Scene, server};
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
    /// How many met a run that was still at work.
    hit: usize,
    /// How many of those met it between the two records of the audit trail.
    in_deed: usize,
    of: String,
    faults: Vec<String>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.table())?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl Row {
    /// A line of the table.
    pub(crate) fn table(&self) -> String {
        let Row { fault, verb, often, well, hit, in_deed, of, .. } = self;
        format!("| {fault} | {verb} | {well} of {often} | {hit} | {in_deed} | {of} |")
    }

    /// Nothing was broken, and four fifths of the strikes met a run at work.
    pub(crate) fn is_well(&self) -> bool {
        self.well == self.often && self.faults.is_empty() && self.hit * 5 >= self.often * 4
    }
}

/// What one strike met.
struct Struck {
    run: Run,
    code: Option<i32>,
    said: String,
    hit: bool,
}

impl Fault {
    pub(crate) fn of(word: &str) -> Fault {
        match word {
            "cut" => Fault::Cut,
            "server" => Fault::Server,
            _ => Fault::Kill,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Fault::Kill => "kill",
            Fault::Cut => "cut",
            Fault::Server => "server",
        }
    }

    /// Strikes a verb so many times, at moments, or bytes, that are spread over all of its run.
    pub(crate) fn strikes(self, case: &Case, often: usize) -> Row {
        let scene = Scene::new(case.name, case.prepare);
        let mut measure = measure(&scene, case);
        let of = match self {
            Fault::Cut => format!("{} bytes", measure.bytes),
            _ => format!("{} ms", measure.time.as_millis()),
        };
        let mut row = Row {
            fault: self.word(),
            verb: case.name,
            often,
            well: 0,
            hit: 0,
            in_deed: 0,
            of,
            faults: Vec::new(),
        };
        for number in 0..often {
            // The machine may have more to do by now, or less.
            if number > 0 && number % 10 == 0 && self != Fault::Cut {
                measure.time = unharmed(&scene, case);
            }
            let mut struck = self.strike(&scene, case, &measure, (number, often));
            // A machine that has less to do than when it was measured is faster.
            for _ in 0..3 {
                if struck.hit || self == Fault::Cut {
                    break;
                }
                holds(case, &struck).unwrap_or_else(|why| row.faults.push(why));
                measure.time = measure.time.mul_f64(0.85);
                struck = self.strike(&scene, case, &measure, (number, often));
            }
            row.hit += usize::from(struck.hit);
            row.in_deed += usize::from(struck.hit && in_deed(&struck.run));
            match holds(case, &struck) {
                Ok(()) => row.well += 1,
                Err(why) => row.faults.push(format!("{} {number}: {why}", self.word())),
            }
        }
        row
    }

    fn strike(
        self,
        scene: &Scene,
        case: &Case,
        measure: &Measure,
        (number, often): (usize, usize),
    ) -> Struck {
        let run = scene.run();
        // From the first hundredth to the last but three.
        let share = 0.01 + 0.96 * number as f64 / often as f64;
        let moment = measure.time.mul_f64(share);
        match self {
            Fault::Kill => {
                let mut child = start(&run, case, server().port);
                std::thread::sleep(moment);
                let hit = child.try_wait().expect("its state").is_none();
                child.kill().expect("a kill");
                ended(run, child, hit)
            }
            Fault::Server => {
                let mut child = start(&run, case, server().port);
                std::thread::sleep(moment);
                let hit = child.try_wait().expect("its state").is_none();
                server().kill_and_restart();
                ended(run, child, hit)
            }
            Fault::Cut => {
                let byte = scattered(number, measure.bytes);
                let proxy = Proxy::start(server().port, byte, number % 2 == 1);
                let child = start(&run, case, proxy.port);
                let mut struck = ended(run, child, true);
                struck.hit = proxy.passed() >= byte;
                struck
            }
        }
    }
}

/// Bytes that look random, and are the same in every run of the suite.
fn scattered(number: usize, bytes: u64) -> u64 {
    let seed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    1 + (seed ^ (seed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) % bytes
}

fn start(run: &Run, case: &Case, port: u16) -> Child {
    let mut command = run.through(port, case.arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

fn ended(run: Run, child: Child, hit: bool) -> Struck {
    let ran = Ran::from(child.wait_with_output().expect("its end"));
    Struck { run, code: ran.code, said: ran.to_string(), hit }
}

/// What a run takes that nothing strikes.
struct Measure {
    time: Duration,
    bytes: u64,
}

fn measure(scene: &Scene, case: &Case) -> Measure {
    let mut times: Vec<Duration> = (0..3).map(|_| unharmed(scene, case)).collect();
    times.sort();
    let proxy = Proxy::start(server().port, u64::MAX, true);
    ended_well(case, &ended_of(&scene.run(), case, proxy.port));
    Measure { time: times[1], bytes: proxy.passed() }
}

/// How long a run takes that nothing strikes, and whose work is done then.
fn unharmed(scene: &Scene, case: &Case) -> Duration {
    let run = scene.run();
    let began = Instant::now();
    let ran = ended_of(&run, case, server().port);
    let time = began.elapsed();
    assert_eq!((case.is_done)(&run), Ok(true), "{}: {ran}", case.name);
    ended_well(case, &ran);
    time
}

fn ended_of(run: &Run, case: &Case, port: u16) -> Ran {
    run.through(port, case.arguments).output().expect("it runs").into()
}

fn ended_well(case: &Case, ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{}: {ran}", case.name);
}

/// Whether the trail ends with an intent.
fn in_deed(run: &Run) -> bool {
    let trail = std::fs::read_to_string(run.project.path().join(".db/audit.jsonl"));
    trail.is_ok_and(|text| text.lines().last().is_some_and(|last| last.contains("\"intent\"")))
}

/// What must hold after a strike, and after one normal run.
fn holds(case: &Case, struck: &Struck) -> Result<(), String> {
    let Struck { run, code, said, .. } = struck;
    let done = (case.is_done)(run).map_err(|why| format!("inconsistent: {why}; {said}"))?;
    match code {
        Some(0) if !done => return Err(format!("exit 0, and the work is not done: {said}")),
        // The backups folder is no database.
        Some(7) if done && case.is_of_the_server => {
            return Err(format!("exit 7, and the work is done: {said}"));
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
