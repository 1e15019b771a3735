//! JUnit XML, for test reports: a suite for each set, a test case for each file.

use std::cmp::Reverse;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::answer::{ErrorView, FileReport, SetReport};
use crate::face::report::page::{FileFinding, Page};
use crate::failure::{Result, RunError};

/// The report.
pub(super) fn written(page: &Page) -> Result<String> {
    let mut report = Report::new(page.title());
    report.add_test_suites(page.sets.iter().map(|set| suite(page, set)));
    let unwritable = |error| RunError::Bug { what: format!("the findings are no XML: {error}") };
    report.to_string().map_err(|error| unwritable(error).into())
}

fn suite(page: &Page, set: &SetReport) -> TestSuite {
    let mut suite = TestSuite::new(set.set.clone().unwrap_or_else(|| page.title()));
    suite.add_test_cases(set.files.iter().map(|file| case(page, set, file)));
    suite.add_test_cases(set.error.iter().map(|error| failed(page, error)));
    suite
}

/// The test case of a file. It fails if the file fails the run.
fn case(page: &Page, set: &SetReport, file: &FileReport) -> TestCase {
    let lines: Vec<String> = FileFinding::all_of(file).map(line).collect();
    let text = lines.join("\n\n");
    let mut case = TestCase::new(file.title.clone(), TestCaseStatus::success());
    case.set_classname(page.title());
    if file.verdict >= set.fails_from {
        let worst = FileFinding::all_of(file).min_by_key(|found| Reverse(found.finding.severity));
        let message = worst.map(|found| found.title());
        case.status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        case.status
            .set_message(message.unwrap_or_else(|| file.verdict.word().to_owned()))
            .set_type(file.verdict.word())
            .set_description(text);
    } else if !text.is_empty() {
        case.set_system_out(text);
    }
    if let Some(file) = &file.file {
        case.extra.insert(XmlString::new("file"), XmlString::new(page.path(file)));
    }
    if let Some(rehearsed) = &file.rehearsed {
        case.set_time(Duration::from_millis(rehearsed.duration_ms));
    }
    case
}

fn line(found: FileFinding<'_>) -> String {
    let (word, place) = (found.finding.severity.verdict().word(), found.finding.place());
    format!("{word} line {place}, {}: {}", found.title(), found.message())
}

/// The test case of a set that could not be read, or of a run that failed.
fn failed(page: &Page, error: &ErrorView) -> TestCase {
    let lines = error.lines();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(lines.first().cloned().unwrap_or_default());
    status.set_type(error.code()).set_description(lines.join("\n"));
    let mut case = TestCase::new(page.title(), status);
    case.set_classname(page.title());
    case
}
