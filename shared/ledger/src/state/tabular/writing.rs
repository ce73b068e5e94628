//! A table as frames.

use std::sync::Arc;

use serde::Serialize;
use spend_core::table::coded::Coded;
use spend_core::table::decimals::OptionalDecimals;
use spend_core::table::field::Field;
use spend_core::table::rows::Table;

use crate::state::columns::TagSet;
use crate::state::tabular::frames::Writer;
use crate::state::tabular::outline::{Column, Optional, Outline};

/// Writes the columns of a table.
pub(super) fn write<F: Field>(table: &Table<F>, writer: &mut Writer) -> Result<Outline, serde_json::Error> {
    let days = column(&table.days().values, table.days(), writer)?;
    let mut fields: Vec<F> = F::ALL.to_vec();
    // As the outline has them.
    fields.sort_unstable_by_key(|field| field.name());
    let mut columns = std::collections::BTreeMap::new();
    for field in fields {
        if let Some(texts) = table.texts(field) {
            columns.insert(field.name().to_owned(), column(&texts.values, texts, writer)?);
        }
    }
    let sets: Vec<_> = table.tags().values.iter().map(|tags| TagSet(Arc::clone(tags))).collect();
    let tags = column(&sets, table.tags(), writer)?;
    let sums = table.sums();
    Ok(Outline {
        rows: table.len(),
        days,
        columns,
        tags,
        usage_amount: writer.decimals(&sums.usage_amount)?,
        tokens: optional(&sums.tokens, writer)?,
        unblended_cost: writer.decimals(&sums.unblended_cost)?,
        net_unblended_cost: writer.decimals(&sums.net_unblended_cost)?,
        list_cost: optional(&sums.list_cost, writer)?,
        line_items: writer.codes(&sums.line_items)?,
        lines_without_net: writer.codes(&sums.lines_without_net)?,
    })
}

fn column<T, V: Serialize>(values: &[V], column: &Coded<T>, writer: &mut Writer) -> Result<Column, serde_json::Error> {
    let values = if values.is_empty() { 0 } else { writer.bytes(&serde_json::to_vec(values)?)? };
    Ok(Column { values, codes: writer.codes(&column.codes)? })
}

fn optional(column: &OptionalDecimals, writer: &mut Writer) -> Result<Optional, serde_json::Error> {
    Ok(Optional { amounts: writer.decimals(&column.decimals)?, present: writer.codes(&column.present)? })
}
