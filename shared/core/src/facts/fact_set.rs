//! Facts of several tables together, of all currencies or of one.

use crate::facts::fact::{Fact, FactField, FactTable};

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
        let is_in =
            |fact: &Fact<'_>| self.currency.as_deref().is_none_or(|currency| fact.get(FactField::Currency) == currency);
        self.tables.iter().flat_map(|table| table.rows()).filter(is_in)
    }
}
