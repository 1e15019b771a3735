//! Kinds of which the catalog holds all that is said: no server function writes them.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::{
    Cast, Collation, Configuration, Dictionary, Extension, ForeignServer, Item, Object, Operator,
    OperatorClass, OperatorFamily, Parser, Schema, Template, UserMapping, Wrapper,
};
use crate::ddl::text::{block, foreign, qualified};

pub(super) fn schema(object: &Object, schema: &Schema, found: &mut Vec<String>) {
    let name = object.identity.sql();
    if object.address.oid >= 16384 && name != "public" {
        found.push(format!("CREATE SCHEMA {name}"));
    }
    let _ = schema;
}

pub(super) fn extension(name: &str, extension: &Extension) -> String {
    let schema = quoted(&extension.schema);
    format!("CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA {schema}")
}

pub(super) fn collation(name: &str, collation: &Collation) -> String {
    let provider = match collation.provider {
        'i' => "icu",
        'b' => "builtin",
        'd' => "default",
        _ => "libc",
    };
    let mut options = vec![format!("provider = {provider}")];
    if !collation.is_deterministic {
        options.push("deterministic = false".to_owned());
    }
    match (&collation.locale, &collation.collate, &collation.ctype) {
        (Some(locale), _, _) => options.push(format!("locale = {}", quote_literal(locale))),
        (None, Some(collate), Some(ctype)) if collate == ctype => {
            options.push(format!("locale = {}", quote_literal(collate)));
        }
        (None, collate, ctype) => {
            let given = [("lc_collate", collate), ("lc_ctype", ctype)];
            let given = given.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
            options.extend(given.map(|(name, value)| format!("{name} = {}", quote_literal(value))));
        }
    }
    options.extend(collation.rules.iter().map(|rules| format!("rules = {}", quote_literal(rules))));
    format!("CREATE COLLATION {name} ({})", options.join(", "))
}

pub(super) fn cast(name: &str, cast: &Cast) -> String {
    let how = match (&cast.function, cast.method) {
        (Some(function), 'f') => format!("WITH FUNCTION {function}"),
        (_, 'i') => "WITH INOUT".to_owned(),
        _ => "WITHOUT FUNCTION".to_owned(),
    };
    let context = match cast.context {
        'a' => " AS ASSIGNMENT",
        'i' => " AS IMPLICIT",
        _ => "",
    };
    format!("CREATE CAST {name} {how}{context}")
}

pub(super) fn operator(object: &Object, operator: &Operator) -> String {
    let mut options = vec![format!("FUNCTION = {}", operator.function)];
    let given = [
        ("LEFTARG", &operator.left),
        ("RIGHTARG", &operator.right),
        ("COMMUTATOR", &operator.commutator),
        ("NEGATOR", &operator.negator),
    ];
    let given = given.into_iter().filter_map(|(word, value)| Some((word, value.as_ref()?)));
    options.extend(given.map(|(word, value)| format!("{word} = {value}")));
    options.extend(operator.merges.then(|| "MERGES".to_owned()));
    options.extend(operator.hashes.then(|| "HASHES".to_owned()));
    options.extend(operator.restriction.iter().map(|name| format!("RESTRICT = {name}")));
    options.extend(operator.join.iter().map(|name| format!("JOIN = {name}")));
    format!("CREATE OPERATOR {} {}", object.identity.name_sql(), block(&options))
}

fn item(item: &Item) -> String {
    if item.is_operator {
        let order = item.order_by.as_ref().map(|by| format!(" FOR ORDER BY {by}"));
        return format!("OPERATOR {} {}{}", item.number, item.object, order.unwrap_or_default());
    }
    let types = item.types.as_ref().map(|(left, right)| format!(" ({left}, {right})"));
    format!("FUNCTION {}{} {}", item.number, types.unwrap_or_default(), item.object)
}

fn items(list: &[Item]) -> Vec<String> {
    list.iter().map(|one| format!("    {}", item(one))).collect()
}

