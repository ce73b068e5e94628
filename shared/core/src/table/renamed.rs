//! Other texts in the place of some.

use std::sync::Arc;

use crate::money::decimal::SumOutOfRange;
use crate::table::builder::TableBuilder;
use crate::table::codes::place;
use crate::table::field::Field;
use crate::table::rows::Table;
use crate::table::tags::Tags;

/// The table with other texts in the place of those for which there are others; rows that become one are summed.
pub fn renamed<F: Field>(
    table: Table<F>,
    mut text: impl FnMut(F, &Arc<str>) -> Option<Arc<str>>,
    tags: impl FnMut(&Arc<Tags>) -> Option<Arc<Tags>>,
) -> Result<Table<F>, SumOutOfRange> {
    let of_field = |(field, column): (&F, &crate::table::coded::Coded<Arc<str>>)| {
        column.values.iter().map(|value| text(*field, value)).collect::<Vec<_>>()
    };
    let texts: Vec<Vec<Option<Arc<str>>>> = F::ALL.iter().zip(&table.texts).map(of_field).collect();
    let tags: Vec<Option<Arc<Tags>>> = table.tags.values.iter().map(tags).collect();
    if texts.iter().flatten().all(Option::is_none) && tags.iter().all(Option::is_none) {
        return Ok(table);
    }
    let mut builder = TableBuilder::<F>::default();
    let mut known: Vec<Vec<u32>> = Vec::with_capacity(texts.len());
    for ((field, column), others) in F::ALL.iter().zip(&table.texts).zip(&texts) {
        let values = column.values.iter().zip(others).map(|(value, other)| other.as_ref().unwrap_or(value));
        known.push(values.map(|value| builder.shared_text(*field, value)).collect());
    }
    let values = table.tags.values.iter().zip(&tags).map(|(value, other)| other.as_ref().unwrap_or(value));
    let tag_sets: Vec<u32> = values.map(|value| builder.tags(value)).collect();
    let days: Vec<u32> = table.days.values.iter().map(|day| builder.day(*day)).collect();
    let at = |numbers: &[u32], code: u32| numbers.get(place(code)).copied().unwrap_or_default();
    let mut numbers = vec![0; F::ALL.len()];
    for row in &table {
        for ((slot, known), field) in numbers.iter_mut().zip(&known).zip(F::ALL) {
            *slot = at(known, row.code(*field));
        }
        builder.add(at(&days, row.day_code()), &numbers, at(&tag_sets, row.tags_code()), &row.measures())?;
    }
    Ok(builder.finish())
}
