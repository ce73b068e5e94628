//! Which combination of codes the rows of a table have in some dimensions.

use crate::facts::dimension::Dimension;
use crate::facts::fact::FactTable;
use crate::table::combined::Combined;

/// The combinations. By a tag they are told apart by whole sets of tags: several may have the same value.
pub(crate) fn combinations<'d>(table: &FactTable, dimensions: impl Iterator<Item = &'d Dimension>) -> Combined {
    let columns = dimensions.filter_map(|dimension| match dimension {
        Dimension::Day => Some((&table.days().codes, table.days().values.len())),
        Dimension::Field(field) => table.texts(*field).map(|texts| (&texts.codes, texts.values.len())),
        Dimension::Tag(_) => Some((&table.tags().codes, table.tags().values.len())),
    });
    Combined::of(table.len(), columns)
}