pub(super) fn family(name: &str, family: &OperatorFamily, found: &mut Vec<String>) {
    found.push(format!("CREATE OPERATOR FAMILY {name}"));
    if !family.items.is_empty() {
        let items = items(&family.items).join(",\n");
        found.push(format!("ALTER OPERATOR FAMILY {name} ADD\n{items}"));
    }
}

pub(super) fn class(object: &Object, class: &OperatorClass) -> String {
    let default = if class.is_default { "DEFAULT " } else { "" };
    let method = object.identity.signature.as_deref().unwrap_or_default();
    let storage = class.storage.iter().map(|storage| format!("    STORAGE {storage}"));
    let mut parts: Vec<String> = storage.chain(items(&class.items)).collect();
    if parts.is_empty() {
        parts.push(format!("    STORAGE {}", class.input));
    }
    format!(
        "CREATE OPERATOR CLASS {}\n    {default}FOR TYPE {} USING {method} FAMILY {} AS\n{}",
        object.identity.name_sql(),
        class.input,
        qualified(&class.family),
        parts.join(",\n")
    )
}

pub(super) fn parser(name: &str, parser: &Parser) -> String {
    let mut options = vec![
        format!("START = {}", parser.start),
        format!("GETTOKEN = {}", parser.token),
        format!("END = {}", parser.end),
    ];
    options.extend(parser.headline.iter().map(|name| format!("HEADLINE = {name}")));
    options.push(format!("LEXTYPES = {}", parser.types));
    format!("CREATE TEXT SEARCH PARSER {name} {}", block(&options))
}

pub(super) fn template(name: &str, template: &Template) -> String {
    let init = template.init.iter().map(|name| format!("INIT = {name}"));
    let options: Vec<String> = init.chain([format!("LEXIZE = {}", template.lexize)]).collect();
    format!("CREATE TEXT SEARCH TEMPLATE {name} {}", block(&options))
}

pub(super) fn dictionary(name: &str, dictionary: &Dictionary) -> String {
    let template = [format!("TEMPLATE = {}", qualified(&dictionary.template))];
    let options: Vec<String> = template.into_iter().chain(dictionary.options.clone()).collect();
    format!("CREATE TEXT SEARCH DICTIONARY {name} {}", block(&options))
}

pub(super) fn configuration(name: &str, one: &Configuration, found: &mut Vec<String>) {
    let parser = [format!("PARSER = {}", qualified(&one.parser))];
    found.push(format!("CREATE TEXT SEARCH CONFIGURATION {name} {}", block(&parser)));
    let mapping =
        |line: &String| format!("ALTER TEXT SEARCH CONFIGURATION {name} ADD MAPPING FOR {line}");
    found.extend(one.mappings.iter().map(mapping));
}

pub(super) fn wrapper(name: &str, wrapper: &Wrapper) -> String {
    let handler = wrapper.handler.as_ref().map(|name| format!(" HANDLER {name}"));
    let validator = wrapper.validator.as_ref().map(|name| format!(" VALIDATOR {name}"));
    format!(
        "CREATE FOREIGN DATA WRAPPER {name}{}{}{}",
        handler.unwrap_or_default(),
        validator.unwrap_or_default(),
        foreign(&wrapper.options, " ")
    )
}

pub(super) fn server(name: &str, server: &ForeignServer) -> String {
    let kind = server.kind.as_ref().map(|kind| format!(" TYPE {}", quote_literal(kind)));
    let version =
        server.version.as_ref().map(|version| format!(" VERSION {}", quote_literal(version)));
    format!(
        "CREATE SERVER {name}{}{} FOREIGN DATA WRAPPER {}{}",
        kind.unwrap_or_default(),
        version.unwrap_or_default(),
        quoted(&server.wrapper),
        foreign(&server.options, " ")
    )
}

pub(super) fn user_mapping(name: &str, mapping: &UserMapping) -> String {
    format!("CREATE USER MAPPING {name}{}", foreign(&mapping.options, " "))
}
