//! `docs/schema`, generated from the types of the answers. `SNAPSHOTS=overwrite cargo test` writes
//! it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};
use snapbox::{Assert, Data};

use crate::answer::{
    AcceptedKeys, AgentFilesChecked, AnswerOfSets, AppliedPlan, ApprovalKeys, Approved, AuditShown,
    AuditTrail, BackedUp, BackupList, BackupShown, BranchNotice, CheckReport, Created,
    DeployReport, DifferenceReport, DoctorReport, Drawn, Dropped, DryRun, Dumped, EitherAnswer,
    EnvironmentReport, GeneratedView, HelpView, HookReport, Initialised, KeptPlans, KeyView,
    ManualPages, Migrated, NothingRehearsed, PolicyTable, PreDeployScript, Pruned, ReapedServers,
    Rebuilt, RehearsalReport, Restored, SchemaFileView, Seeded, ServerList, ServerState, ServerUrl,
    ShellScript, SnapshotList, SnapshotRestored, SnapshotSaved, SnapshotsDropped, StatusReport,
    TableList, TableShown, TrailSound, TrustList, TrustRevoked, TrustView, Verified,
};
use crate::face::json::{Document, NoAnswer, SCHEMA};
use crate::model::event::Event;

/// The document of an ending.
type EndingSchema = fn(&mut SchemaGenerator) -> Schema;

/// The content of a file: its verbs, and all of their endings.
struct File {
    name: &'static str,
    verbs: &'static [&'static str],
    endings: &'static [EndingSchema],
}

