//! What ties objects together: privileges, dependencies, and the census of what is in none of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use pg_sql::quote::name as quoted;

use crate::catalog::assemble::{Parts, Read, at};
use crate::catalog::definition::Definition;
use crate::catalog::identity::{Address, class};
use crate::catalog::object::Object;
use crate::catalog::rights::Rights;
use crate::catalog::value::{About, Catalog, Configured, Link, OthersRights, Uncovered};
use crate::source::{Row, Source};

/// The dependencies of each object, those of each default by its OID, and all of them as links.
type Needs = (Vec<Vec<usize>>, HashMap<u32, Vec<usize>>, Vec<Link>);

impl Parts<'_> {
    /// Puts privileges onto their objects, and gives those of others.
    pub(super) fn rights(&mut self) -> Read<Vec<(Address, Rights)>> {
        let mut found: BTreeMap<(Address, u32), Rights> = BTreeMap::new();
        for row in self.rows("rights")? {
            let address = at(row.oid("class")?, row.oid("oid")?);
            let column = row.optional("column")?;
            let rights = found.entry((address, row.oid("part")?)).or_default();
            rights.column = column;
            rights.add(row)?;
        }
        let mut others = Vec::new();
        for ((address, _), rights) in found {
            match self.places.get(&address) {
                Some(&place) => self.objects[place].rights.push(rights),
                None => others.push((address, rights)),
            }
        }
        Ok(others)
    }

    pub(super) fn comment(&mut self) {
        for object in &mut self.objects {
            object.comment = self.comments.get(&(object.address, 0)).cloned();
        }
    }

    pub(super) fn finish(
        mut self,
        source: &mut dyn Source,
        about: About,
        others: Vec<(Address, Rights)>,
    ) -> Read<Catalog> {
        self.sort();
        let uncovered = self.uncovered()?;
        let wanted: Vec<Address> = (uncovered.iter().map(|(address, _)| *address))
            .chain(others.iter().map(|(address, _)| *address))
            .collect();
        let names = names(source, &wanted)?;
        let named = |address: &Address| names.get(address).cloned().unwrap_or_default();
        let mut uncovered: Vec<Uncovered> = uncovered
            .iter()
            .map(|(address, label)| {
                let (kind, identity) = named(address);
                let label = label.as_ref().map(|label| format!("{label} on ")).unwrap_or_default();
                Uncovered { object: format!("{label}{kind} {identity}") }
            })
            .chain(self.hidden_mappings())
            .collect();
        uncovered.sort();
        let mut others: Vec<OthersRights> = others
            .into_iter()
            .filter_map(|(address, rights)| others_rights(address, named(&address), rights))
            .collect();
        others.sort_by(|one, other| one.target.cmp(&other.target));
        self.unfinished.sort();
        let (needs, value_needs, links) = self.dependencies()?;
        let configured = self.configured()?;
        let Parts { objects, places, unfinished, .. } = self;
        Ok(Catalog {
            about,
            objects,
            places,
            needs,
            value_needs,
            links,
            configured,
            others,
            uncovered,
            unfinished,
        })
    }

    /// The order of identities, which no OID decides.
    fn sort(&mut self) {
        self.objects.sort_by(|one, other| one.identity.cmp(&other.identity));
        self.places =
            self.objects.iter().enumerate().map(|(at, object)| (object.address, at)).collect();
    }

    fn uncovered(&self) -> Read<Vec<(Address, Option<String>)>> {
        let mut found = Vec::new();
        for row in self.rows("census")? {
            let address = at(row.oid("class")?, row.oid("oid")?);
            let label = row.optional("label")?;
            if label.is_some() || !self.is_covered(address) {
                found.push((address, label));
            }
        }
        Ok(found)
    }

    fn is_covered(&self, address: Address) -> bool {
        self.place(address).is_some()
    }

    fn hidden_mappings(&self) -> Vec<Uncovered> {
        let hidden = self.objects.iter().filter(|object| {
            matches!(&object.definition, Definition::UserMapping(mapping) if !mapping.is_visible)
        });
        let uncovered = |object: &Object| Uncovered {
            object: format!("options of {}, which this role may not read", object.identity),
        };
        hidden.map(uncovered).collect()
    }

    fn configured(&self) -> Read<Vec<Configured>> {
        let mut found = Vec::new();
        let extensions: HashMap<Address, Address> = self
            .aliases
            .iter()
            .filter(|(_, of)| of.class == class::EXTENSION)
            .map(|(own, of)| (*own, *of))
            .collect();
        for row in self.rows("configured")? {
            let own = at(class::CLASS, row.oid("oid")?);
            // The value of an extension's sequence goes with its table's rows.
            let Some(extension) =
                extensions.get(&own).filter(|_| row.letter("kind").ok() == Some('r'))
            else {
                continue;
            };
            let table = format!("{}.{}", quoted(row.str("schema")?), quoted(row.str("name")?));
            let condition = row.optional("condition")?.unwrap_or_default();
            let columns = row.list("columns")?;
            found.push(Configured { extension: *extension, table, condition, columns });
        }
        found.sort_by(|one, other| one.table.cmp(&other.table));
        Ok(found)
    }

    fn dependencies(&mut self) -> Read<Needs> {
        let mut needs: Vec<HashSet<usize>> = vec![HashSet::new(); self.objects.len()];
        let mut value_needs: HashMap<u32, Vec<usize>> = HashMap::new();
        let mut links = Vec::new();
        let columns = self.columns_of_values();
        for row in self.rows("depends")? {
            let own = at(row.oid("class")?, row.oid("oid")?);
            let on = at(row.oid("on_class")?, row.oid("on_oid")?);
            let kind = row.letter("kind")?;
            if kind == 'x' {
                if let (Some(place), Some(name)) = (self.place(own), row.optional("extension")?) {
                    self.objects[place].drops_with.push(name);
                }
                continue;
            }
            let Some(needed) = self.place(on) else { continue };
            let on_column = row.oid("on_part")?;
            if own.class == class::ATTRDEF {
                links.extend(columns.get(&own.oid).map(|&(from, from_column)| Link {
                    from,
                    from_column,
                    is_value: true,
                    on: needed,
                    on_column,
                }));
                value_needs.entry(own.oid).or_default().push(needed);
                continue;
            }
            let Some(place) = self.place(own) else { continue };
            if place != needed {
                // If the row is about a part of the object, `part` is not the object's column.
                let from_column = if self.places.contains_key(&own) { row.oid("part")? } else { 0 };
                let (from, is_value) = (place, false);
                links.push(Link { from, from_column, is_value, on: needed, on_column });
            }
            // A sequence is there before the table whose column will own it.
            let is_owned = own.class == class::CLASS
                && kind == 'a'
                && matches!(self.objects[place].definition, Definition::Sequence(_));
            if place != needed && !is_owned {
                needs[place].insert(needed);
            }
        }
        let sorted = |needs: HashSet<usize>| {
            let mut needs: Vec<usize> = needs.into_iter().collect();
            needs.sort_unstable();
            needs
        };
        for list in value_needs.values_mut() {
            list.sort_unstable();
            list.dedup();
        }
        for object in &mut self.objects {
            object.drops_with.sort();
        }
        links.sort_unstable();
        links.dedup();
        Ok((needs.into_iter().map(sorted).collect(), value_needs, links))
    }

    /// The position of the table and the number of the column, by the OID of the default.
    fn columns_of_values(&self) -> HashMap<u32, (usize, u32)> {
        let mut found = HashMap::new();
        for (place, object) in self.objects.iter().enumerate() {
            for column in object.columns() {
                found
                    .extend(column.value.as_ref().map(|value| (value.oid, (place, column.number))));
            }
        }
        found
    }
}

