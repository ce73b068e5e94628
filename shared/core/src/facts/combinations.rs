//! Which combination of codes the rows of a table have in some dimensions.

use crate::facts::dimension::Dimension;
use crate::facts::fact::FactTable;
use crate::table::combined::Combined;

/// The combinations. By tags they are told apart by whole sets of tags, of which several may have the same values.
pub(crate) fn combinations<'d>(
    table: &FactTable,
    dimensions: impl Iterator<Item = &'d Dimension> + Clone,
    by_tag_sets: bool,
) -> Combined {
    let is_by_tags = by_tag_sets || dimensions.clone().any(|dimension| matches!(dimension, Dimension::Tag(_)));
    let tags = is_by_tags.then(|| (&table.tags().codes, table.tags().values.len()));
    let columns = dimensions.filter_map(|dimension| match dimension {
        Dimension::Day => Some((&table.days().codes, table.days().values.len())),
        Dimension::Field(field) => table.texts(*field).map(|texts| (&texts.codes, texts.values.len())),
        // All tags are in one column.
        Dimension::Tag(_) => None,
    });
    Combined::of(table.len(), columns.chain(tags))
}
