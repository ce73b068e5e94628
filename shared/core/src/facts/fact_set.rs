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
            table.rows().filter(move |fact| match wanted {
                Wanted::All => true,
                Wanted::Currency(code) => fact.code(FactField::Currency) == code,
            })
        })
    }

    /// Which rows of a table are in, unless none can be.
    fn wanted(&self, table: &FactTable) -> Option<Wanted> {
        let Some(currency) = self.currency.as_deref() else { return Some(Wanted::All) };
        let values = table.texts(FactField::Currency).map_or(&[][..], |texts| &texts.values);
        let found = values.binary_search_by(|value| (**value).cmp(currency)).ok()?;
        Some(if values.len() > 1 { Wanted::Currency(number(found)) } else { Wanted::All })
    }
}

/// Which rows of a table are in.
#[derive(Clone, Copy)]
enum Wanted {
    All,
    /// Those of the currency with this code.
    Currency(u32),
}
