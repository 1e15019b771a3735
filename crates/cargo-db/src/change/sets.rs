//! Runs a verb over every set of migrations if none is selected.

use crate::answer::{Answer, AnswerOfSets, Outcome};
use crate::change::workspace::Workspace;
use crate::failure::{Exit, Failure, Hint, Result, RetainedFlag};

/// What a verb found for each set of migrations, by the set's name.
pub(crate) type FoundOfSets<A> = Vec<(Option<String>, Result<A>)>;

/// The outcome of a verb that ran over these sets. A set that cannot be read does not hide the
/// others; the exit code is the worst of all.
pub(crate) fn outcome_of_sets<A: Answer + Clone + 'static>(
    workspace: &Workspace,
    sets: FoundOfSets<A>,
    finding: impl Fn(&A) -> Option<Exit>,
) -> Result<Outcome> {
    let exit_of = |found: &Result<A>| match found {
        Ok(answer) => finding(answer).unwrap_or(Exit::Done),
        Err(failure) => failure.exit(),
    };
    let exit = Exit::of_several(sets.iter().map(|(_, found)| exit_of(found)));
    let named: FoundOfSets<A> = sets.into_iter().map(with_its_set).collect();
    if named.len() == 1 {
        let mut found = named.into_iter().map(|(_, found)| found);
        let worst = found.find(|found| exit_of(found) == exit);
        let answered = |answer| Outcome::done(answer).with_exit(exit);
        return worst.map_or_else(|| Ok(Outcome::said()), |found| found.map(answered));
    }
    let outcome = Outcome::done(AnswerOfSets::of(&named)).with_exit(exit);
    for (set, found) in named {
        let Err(failure) = found else { continue };
        let why: String = failure.why().iter().map(|why| format!("\n  {why}")).collect();
        let hints = failure.hints();
        let hints: String =
            hints.iter().map(|hint| format!("\n  help: {}", described(hint))).collect();
        let set = set.as_deref().unwrap_or("without a name");
        workspace.ui.warning(&format!("set {set}: {failure}{why}{hints}"));
    }
    Ok(outcome)
}

fn described(hint: &Hint) -> String {
    match &hint.command {
        Some(command) => format!("{}: `{command}`", hint.label),
        None => hint.label.clone(),
    }
}

/// The failure of a set suggests commands about that set.
fn with_its_set<A>((set, found): (Option<String>, Result<A>)) -> (Option<String>, Result<A>) {
    let flag = set.as_ref().map(|set| RetainedFlag::new(&["--set"], [set]));
    (set, found.map_err(|failure: Failure| failure.of_call(flag)))
}
