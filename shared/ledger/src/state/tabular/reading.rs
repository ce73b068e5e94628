//! Frames as a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use spend_core::bill::line::Interner;
use spend_core::table::coded::Coded;
use spend_core::table::decimals::OptionalDecimals;
use spend_core::table::field::Field;
use spend_core::table::rows::{Columns, SumColumns, Table};

use crate::state::columns::{TagSet, shared};
use crate::state::tabular::frames::{Reader, can_hold, damage};
use crate::state::tabular::outline::{Column, Optional, Outline};

/// More rows than any month has: what claims more could keep a reader busy for ever.
pub(super) const MOST_ROWS: usize = 1 << 26;

/// Reads the table that an outline describes.
pub(super) fn read<F: Field>(outline: &Outline, mut reader: Reader<'_>) -> Result<Table<F>, serde_json::Error> {
    let rows = outline.rows;
    if rows > MOST_ROWS {
        return Err(damage(format!("it claims {rows} rows, and at most {MOST_ROWS} are read")));
    }
    // Rows without any bytes would take memory that nothing in the object pays for.
    if !can_tell(outline, rows) {
        return Err(damage(format!("it claims {rows} rows, which its columns are too short to tell apart")));
    }
    let days = column(rows, outline.days, &mut reader)?;
    let mut texts = BTreeMap::new();
    for (name, found) in &outline.columns {
        texts.insert(name.as_str(), column::<Arc<str>>(rows, *found, &mut reader)?);
    }
    let Coded { values, codes } = column::<TagSet>(rows, outline.tags, &mut reader)?;
    let tags = Coded { values: shared(&values, &mut Interner::default()), codes };
    let sums = SumColumns {
        usage_amount: reader.decimals(rows, outline.usage_amount)?,
        tokens: optional(rows, outline.tokens, &mut reader)?,
        unblended_cost: reader.decimals(rows, outline.unblended_cost)?,
        net_unblended_cost: reader.decimals(rows, outline.net_unblended_cost)?,
        list_cost: optional(rows, outline.list_cost, &mut reader)?,
        line_items: reader.codes(rows, outline.line_items)?,
        lines_without_net: reader.codes(rows, outline.lines_without_net)?,
    };
    if !reader.is_at_end() {
        return Err(damage("it has more bytes than its outline says"));
    }
    let of_field =
        |field: &F| texts.remove(field.name()).ok_or_else(|| damage(format!("column {} is missing", field.name())));
    let fields = F::ALL.iter().map(of_field).collect::<Result<_, _>>()?;
    if let Some(name) = texts.keys().next() {
        return Err(damage(format!("column {name} is not known")));
    }
    Table::of_columns(rows, Columns { days, texts: fields, tags, sums }).map_err(damage)
}

/// Whether a column of the keys is long enough to tell so many rows apart: no two rows of a table have the same key.
fn can_tell(outline: &Outline, rows: usize) -> bool {
    let mut keys = outline.columns.values().chain([&outline.days, &outline.tags]).map(|column| column.codes);
    rows <= 1 || keys.any(|codes| codes.width > 0 && can_hold(codes.bytes, rows as u64))
}

/// The JSON of every column's distinct values.
pub(super) fn texts(outline: &Outline, reader: &mut Reader<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let mut texts = Vec::new();
    for column in [&outline.days].into_iter().chain(outline.columns.values()).chain([&outline.tags]) {
        texts.extend_from_slice(&reader.json(column.values)?);
        texts.push(b'\n');
        reader.skip(column.codes.bytes)?;
    }
    Ok(texts)
}

fn column<T: DeserializeOwned>(
    rows: usize,
    outline: Column,
    reader: &mut Reader<'_>,
) -> Result<Coded<T>, serde_json::Error> {
    let json = reader.json(outline.values)?;
    let values = if json.is_empty() { Vec::new() } else { serde_json::from_slice(&json)? };
    Ok(Coded { values, codes: reader.codes(rows, outline.codes)? })
}

fn optional(rows: usize, outline: Optional, reader: &mut Reader<'_>) -> Result<OptionalDecimals, serde_json::Error> {
    let decimals = reader.decimals(rows, outline.amounts)?;
    Ok(OptionalDecimals { decimals, present: reader.codes(rows, outline.present)? })
}