fn names(source: &mut dyn Source, wanted: &[Address]) -> Read<HashMap<Address, (String, String)>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let addresses: Vec<String> =
        wanted.iter().map(|address| format!("({}, {})", address.class, address.oid)).collect();
    let query = include_str!("queries/names.sql").replace("{addresses}", &addresses.join(", "));
    let sets = source.sets("name the objects", &query)?;
    let named = sets.iter().flatten().map(|record| {
        let row = Row::new(&**record);
        let name = (row.text("kind")?, row.text("identity")?);
        Ok((at(row.oid("class")?, row.oid("oid")?), name))
    });
    named.collect()
}

fn others_rights(
    address: Address,
    (kind, identity): (String, String),
    rights: Rights,
) -> Option<OthersRights> {
    let (word, letter) = match (address.class, kind.as_str()) {
        (class::PROC, "procedure") => ("PROCEDURE", 'f'),
        (class::PROC, _) => ("FUNCTION", 'f'),
        (class::CLASS, "sequence") => ("SEQUENCE", 's'),
        (class::CLASS, _) => ("TABLE", 'r'),
        (class::NAMESPACE, _) => ("SCHEMA", 'n'),
        (class::TYPE, _) => ("TYPE", 'T'),
        (class::WRAPPER, _) => ("FOREIGN DATA WRAPPER", 'F'),
        (class::SERVER, _) => ("FOREIGN SERVER", 'S'),
        _ => ("LANGUAGE", 'l'),
    };
    let target = format!("{word} {identity}");
    (!identity.is_empty()).then_some(OthersRights { target, letter, rights })
}
