//! Rows put together: columns into tables, comments and privileges onto objects, and dependencies
//! between them.

use std::collections::{BTreeMap, HashMap};

use pg_sql::quote::name as quoted;

use crate::catalog::acting::{EventTrigger, Policy, Rule, Trigger};
use crate::catalog::column::{Column, ColumnTypes};
use crate::catalog::definition::Definition;
use crate::catalog::foreign::{ForeignServer, UserMapping, Wrapper};
use crate::catalog::identity::{Address, Identity, Kind, ObjectHeader, class};
use crate::catalog::index::Statistics;
use crate::catalog::object::Object;
use crate::catalog::operator::Item;
use crate::catalog::operator::{Cast, Operator, OperatorClass, OperatorFamily};
use crate::catalog::publication::{Publication, Published};
use crate::catalog::relation::{Relation, Table, View};
use crate::catalog::rights::DefaultRights;
use crate::catalog::rights::Rights;
use crate::catalog::routine::{Aggregate, Function};
use crate::catalog::schema::{Collation, Extension, Schema};
use crate::catalog::search::{Configuration, Dictionary, Parser, Template};
use crate::catalog::sequence::Sequence;
use crate::catalog::types::{Range, Simple};
use crate::catalog::value::{About, Catalog, UnfinishedIndex};
use crate::catalog::{relation, schema, types};
use crate::source::{Record, Row, Source, SourceError, unexpected};

/// The answers, by the names of their queries.
pub(super) type Answers = HashMap<&'static str, Vec<Box<dyn Record>>>;

pub(super) type Read<T> = Result<T, SourceError>;

/// What is being put together.
pub(super) struct Parts<'a> {
    answers: &'a Answers,
    pub(super) objects: Vec<Object>,
    pub(super) places: HashMap<Address, usize>,
    /// Addresses that mean an object of the list.
    pub(super) aliases: HashMap<Address, Address>,
    pub(super) comments: HashMap<(Address, u32), String>,
    pub(super) unfinished: Vec<UnfinishedIndex>,
    /// The collations of columns, by relation and number, where they are not `default`.
    pub(super) collations: HashMap<(u32, u32), u32>,
}

pub(super) fn at(class: u32, oid: u32) -> Address {
    Address { class, oid }
}

