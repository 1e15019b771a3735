//! SARIF 2.1.0, for code scanning.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_sarif::sarif::{
    ArtifactContent, ArtifactLocation, Invocation, Location, Message, MultiformatMessageString,
    Notification, PhysicalLocation, Region, ReportingDescriptor, Result as SarifResult,
    ResultLevel, Run, RunAutomationDetails, Sarif, Tool, ToolComponent, Version,
};

use crate::answer::{ErrorView, PROGRAM_VERSION};
use crate::face::report::page::{FileFinding, Page};
use crate::failure::{Result, RunError};
use crate::model::finding::Severity;
use crate::world::files::sha256;

/// Of the paths in a URI.
const IN_A_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The name of the fingerprint that code scanning reads.
const FINGERPRINT: &str = "primaryLocationLineHash";

/// GitHub refuses results without a place. These are about the project as a whole.
const NO_FILE: &str = "db.toml";

/// One run with the findings of all sets.
pub(super) fn written(page: &Page) -> Result<String> {
    let found = page.findings();
    let names: BTreeSet<&str> = found.iter().map(|one| one.finding.rule.as_str()).collect();
    let rules: Vec<ReportingDescriptor> = names.iter().map(|name| rule(name)).collect();
    let driver = ToolComponent::builder()
        .name("cargo-db")
        .version(PROGRAM_VERSION)
        .semantic_version(PROGRAM_VERSION)
        .rules(rules)
        .build();
    let mut seen = BTreeMap::new();
    let results = found.iter().map(|one| result(page, *one, (&names, &mut seen)));
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        // Findings of `check` and of `rehearse` do not replace each other.
        .automation_details(
            RunAutomationDetails::builder().id(format!("cargo-db/{}/", page.verb)).build(),
        )
        .invocations(vec![invocation(page)])
        .results(results.collect::<Vec<_>>())
        .build();
    let sarif =
        Sarif::builder().version(Version::V2_1_0.to_string()).schema(SCHEMA).runs(vec![run]);
    let unwritable = |error| RunError::Bug { what: format!("the findings are no SARIF: {error}") };
    serde_json::to_string(&sarif.build()).map_err(|error| unwritable(error).into())
}

fn rule(name: &str) -> ReportingDescriptor {
    let text = |text: String| MultiformatMessageString::builder().text(text).build();
    let help = format!("docs/rules.md of cargo db describes `{name}`");
    ReportingDescriptor::builder()
        .id(name)
        .short_description(text(name.replace('-', " ")))
        .full_description(text(help.clone()))
        .help(text(help))
        .build()
}

/// Failures of sets, or of the whole run.
fn invocation(page: &Page) -> Invocation {
    let said = |(set, error): (Option<&str>, &ErrorView)| {
        let set = set.map(|set| format!("set {set}: ")).unwrap_or_default();
        let text = format!("{set}{}", error.lines().join("\n"));
        Notification::builder().message(message(text)).level(serde_json::json!("error")).build()
    };
    let notifications: Vec<Notification> = page.errors().map(said).collect();
    Invocation::builder()
        .execution_successful(notifications.is_empty())
        .tool_execution_notifications(notifications)
        .build()
}

fn result<'a>(
    page: &Page,
    found: FileFinding<'a>,
    (names, seen): (&BTreeSet<&str>, &mut BTreeMap<String, usize>),
) -> SarifResult {
    let finding = found.finding;
    let file = page.path(found.file.file.as_deref().unwrap_or(NO_FILE));
    let place = format!("{file}\0{}\0{}", found.title(), finding.statement);
    // Neither the line nor what was counted: both change without the finding changing.
    let hash = sha256(place.as_bytes()).to_string();
    let nth = seen.entry(place).or_insert(0);
    *nth += 1;
    let fingerprint = format!("{hash}:{nth}");
    let at = names.iter().position(|name| *name == finding.rule).unwrap_or_default();
    let level = match finding.severity {
        Severity::Warn => ResultLevel::Warning,
        Severity::Unmeasured | Severity::Block => ResultLevel::Error,
    };
    SarifResult::builder()
        .rule_id(&finding.rule)
        .rule_index(i64::try_from(at).unwrap_or_default())
        .level(level)
        .message(message(found.message()))
        .locations(vec![location(&file, found)])
        .partial_fingerprints(BTreeMap::from([(FINGERPRINT.to_owned(), fingerprint)]))
        .build()
}

fn message(text: String) -> Message {
    Message::builder().text(text).build()
}

/// The place of a finding, with its statement.
fn location(file: &str, found: FileFinding<'_>) -> Location {
    let uri = utf8_percent_encode(file, IN_A_PATH).to_string();
    let artifact = ArtifactLocation::builder().uri(uri).uri_base_id("%SRCROOT%").build();
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let mut region = Region::builder().start_line(number(found.finding.line.max(1))).build();
    region.start_column = found.finding.column.map(number);
    region.snippet = found.statement().map(|text| ArtifactContent::builder().text(text).build());
    let place = PhysicalLocation::builder().artifact_location(artifact).region(region).build();
    Location::builder().physical_location(place).build()
}