/// One file for each verb, named after the first word of it.
const FILES: &[File] = &[
    File {
        name: "status",
        verbs: &["status"],
        endings: &[of::<StatusReport>, of::<AnswerOfSets<StatusReport>>],
    },
    File { name: "doctor", verbs: &["doctor"], endings: &[of::<DoctorReport>] },
    File { name: "create", verbs: &["create"], endings: &[of::<Created>] },
    File {
        name: "migrate",
        verbs: &["migrate"],
        endings: &[
            of::<Migrated>,
            of::<DryRun>,
            of::<AnswerOfSets<Migrated>>,
            of::<AnswerOfSets<DryRun>>,
        ],
    },
    File { name: "rollback", verbs: &["rollback"], endings: &[of::<Migrated>, of::<DryRun>] },
    File { name: "baseline", verbs: &["baseline"], endings: &[of::<Migrated>, of::<DryRun>] },
    File { name: "repair", verbs: &["repair"], endings: &[of::<Migrated>, of::<DryRun>] },
    File { name: "rebase", verbs: &["rebase"], endings: &[of::<Migrated>, of::<DryRun>] },
    File {
        name: "switch",
        verbs: &["switch"],
        endings: &[of::<Migrated>, of::<DryRun>, of::<SnapshotRestored>],
    },
    File { name: "generate", verbs: &["generate"], endings: &[of::<GeneratedView>, of::<Created>] },
    File { name: "diff", verbs: &["diff"], endings: &[of::<DifferenceReport>] },
    File { name: "init", verbs: &["init"], endings: &[of::<Initialised>, of::<AgentFilesChecked>] },
    File { name: "seed", verbs: &["seed"], endings: &[of::<Seeded>, of::<DryRun>] },
    File { name: "reset", verbs: &["reset"], endings: &[of::<Rebuilt>, of::<DryRun>] },
    File {
        name: "trust",
        verbs: &["trust"],
        endings: &[of::<TrustView>, of::<TrustList>, of::<TrustRevoked>],
    },
    File { name: "plan", verbs: &["plan"], endings: &[of::<KeptPlans>] },
    File { name: "apply", verbs: &["apply"], endings: &[of::<AppliedPlan>] },
    File { name: "approve", verbs: &["approve"], endings: &[of::<Approved>, of::<ApprovalKeys>] },
    File { name: "policy", verbs: &["policy"], endings: &[of::<PolicyTable>] },
    File {
        name: "env",
        verbs: &[
            "env show",
            "env set",
            "env clear",
            "env key add",
            "env key remove",
            "env key list",
        ],
        endings: &[of::<EnvironmentReport>, of::<AcceptedKeys>, of::<DryRun>],
    },
    File { name: "completions", verbs: &["completions"], endings: &[of::<ShellScript>] },
    File { name: "help", verbs: &["help"], endings: &[of::<HelpView>, of::<ManualPages>] },
    File { name: "key", verbs: &["key new", "key show"], endings: &[of::<KeyView>] },
    File {
        name: "audit",
        verbs: &["audit", "audit show", "audit verify"],
        endings: &[
            of::<AuditTrail>,
            of::<AnswerOfSets<AuditTrail>>,
            of::<AuditShown>,
            of::<TrailSound>,
        ],
    },
    File { name: "backup", verbs: &["backup"], endings: &[of::<BackedUp>] },
    File { name: "dump", verbs: &["dump"], endings: &[of::<Dumped>] },
    File {
        name: "backups",
        verbs: &["backups list", "backups show", "backups verify", "backups prune"],
        endings: &[
            of::<BackupList>,
            of::<BackupShown>,
            of::<Verified>,
            failed::<Verified>,
            of::<Pruned>,
        ],
    },
    File {
        name: "restore",
        verbs: &["restore"],
        endings: &[of::<Restored>, of::<Dropped>, of::<DryRun>],
    },
    File {
        name: "snapshot",
        verbs: &["snapshot save", "snapshot restore", "snapshot list", "snapshot drop"],
        endings: &[
            of::<SnapshotSaved>,
            of::<SnapshotRestored>,
            of::<SnapshotList>,
            of::<SnapshotsDropped>,
            of::<DryRun>,
        ],
    },
    File {
        name: "schema",
        verbs: &["schema show", "schema dump", "schema check"],
        endings: &[of::<TableList>, of::<TableShown>, of::<SchemaFileView>],
    },
    File { name: "diagram", verbs: &["diagram"], endings: &[of::<Drawn>] },
    File {
        name: "check",
        verbs: &["check"],
        endings: &[
            of::<CheckReport>,
            of::<DeployReport>,
            of::<AnswerOfSets<CheckReport>>,
            of::<AnswerOfSets<DeployReport>>,
        ],
    },
    File {
        name: "rehearse",
        verbs: &["rehearse"],
        endings: &[
            of::<RehearsalReport>,
            of::<NothingRehearsed>,
            of::<AnswerOfSets<EitherAnswer<RehearsalReport, NothingRehearsed>>>,
        ],
    },
    File {
        name: "hooks",
        verbs: &["hooks install", "hooks uninstall", "hooks status", "hooks notice"],
        endings: &[of::<HookReport>, of::<BranchNotice>, of::<PreDeployScript>],
    },
    File {
        name: "server",
        verbs: &[
            "server start",
            "server stop",
            "server status",
            "server url",
            "server destroy",
            "server list",
            "server reap",
        ],
        endings: &[
            of::<ServerState>,
            of::<ServerUrl>,
            of::<DryRun>,
            of::<ServerList>,
            of::<ReapedServers>,
        ],
    },
    File { name: "mcp", verbs: &["mcp"], endings: &[failed::<NoAnswer>] },
    File { name: "shell", verbs: &["shell"], endings: &[failed::<NoAnswer>] },
    File { name: "error", verbs: &[], endings: &[failed::<NoAnswer>] },
];

/// The document of an answer alone.
fn of<A: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Document::<A>::json_schema(generator);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.remove("error");
    }
    schema
}

/// The document of a failure, with an answer if there is one.
fn failed<A: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Document::<A>::json_schema(generator);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("ok".to_owned(), json!({ "const": false }));
        let error = generator.subschema_for::<crate::answer::ErrorView>();
        properties.insert("error".to_owned(), error.to_value());
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.push(json!("error"));
    }
    schema
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_serialize().into_generator()
}

