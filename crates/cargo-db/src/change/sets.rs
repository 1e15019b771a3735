//! Runs a verb for every set of migrations if none is selected.

use crate::answer::{Answer, AnswerOfSets, Outcome, SetEnding};
use crate::change::workspace::Workspace;
use crate::failure::{Exit, Result, RetainedFlag};

/// What a verb found for each set of migrations, by the set's name.
pub(crate) type EndedSets<A> = Vec<(Option<String>, SetEnding<A>)>;

/// Runs a verb for each set. A set that cannot be read does not hide the others.
pub(crate) fn over_sets<A: Answer + 'static>(
    workspace: &Workspace,
    run: impl Fn(&Workspace) -> Result<(A, Exit)>,
) -> Result<Outcome> {
    outcome_of_sets(workspace, each_set(workspace, run)?)
}

/// The same, for a verb that has more to say about all sets.
pub(crate) fn each_set<A>(
    workspace: &Workspace,
    run: impl Fn(&Workspace) -> Result<(A, Exit)>,
) -> Result<EndedSets<A>> {
    let of_set = |(set, of_set): (Option<String>, Result<Workspace>)| {
        workspace.world.interrupt.check()?;
        Ok((set, of_set.and_then(|of_set| run(&of_set)).into()))
    };
    workspace.of_each_set()?.into_iter().map(of_set).collect()
}

/// Runs a verb that changes something for one set after the other. Nothing runs if one of them
/// cannot run, as far as `foresee` knows, and after a failure no other set is started.
pub(crate) fn sets_in_order<A: Answer + 'static>(
    workspace: &Workspace,
    foresee: impl Fn(&Workspace) -> Result<()>,
    run: impl Fn(&Workspace) -> Result<(A, Exit)>,
) -> Result<Outcome> {
    let sets = workspace.of_each_set()?;
    if sets.len() == 1 {
        return outcome_of_sets(workspace, each_set(workspace, run)?);
    }
    let foreseen = sets.into_iter().map(|(set, of_set)| {
        let of_set = of_set.and_then(|of_set| foresee(&of_set).map(|()| of_set));
        (set, of_set)
    });
    let foreseen: Vec<(Option<String>, Result<Workspace>)> = foreseen.collect();
    workspace.world.interrupt.check()?;
    let mut is_stopped = foreseen.iter().any(|(_, of_set)| of_set.is_err());
    let mut ended = Vec::new();
    for (set, of_set) in foreseen {
        let ending = match of_set {
            Err(failure) => SetEnding::Failed(failure),
            Ok(_) if is_stopped => SetEnding::NotStarted,
            Ok(of_set) => {
                workspace.ui.set(set.as_deref());
                run(&of_set).into()
            }
        };
        is_stopped |= matches!(ending, SetEnding::Failed(_));
        ended.push((set, ending));
    }
    outcome_of_sets(workspace, ended)
}

/// The outcome of a verb that ran for these sets; the exit code is the worst of all.
pub(crate) fn outcome_of_sets<A: Answer + 'static>(
    workspace: &Workspace,
    sets: EndedSets<A>,
) -> Result<Outcome> {
    outcome_with_consent(workspace, sets, None)
}

/// The same, with the command that consents to the plans of all sets.
pub(crate) fn outcome_with_consent<A: Answer + 'static>(
    workspace: &Workspace,
    sets: EndedSets<A>,
    consent: Option<String>,
) -> Result<Outcome> {
    let with_its_set = |(set, ending)| with_its_set(workspace, set, ending);
    let mut sets: EndedSets<A> = sets.into_iter().map(with_its_set).collect();
    let exit = Exit::of_several(sets.iter().map(|(_, ending)| ending.exit()));
    if sets.len() == 1
        && let Some((set, ending)) = sets.pop()
    {
        let outcome = match ending {
            SetEnding::Answered(answer, _) => Outcome::done(answer).with_exit(exit),
            SetEnding::Failed(failure) => Outcome::from(failure),
            SetEnding::NotStarted => Outcome::said(),
        };
        return Ok(outcome.of_set(set.as_deref()));
    }
    for (set, ending) in &sets {
        if let SetEnding::Failed(failure) = ending {
            workspace.ui.failure_of_set(set.as_deref(), failure);
        }
    }
    Ok(Outcome::done(AnswerOfSets::of(sets).with_consent(consent)).with_exit(exit))
}

/// The failure of a set suggests commands about that set. That of an interrupted run says so.
fn with_its_set<A>(
    workspace: &Workspace,
    set: Option<String>,
    ending: SetEnding<A>,
) -> (Option<String>, SetEnding<A>) {
    let flag = set.as_ref().map(|set| RetainedFlag::new(&["--set"], [set]));
    let ending = match ending {
        SetEnding::Failed(failure) => {
            SetEnding::Failed(workspace.world.as_interrupted(failure).of_call(flag))
        }
        other => other,
    };
    (set, ending)
}
