//! Text search: parsers, templates, dictionaries and configurations.

use crate::catalog::identity::{Identity, Kind, ObjectHeader, class};
use crate::source::{Row, SourceError};

/// A parser.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of its functions")]
pub struct Parser {
    pub start: String,
    pub token: String,
    pub end: String,
    pub types: String,
    pub headline: Option<String>,
}

impl Parser {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Parser), SourceError> {
        let definition = Parser {
            start: row.text("start")?,
            token: row.text("token")?,
            end: row.text("finish")?,
            types: row.text("types")?,
            headline: row.optional("headline")?,
        };
        Ok((unowned(row, class::TS_PARSER, Kind::TextSearchParser)?, definition))
    }
}

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of its functions")]
pub struct Template {
    pub init: Option<String>,
    pub lexize: String,
}

impl Template {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Template), SourceError> {
        let (init, lexize) = (row.optional("init")?, row.text("lexize")?);
        let definition = Template { init, lexize };
        Ok((unowned(row, class::TS_TEMPLATE, Kind::TextSearchTemplate)?, definition))
    }
}

fn unowned(row: Row<'_>, class: u32, kind: Kind) -> Result<ObjectHeader, SourceError> {
    let identity = Identity::within(kind, row.text("schema")?, row.text("name")?);
    ObjectHeader::unowned(row, class, identity)
}

/// A dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dictionary {
    /// Schema and name of its template.
    pub template: (String, String),
    /// Its options as SQL.
    pub options: Option<String>,
}

impl Dictionary {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Dictionary), SourceError> {
        let template = (row.text("template_schema")?, row.text("template")?);
        let options = row.optional("options")?;
        let definition = Dictionary { template, options };
        let (schema, name) = (row.text("schema")?, row.text("name")?);
        let identity = Identity::within(Kind::TextSearchDictionary, schema, name);
        Ok((ObjectHeader::owned(row, class::TS_DICTIONARY, identity)?, definition))
    }
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Schema and name of its parser.
    pub parser: (String, String),
    /// `token WITH dictionary, …`.
    pub mappings: Vec<String>,
}

impl Configuration {
    pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Configuration), SourceError> {
        let parser = (row.text("parser_schema")?, row.text("parser")?);
        let mappings = row.list("mappings")?;
        let definition = Configuration { parser, mappings };
        let (schema, name) = (row.text("schema")?, row.text("name")?);
        let identity = Identity::within(Kind::TextSearchConfiguration, schema, name);
        Ok((ObjectHeader::owned(row, class::TS_CONFIGURATION, identity)?, definition))
    }
}
