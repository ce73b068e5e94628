//! Equal values of several tables, once in memory.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use crate::table::rows::Table;
use crate::table::tags::Tags;

/// Values of the tables so far.
#[derive(Debug, Default)]
pub struct Sharing {
    texts: HashSet<Arc<str>>,
    tags: HashSet<Arc<Tags>>,
}

impl Sharing {
    /// Gives a table the values of the tables before it, where they are equal. Each of a thousand files of a bill names
    /// thousands of callers with their tags, and these take more memory than its rows.
    pub fn share<F>(&mut self, table: &mut Table<F>) {
        for value in table.texts.iter_mut().flat_map(|column| &mut column.values) {
            share(&mut self.texts, value);
        }
        for tags in &mut table.tags.values {
            share(&mut self.tags, tags);
        }
    }
}

fn share<T: Eq + Hash + ?Sized>(known: &mut HashSet<Arc<T>>, value: &mut Arc<T>) {
    match known.get(&**value) {
        Some(shared) => *value = Arc::clone(shared),
        None => {
            known.insert(Arc::clone(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fact::FactField;
    use crate::fixtures::{fact, table};

    #[test]
    fn equal_values_of_tables_are_one_and_the_tables_stay_what_they_were() {
        let of = |team: &str| table(&[fact("2026-11-01", "1", &[("identity", "ana"), ("iamPrincipal/team", team)])]);
        let (mut tables, mut sharing) = ([of("x"), of("x"), of("y")], Sharing::default());
        let before = tables.clone();
        for table in &mut tables {
            sharing.share(table);
        }
        assert_eq!(tables, before);
        let text = |at: usize| Arc::as_ptr(&tables[at].row(0).text(FactField::Identity)).addr();
        let tags = |at: usize| std::ptr::from_ref(tables[at].row(0).tags()).addr();
        assert_eq!((text(0), text(0)), (text(1), text(2)));
        assert!(tags(0) == tags(1) && tags(1) != tags(2));
    }
}