impl File {
    fn schema(&self) -> Value {
        let mut generator = generator();
        let mut documents: Vec<Value> = Vec::new();
        for ending in self.endings {
            let mut document = ending(&mut generator);
            document.remove("title");
            document.remove("description");
            if let Some(Value::Object(properties)) = document.get_mut("properties") {
                properties.insert("schema".to_owned(), json!({ "const": SCHEMA }));
                if !self.verbs.is_empty() {
                    properties.insert("verb".to_owned(), json!({ "enum": self.verbs }));
                }
            }
            documents.push(document.to_value());
        }
        let title = match self.verbs {
            [] => "A failure of any verb".to_owned(),
            _ => format!("What `{}` answers", self.name),
        };
        file_schema(&title, documents, &mut generator)
    }
}

/// A file of one or several documents, with what they refer to. No field is one that is not named.
fn file_schema(title: &str, mut documents: Vec<Value>, generator: &mut SchemaGenerator) -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!(title));
    match documents.as_mut_slice() {
        [Value::Object(only)] => schema.append(only),
        _ => drop(schema.insert("anyOf".to_owned(), json!(documents))),
    }
    let definitions = generator.take_definitions(true);
    let mut schema = Value::Object(schema);
    let mut all = Value::Object(definitions.clone());
    [&mut schema, &mut all].into_iter().for_each(|part| distribute(part, &definitions));
    let (Value::Object(mut schema), Value::Object(definitions)) = (schema, all) else {
        unreachable!("both are objects");
    };
    if !definitions.is_empty() {
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    let mut schema = Value::Object(schema);
    close(&mut schema);
    schema
}

/// Replaces fields beside a choice of forms by forms that each have these fields: only then can
/// each form be closed.
fn distribute(schema: &mut Value, definitions: &Map<String, Value>) {
    let resolved = |form: &Value| {
        let name = form["$ref"].as_str().and_then(|link| link.rsplit('/').next());
        name.map_or_else(|| form.clone(), |name| definitions[name].clone())
    };
    let both = (schema.get("properties"), schema.get("anyOf"));
    if let (Some(Value::Object(_)), Some(Value::Array(forms))) = both {
        let forms: Vec<Value> = forms.iter().map(resolved).collect();
        let mut common = schema.clone();
        common.as_object_mut().expect("an object").remove("anyOf");
        let with_common = |mut form: Value| {
            for (name, property) in common["properties"].as_object().expect("fields") {
                form["properties"][name] = property.clone();
            }
            let required = common["required"].as_array().cloned().unwrap_or_default();
            form["required"].as_array_mut().expect("required fields").extend(required);
            form
        };
        *schema = json!({ "anyOf": forms.into_iter().map(with_common).collect::<Vec<_>>() });
    }
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(|part| distribute(part, definitions));
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| distribute(part, definitions)),
        _ => {}
    }
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("properties").is_some_and(Value::is_object) {
                object.entry("additionalProperties").or_insert(json!(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema")
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let mut files: Vec<(&str, Value)> =
        FILES.iter().map(|file| (file.name, file.schema())).collect();
    let mut generator = generator();
    let mut event = Event::json_schema(&mut generator);
    event.remove("title");
    files.push((
        "event",
        file_schema("A line of `--progress json`", vec![event.to_value()], &mut generator),
    ));
    for (name, schema) in &files {
        let mut text = serde_json::to_string_pretty(schema).unwrap();
        text.push('\n');
        let path = folder().join(format!("{name}.json"));
        Assert::new().action_env("SNAPSHOTS").eq(text, Data::read_from(&path, None).raw());
    }
    let named: BTreeSet<String> = files.iter().map(|(name, _)| format!("{name}.json")).collect();
    let there = glob::glob(&format!("{}/*", folder().display())).unwrap().flatten();
    let there: BTreeSet<String> = there
        .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    assert_eq!(there, named, "docs/schema has a file for each verb, and no other");
}