/// Reads the object of a row.
type Reader = fn(Row<'_>) -> Read<Object>;

/// A reader of a kind.
macro_rules! reader {
    ($read:path, $variant:ident) => {
        |row| $read(row).map(|(header, value)| Object::new(header, Definition::$variant(value)))
    };
}

fn simple_type(row: Row<'_>) -> Read<Object> {
    let (header, simple) = types::read(row)?;
    let definition = match simple {
        Simple::Enum(labels) => Definition::Enum(labels),
        Simple::Domain(domain) => Definition::Domain(domain),
        Simple::Composite(composite) => Definition::Composite(composite),
    };
    Ok(Object::new(header, definition))
}

fn large_object(row: Row<'_>) -> Read<Object> {
    Ok(Object::new(schema::large_object(row)?, Definition::LargeObject))
}

/// Puts a catalog together.
pub(super) fn assemble(source: &mut dyn Source, about: About, answers: &Answers) -> Read<Catalog> {
    let mut parts = Parts {
        answers,
        objects: Vec::new(),
        places: HashMap::new(),
        aliases: HashMap::new(),
        comments: HashMap::new(),
        unfinished: Vec::new(),
        collations: HashMap::new(),
    };
    parts.descriptions()?;
    parts.simple_objects()?;
    parts.relations(source)?;
    parts.class_items()?;
    parts.indexes_and_constraints(source)?;
    parts.statistics()?;
    parts.acting()?;
    parts.publications()?;
    parts.default_rights()?;
    parts.aliases()?;
    let others = parts.rights()?;
    parts.comment();
    parts.finish(source, about, others)
}

impl<'a> Parts<'a> {
    pub(super) fn rows(&self, query: &str) -> Read<impl Iterator<Item = Row<'a>> + use<'a>> {
        let rows = self.answers.get(query).ok_or_else(|| unexpected(query, "no such query"))?;
        Ok(rows.iter().map(|record| Row::new(&**record)))
    }

    pub(super) fn add(&mut self, object: Object) {
        self.places.insert(object.address, self.objects.len());
        self.objects.push(object);
    }

    pub(super) fn place(&self, address: Address) -> Option<usize> {
        let place = |address| self.places.get(&address).copied();
        place(address).or_else(|| {
            let first = *self.aliases.get(&address)?;
            // The array of a row type is an alias of an alias.
            place(first).or_else(|| place(*self.aliases.get(&first)?))
        })
    }

    pub(super) fn identity(&self, address: Address) -> Option<&Identity> {
        Some(&self.objects[*self.places.get(&address)?].identity)
    }

    fn descriptions(&mut self) -> Read<()> {
        for row in self.rows("descriptions")? {
            let address = at(row.oid("class")?, row.oid("oid")?);
            self.comments.insert((address, row.oid("part")?), row.text("comment")?);
        }
        Ok(())
    }

    fn simple_objects(&mut self) -> Read<()> {
        let readers: [(&str, Reader); 19] = [
            ("schemas", reader!(Schema::read, Schema)),
            ("extensions", reader!(Extension::read, Extension)),
            ("types", simple_type),
            ("ranges", reader!(Range::read, Range)),
            ("functions", reader!(Function::read, Function)),
            ("aggregates", reader!(Aggregate::read, Aggregate)),
            ("operators", reader!(Operator::read, Operator)),
            ("families", reader!(OperatorFamily::read, OperatorFamily)),
            ("classes", reader!(OperatorClass::read, OperatorClass)),
            ("casts", reader!(Cast::read, Cast)),
            ("collations", reader!(Collation::read, Collation)),
            ("search_parsers", reader!(Parser::read, SearchParser)),
            ("search_templates", reader!(Template::read, SearchTemplate)),
            ("search_dictionaries", reader!(Dictionary::read, SearchDictionary)),
            ("search_configurations", reader!(Configuration::read, SearchConfiguration)),
            ("wrappers", reader!(Wrapper::read, Wrapper)),
            ("servers", reader!(ForeignServer::read, Server)),
            ("user_mappings", reader!(UserMapping::read, UserMapping)),
            ("large_objects", large_object),
        ];
        for (query, read) in readers {
            for row in self.rows(query)? {
                self.add(read(row)?);
            }
        }
        Ok(())
    }

    fn relations(&mut self, source: &mut dyn Source) -> Read<()> {
        let mut columns = self.columns(source)?;
        for row in self.rows("sequences")? {
            self.sequence(row, &mut columns)?;
        }
        for row in self.rows("types")? {
            let (oid, relation) = (row.oid("oid")?, row.oid("relation")?);
            let place = self.places.get(&at(class::TYPE, oid)).copied();
            let Some(place) = place.filter(|_| relation != 0) else { continue };
            if let Definition::Composite(composite) = &mut self.objects[place].definition {
                composite.columns = columns.remove(&relation).unwrap_or_default();
            }
        }
        for row in self.rows("relations")? {
            let (header, relation) = relation::read(row)?;
            let columns = columns.remove(&header.address.oid).unwrap_or_default();
            let definition = match relation {
                Relation::Table(table) => Definition::Table(Box::new(Table { columns, ..*table })),
                Relation::View(view) => Definition::View(View { columns, ..view }),
            };
            self.add(Object::new(header, definition));
        }
        Ok(())
    }

    /// The columns of each relation.
    fn columns(&mut self, source: &mut dyn Source) -> Read<HashMap<u32, Vec<Column>>> {
        let types = ColumnTypes::read(source, self.rows("columns")?)?;
        let mut columns: HashMap<u32, Vec<Column>> = HashMap::new();
        for row in self.rows("columns")? {
            let (relation, mut column) = Column::read(row, &types)?;
            if row.has("collation")? {
                self.collations.insert((relation, column.number), row.oid("collation_oid")?);
            }
            column.comment =
                self.comments.get(&(at(class::CLASS, relation), column.number)).cloned();
            columns.entry(relation).or_default().push(column);
        }
        columns.values_mut().for_each(|own| own.sort_by_key(|column| column.number));
        Ok(columns)
    }

    /// The sequence of an identity column is a part of the column.
    fn sequence(&mut self, row: Row<'_>, columns: &mut HashMap<u32, Vec<Column>>) -> Read<()> {
        let (mut sequence, owner) = Sequence::read(row)?;
        let owned = sequence.owned_by.clone().filter(|owned| owned.is_identity);
        let column = owned.as_ref().and_then(|owned| {
            let own = columns.get_mut(&owned.table)?;
            own.iter_mut().find(|column| column.number == owned.column)
        });
        match (column, owned) {
            (Some(column), Some(owned)) => {
                let alias = (at(class::CLASS, sequence.oid), at(class::CLASS, owned.table));
                self.aliases.insert(alias.0, alias.1);
                sequence.comment = self.comments.get(&(alias.0, 0)).cloned();
                column.identity = Some(sequence);
            }
            _ => {
                let header = sequence.header(owner);
                self.add(Object::new(header, Definition::Sequence(sequence)));
            }
        }
        Ok(())
    }

    fn class_items(&mut self) -> Read<()> {
        for row in self.rows("class_items")? {
            let (of, own, item) = Item::read(row)?;
            let Some(&place) = self.places.get(&of) else { continue };
            match &mut self.objects[place].definition {
                Definition::OperatorClass(class) => class.items.push(item),
                Definition::OperatorFamily(family) => family.items.push(item),
                _ => continue,
            }
            self.aliases.insert(own, of);
        }
        for object in &mut self.objects {
            match &mut object.definition {
                Definition::OperatorClass(class) => class.items.sort(),
                Definition::OperatorFamily(family) => family.items.sort(),
                _ => {}
            }
        }
        Ok(())
    }

    fn statistics(&mut self) -> Read<()> {
        for row in self.rows("statistics")? {
            let oid = row.oid("oid")?;
            let identity =
                Identity::within(Kind::Statistics, row.text("schema")?, row.text("name")?);
            let definition = Definition::Statistics(Statistics {
                definition: row.text("definition")?,
                target: row.optional("target")?,
                table: row.oid("relation")?,
            });
            let owner = row.optional("owner")?;
            self.add(Object::new(
                ObjectHeader { address: at(class::STATISTICS, oid), identity, owner },
                definition,
            ));
        }
        Ok(())
    }

    fn acting(&mut self) -> Read<()> {
        for row in self.rows("rules")? {
            let (own, table) = (at(class::REWRITE, row.oid("oid")?), row.oid("relation")?);
            match row.optional("definition")? {
                Some(definition) => {
                    let firing = row.letter("firing")?;
                    let rule = Definition::Rule(Rule { definition, firing, table });
                    self.part(own, (Kind::Rule, table, row.text("name")?), rule);
                }
                None => {
                    self.aliases.insert(own, at(class::CLASS, table));
                }
            }
        }
        for row in self.rows("triggers")? {
            let (own, table) = (at(class::TRIGGER, row.oid("oid")?), row.oid("relation")?);
            let (definition, firing) = (row.optional("definition")?, row.letter("firing")?);
            // The constraint of a constraint trigger says what the trigger is of.
            self.aliases.insert(at(class::CONSTRAINT, row.oid("constraint")?), own);
            let trigger = Definition::Trigger(Trigger { definition, firing, table });
            self.part(own, (Kind::Trigger, table, row.text("name")?), trigger);
        }
        for row in self.rows("policies")? {
            let (own, table) = (at(class::POLICY, row.oid("oid")?), row.oid("relation")?);
            let policy = Definition::Policy(Policy {
                command: row.letter("command")?,
                is_permissive: row.flag("is_permissive")?,
                roles: row.list("roles")?,
                condition: row.optional("condition")?,
                new_rows: row.optional("new_rows")?,
                table,
            });
            self.part(own, (Kind::Policy, table, row.text("name")?), policy);
        }
        for row in self.rows("event_triggers")? {
            let definition = Definition::EventTrigger(EventTrigger {
                event: row.text("event")?,
                firing: row.letter("firing")?,
                tags: row.list("tags")?,
                function: row.text("function")?,
            });
            let identity = Identity::plain(Kind::EventTrigger, row.text("name")?);
            let own = at(class::EVENT_TRIGGER, row.oid("oid")?);
            self.add(Object::new(
                ObjectHeader { address: own, identity, owner: row.optional("owner")? },
                definition,
            ));
        }
        Ok(())
    }

    /// A part of a table or a view that is in the list.
    fn part(
        &mut self,
        own: Address,
        (kind, of, name): (Kind, u32, String),
        definition: Definition,
    ) {
        let Some(table) = self.identity(at(class::CLASS, of)) else { return };
        let identity = Identity::part(kind, table, name);
        self.add(Object::new(ObjectHeader { address: own, identity, owner: None }, definition));
    }

    fn publications(&mut self) -> Read<()> {
        let mut tables: HashMap<u32, Vec<Published>> = HashMap::new();
        for row in self.rows("publication_tables")? {
            let (own, publication, published) = Published::read(row)?;
            let (own, of) = (at(class::PUBLICATION_REL, own), at(class::PUBLICATION, publication));
            self.aliases.insert(own, of);
            tables.entry(publication).or_default().push(published);
        }
        for row in self.rows("publications")? {
            let oid = row.oid("oid")?;
            let mut tables = tables.remove(&oid).unwrap_or_default();
            tables.sort();
            let definition = Definition::Publication(Publication {
                is_of_all: row.flag("is_of_all")?,
                operations: row.list("operations")?,
                is_via_root: row.flag("is_via_root")?,
                has_generated: row.flag("has_generated")?,
                schemas: row.list("schemas")?,
                tables,
            });
            let identity = Identity::plain(Kind::Publication, row.text("name")?);
            let owner = row.optional("owner")?;
            self.add(Object::new(
                ObjectHeader { address: at(class::PUBLICATION, oid), identity, owner },
                definition,
            ));
        }
        Ok(())
    }

    fn default_rights(&mut self) -> Read<()> {
        let mut found: BTreeMap<u32, DefaultRights> = BTreeMap::new();
        for row in self.rows("default_rights")? {
            let defaults = DefaultRights {
                role: row.text("role")?,
                schema: row.optional("schema")?,
                kind: row.letter("kind")?,
                rights: Rights::default(),
            };
            found.entry(row.oid("oid")?).or_insert(defaults).rights.add(row)?;
        }
        for (oid, defaults) in found {
            let schema =
                defaults.schema.as_ref().map(|schema| format!(" IN SCHEMA {}", quoted(schema)));
            let schema = schema.unwrap_or_default();
            let name = format!("FOR ROLE {}{schema} ON {}", quoted(&defaults.role), defaults.kind);
            let identity = Identity::plain(Kind::DefaultPrivileges, name);
            let definition = Definition::DefaultRights(defaults);
            self.add(Object::new(
                ObjectHeader { address: at(class::DEFAULT_ACL, oid), identity, owner: None },
                definition,
            ));
        }
        Ok(())
    }

    fn aliases(&mut self) -> Read<()> {
        for row in self.rows("aliases")? {
            let of = at(row.oid("of_class")?, row.oid("of_oid")?);
            self.aliases.insert(at(row.oid("class")?, row.oid("oid")?), of);
        }
        for row in self.rows("members")? {
            let own = at(row.oid("class")?, row.oid("oid")?);
            self.aliases.entry(own).or_insert(at(class::EXTENSION, row.oid("extension")?));
        }
        Ok(())
    }
}
