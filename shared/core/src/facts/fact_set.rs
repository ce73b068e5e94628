//! Facts of several tables together, of all currencies or of one.

use crate::facts::fact::{Fact, FactField, FactTable};
use crate::table::codes::number;

/// Facts of the tables of several billing periods or exports. Nothing is copied.
#[derive(Clone, Debug, Default)]
pub struct FactSet<'a> {
    tables: Vec<&'a FactTable>,
    currency: Option<String>,
}

impl<'a> FromIterator<&'a FactTable> for FactSet<'a> {
    fn from_iter<I: IntoIterator<Item = &'a FactTable>>(tables: I) -> Self {
        Self { tables: tables.into_iter().collect(), currency: None }
    }
}

impl<'a> FactSet<'a> {
    /// Those of one currency.
    pub fn in_currency(&self, currency: &str) -> Self {
        Self { tables: self.tables.clone(), currency: Some(currency.to_owned()) }
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Every fact.
    pub fn iter(&self) -> impl Iterator<Item = Fact<'a>> + Clone {
        self.tables.iter().filter_map(|table| Some((*table, self.wanted(table)?))).flat_map(|(table, wanted)| {
            let is_in = move |fact: &Fact<'_>| wanted.is_none_or(|wanted| fact.code(FactField::Currency) == wanted);
            table.rows().filter(is_in)
        })
    }

    /// Which currency's code rows of a table must have; none where all rows are in. Nothing where none can be.
    fn wanted(&self, table: &FactTable) -> Option<Option<u32>> {
        let Some(currency) = self.currency.as_deref() else { return Some(None) };
        let values = table.texts(FactField::Currency).map_or(&[][..], |texts| &texts.values);
        let found = values.binary_search_by(|value| (**value).cmp(currency)).ok()?;
        Some((values.len() > 1).then(|| number(found)))
    }
}
