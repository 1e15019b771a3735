//! A catalog without some of its objects, such as the tables of a migration tool.

use std::collections::HashMap;

use crate::catalog::object::Object;
use crate::catalog::value::{Catalog, Link};

impl Catalog {
    /// Removes objects with their parts: the indexes and constraints of a table, the sequence that
    /// a column owns.
    pub fn remove(&mut self, is_removed: impl Fn(&Object) -> bool) {
        let mut gone: Vec<bool> = self.objects.iter().map(is_removed).collect();
        for at in 0..self.objects.len() {
            gone[at] |= self.whole_of(at).is_some_and(|whole| gone[whole]);
        }
        if !gone.contains(&true) {
            return;
        }
        let mut kept = 0..;
        let number = |gone: &bool| if *gone { None } else { kept.next() };
        self.renumber(&gone.iter().map(number).collect::<Vec<_>>());
    }

    fn whole_of(&self, at: usize) -> Option<usize> {
        let whole = self.objects[at].whole()?;
        self.place(whole.class, whole.oid)
    }

    /// Moves each object to its new position, or drops it if it has none.
    fn renumber(&mut self, to: &[Option<usize>]) {
        let moved = |all: Vec<usize>| all.into_iter().filter_map(|at| to[at]).collect::<Vec<_>>();
        let objects = std::mem::take(&mut self.objects).into_iter().zip(to);
        self.objects = objects.filter_map(|(object, to)| to.map(|_| object)).collect();
        let needs = std::mem::take(&mut self.needs).into_iter().zip(to);
        self.needs = needs.filter_map(|(needs, to)| to.map(|_| moved(needs))).collect();
        let values = std::mem::take(&mut self.value_needs).into_iter();
        self.value_needs = values.map(|(number, needs)| (number, moved(needs))).collect();
        let link = |link: &Link| Some(Link { from: to[link.from]?, on: to[link.on]?, ..*link });
        self.links = self.links.iter().filter_map(link).collect();
        let places: HashMap<_, _> = self.places.drain().collect();
        self.places =
            places.into_iter().filter_map(|(address, at)| Some((address, to[at]?))).collect();
    }
}
