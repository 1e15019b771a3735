//! What a verb ends with.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::answer::{Answer, SetReport, Style};
use crate::failure::{Exit, Failure, Result, RetainedFlag, RunError};

/// What a verb ends with: printed once, by `lib.rs`, through the face.
pub(crate) struct Outcome {
    answer: Option<Box<dyn AnyAnswer>>,
    exit: Exit,
    failure: Option<Failure>,
    set: Option<String>,
    root: Option<PathBuf>,
}

/// Any [`Answer`], for where its type makes no difference.
pub(crate) trait AnyAnswer {
    /// For people.
    fn text(&self, style: &Style) -> String;
    /// For programs.
    fn value(&self) -> Result<Value>;
    /// What was found in each set of migrations.
    fn reports(&self, style: &Style) -> Vec<SetReport>;
}

impl<A: Answer> AnyAnswer for A {
    fn text(&self, style: &Style) -> String {
        Answer::text(self, style)
    }

    fn value(&self) -> Result<Value> {
        let unwritable = |error| RunError::Bug { what: format!("an answer is no JSON: {error}") };
        serde_json::to_value(self).map_err(|error| unwritable(error).into())
    }

    fn reports(&self, style: &Style) -> Vec<SetReport> {
        Answer::reports(self, style)
    }
}

impl Outcome {
    /// All is done, or there was nothing to do.
    pub(crate) fn done(answer: impl Answer + 'static) -> Outcome {
        Outcome { answer: Some(Box::new(answer)), ..Outcome::said() }
    }

    /// All is done, and was written to stdout meanwhile.
    pub(crate) fn said() -> Outcome {
        Outcome { answer: None, exit: Exit::Done, failure: None, set: None, root: None }
    }

    /// There is an answer, and it is one of a failure: one document holds both.
    pub(crate) fn failed(answer: impl Answer + 'static, failure: Failure) -> Outcome {
        let exit = failure.exit();
        Outcome { failure: Some(failure), ..Outcome::done(answer).with_exit(exit) }
    }

    /// The same, with exit code 1 if there is a finding.
    pub(crate) fn finding_if(self, found: bool) -> Outcome {
        if found { self.with_exit(Exit::Finding) } else { self }
    }

    /// The same with another exit code.
    pub(crate) fn with_exit(self, exit: Exit) -> Outcome {
        Outcome { exit, ..self }
    }

    /// The same with the answer that its answer is made into, if it has one.
    pub(crate) fn with_answer<A: Answer + 'static>(
        self,
        made: impl FnOnce(Box<dyn AnyAnswer>) -> A,
    ) -> Outcome {
        let answer = self.answer.map(|answer| Box::new(made(answer)) as Box<dyn AnyAnswer>);
        Outcome { answer, ..self }
    }

    /// The same with the failure that its failure is made into, if it has one.
    pub(crate) fn with_failure(self, made: impl FnOnce(Failure) -> Failure) -> Outcome {
        let failure = self.failure.map(made);
        let exit = failure.as_ref().map_or(self.exit, Failure::exit);
        Outcome { failure, exit, ..self }
    }

    /// The failure alone.
    pub(crate) fn into_failure(self) -> Option<Failure> {
        self.failure
    }

    /// Sets the set of migrations that it belongs to.
    pub(crate) fn of_set(self, set: Option<&str>) -> Outcome {
        let Some(set) = set else { return self };
        let flag = RetainedFlag::new(&["--set"], [set]);
        Outcome { set: Some(set.to_owned()), ..self.of_call([flag]) }
    }

    /// The same, of a project in this folder.
    pub(crate) fn of_root(self, root: &Path) -> Outcome {
        Outcome { root: Some(root.to_owned()), ..self }
    }

    /// The same, of a call with these flags, which suggested commands need too.
    pub(crate) fn of_call(self, kept: impl IntoIterator<Item = RetainedFlag>) -> Outcome {
        let failure = self.failure.map(|failure| failure.of_call(kept));
        Outcome { failure, ..self }
    }

    /// The same, with the source of the database's address.
    pub(crate) fn of_address(self, place: Option<&str>) -> Outcome {
        let failure = self.failure.map(|failure| failure.of_address(place));
        Outcome { failure, ..self }
    }

    /// The answer, if there is one besides a failure.
    pub(crate) fn answer(&self) -> Option<&dyn AnyAnswer> {
        self.answer.as_deref()
    }

    /// What was found in each set of migrations, and the failure.
    pub(crate) fn reports(&self, style: &Style) -> Vec<SetReport> {
        let of_set = |report: SetReport| SetReport {
            set: report.set.or_else(|| self.set.clone()),
            ..report
        };
        let found = self.answer.iter().flat_map(|answer| answer.reports(style));
        let failed = self.failure.iter().map(|failure| SetReport::failed(failure.into()));
        found.chain(failed).map(of_set).collect()
    }

    /// The folder that the files of the project are relative to; none if the run did not find it.
    pub(crate) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The failure, if there is one.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The set of migrations that it belongs to.
    pub(crate) fn set(&self) -> Option<&str> {
        self.set.as_deref()
    }

    /// What the process ends with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Outcome {
        Outcome { exit: failure.exit(), failure: Some(failure), ..Outcome::said() }
    }
}
