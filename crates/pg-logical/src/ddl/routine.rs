//! Functions, procedures and aggregates.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::array::listed_names;
use crate::catalog::{Aggregate, Function, Object, Steps};
use crate::ddl::text::{block, dollars};

/// Settings whose value is a list of names (`GUC_LIST_QUOTE`): a list is set by its elements.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

pub(super) fn function(object: &Object, function: &Function) -> String {
    let word = object.identity.kind.word().to_uppercase();
    let result = function.result.as_ref().map(|result| format!(" RETURNS {result}"));
    let mut text = format!(
        "CREATE {word} {}({}){}\n    LANGUAGE {}",
        object.identity.name_sql(),
        function.arguments,
        result.unwrap_or_default(),
        quoted(&function.language)
    );
    if !function.transforms.is_empty() {
        let each = function.transforms.iter().map(|name| format!("FOR TYPE {name}"));
        text.push_str(&format!(" TRANSFORM {}", each.collect::<Vec<_>>().join(", ")));
    }
    for word in properties(function) {
        text.push(' ');
        text.push_str(&word);
    }
    for setting in &function.settings {
        text.push_str(&format!("\n    {}", set(setting)));
    }
    text.push_str("\n    ");
    text.push_str(&body(function));
    text
}

fn properties(function: &Function) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |condition: bool, word: &str| {
        if condition {
            words.push(word.to_owned());
        }
    };
    add(function.is_window, "WINDOW");
    add(function.volatility == 'i', "IMMUTABLE");
    add(function.volatility == 's', "STABLE");
    add(function.is_strict, "STRICT");
    add(function.is_definer, "SECURITY DEFINER");
    add(function.is_leakproof, "LEAKPROOF");
    let is_compiled = matches!(function.language.as_str(), "internal" | "c");
    let usual_cost = if is_compiled { "1" } else { "100" };
    add(function.cost != usual_cost, &format!("COST {}", function.cost));
    let has_usual_rows = matches!(function.rows.as_str(), "0" | "1000");
    add(!has_usual_rows, &format!("ROWS {}", function.rows));
    let support = function.support.as_deref().unwrap_or_default();
    add(!support.is_empty(), &format!("SUPPORT {support}"));
    add(function.parallel == 's', "PARALLEL SAFE");
    add(function.parallel == 'r', "PARALLEL RESTRICTED");
    words
}

fn set(setting: &str) -> String {
    let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
    let value = if LISTS.contains(&name) {
        let names = listed_names(value);
        names.iter().map(|name| quote_literal(name)).collect::<Vec<_>>().join(", ")
    } else {
        quote_literal(value)
    };
    // A setting of an extension has a dot in its name, which separates two names.
    let name: Vec<String> = name.split('.').map(quoted).collect();
    format!("SET {} TO {value}", name.join("."))
}

fn body(function: &Function) -> String {
    match (&function.body, &function.library) {
        (Some(body), _) => body.clone(),
        (None, Some(library)) => {
            format!("AS {}, {}", quote_literal(library), quote_literal(&function.source))
        }
        (None, None) => format!("AS {}", dollars(&function.source)),
    }
}

pub(super) fn aggregate(object: &Object, aggregate: &Aggregate) -> String {
    let arguments = if aggregate.arguments.is_empty() { "*" } else { &aggregate.arguments };
    let mut options = Vec::new();
    let is_ordered = aggregate.kind != 'n';
    steps(&aggregate.steps, "", is_ordered, &mut options);
    let given = [
        ("COMBINEFUNC", &aggregate.combine),
        ("SERIALFUNC", &aggregate.serial),
        ("DESERIALFUNC", &aggregate.deserial),
        ("MINVFUNC", &aggregate.inverse),
    ];
    let given = given.into_iter().filter_map(|(word, value)| Some((word, value.as_ref()?)));
    options.extend(given.map(|(word, value)| format!("{word} = {value}")));
    if let Some(moving) = &aggregate.moving {
        steps(moving, "M", is_ordered, &mut options);
    }
    options.extend(aggregate.sort.iter().map(|operator| format!("SORTOP = {operator}")));
    if aggregate.kind == 'h' {
        options.push("HYPOTHETICAL".to_owned());
    }
    match aggregate.parallel {
        's' => options.push("PARALLEL = safe".to_owned()),
        'r' => options.push("PARALLEL = restricted".to_owned()),
        _ => {}
    }
    format!("CREATE AGGREGATE {}({arguments}) {}", object.identity.name_sql(), block(&options))
}

fn steps(steps: &Steps, prefix: &str, is_ordered: bool, options: &mut Vec<String>) {
    options.push(format!("{prefix}SFUNC = {}", steps.step));
    options.push(format!("{prefix}STYPE = {}", steps.state));
    if steps.space != "0" {
        options.push(format!("{prefix}SSPACE = {}", steps.space));
    }
    if let Some(initial) = &steps.initial {
        options.push(format!("{}INITCOND = {}", prefix, quote_literal(initial)));
    }
    if let Some(last) = &steps.last {
        options.push(format!("{prefix}FINALFUNC = {last}"));
        if steps.last_extra {
            options.push(format!("{prefix}FINALFUNC_EXTRA"));
        }
        let usual = if is_ordered { 'w' } else { 'r' };
        let modifies = match steps.last_modifies {
            'r' => "READ_ONLY",
            's' => "SHAREABLE",
            _ => "READ_WRITE",
        };
        if steps.last_modifies != usual {
            options.push(format!("{prefix}FINALFUNC_MODIFY = {modifies}"));
        }
    }
}
