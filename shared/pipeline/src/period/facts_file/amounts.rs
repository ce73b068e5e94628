//! Columns of amounts: by dictionary where few of them differ, else each by itself.

use std::ops::Range;

use bytes::Bytes;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;
use spend_core::money::decimal::Decimal;
use spend_core::table::codes::Codes;
use spend_core::table::decimals::Decimals;

use crate::period::facts_file::chunk::{ChunkWriter, DataPage, Values, checked};
use crate::period::facts_file::{coded, hybrid};

/// How many amounts a dictionary has at most: codes of two bytes.
const DISTINCT: usize = 1 << 16;
/// How many rows there are for each of a dictionary's amounts at least: with fewer, codes save less than it takes.
const ROWS_OF_EACH: usize = 2;

/// How an amount is written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// As 128 bits, two's complement, the highest byte first.
    Exact,
    /// The nearest double.
    Double,
}

impl Form {
    fn write(self, decimals: &Decimals, row: usize, bytes: &mut Vec<u8>) {
        match self {
            Self::Exact => bytes.extend_from_slice(&decimals.get(row).units().to_be_bytes()),
            Self::Double => bytes.extend_from_slice(&double(decimals, row).to_le_bytes()),
        }
    }

    fn statistics(self, bounds: Option<(i128, i128)>, nulls: u64) -> Statistics {
        let nulls = Some(nulls);
        let (least, greatest) = bounds.unzip();
        match self {
            Self::Exact => {
                let bound = |units: i128| FixedLenByteArray::from(ByteArray::from(units.to_be_bytes().to_vec()));
                Statistics::fixed_len_byte_array(least.map(bound), greatest.map(bound), None, nulls, false)
            }
            // Bounds of doubles have rules of their own for zeros, and nobody looks for files by them.
            Self::Double => Statistics::double(None, None, None, nulls, false),
        }
    }
}

/// The nearest double of an amount.
fn double(decimals: &Decimals, row: usize) -> f64 {
    if let Decimals::Counts { unit, counts } = decimals
        && let Some(double) = counts.get(row).and_then(|count| exact_quotient(*count, *unit))
    {
        return double;
    }
    decimals.get(row).to_f64()
}

/// `count` times `unit` times 10⁻¹⁸, for a power of ten: where both numbers are exact doubles, one division rounds once.
fn exact_quotient(count: i64, unit: i64) -> Option<f64> {
    const ONE: i64 = 10_i64.pow(Decimal::SCALE);
    const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
    let divisor = ONE.checked_div(unit)?;
    // 10¹⁸ is 2¹⁸ times 5¹⁸, and 5¹⁸ is below 2⁵³.
    #[expect(clippy::cast_precision_loss, reason = "both are exact")]
    (count.unsigned_abs() <= EXACT).then(|| count as f64 / divisor as f64)
}

/// Writes a column of the rows of these pages. Where there is `present`, rows that do not have 1 there have no amount.
pub(super) fn write(
    mut chunk: ChunkWriter<'_>,
    form: Form,
    decimals: &Decimals,
    present: Option<&Codes>,
    pages: &[Range<usize>],
) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
    let has = |row: &usize| present.is_none_or(|present| present.get(*row) == Some(1));
    let rows = pages.iter().flat_map(Clone::clone).filter(has);
    let units = |row: usize| decimals.get(row).units();
    let mut bounds: Option<(i128, i128)> = None;
    let mut count = 0;
    for units in rows.clone().map(units) {
        bounds = bounds.map_or(Some((units, units)), |(least, most)| Some((least.min(units), most.max(units))));
        count += 1;
    }
    let most = DISTINCT.min(count / ROWS_OF_EACH);
    let mut places: HashMap<i128, u32> = HashMap::new();
    // What rows have of the dictionary, as far as there is one.
    let (mut dictionary, mut codes, mut has_dictionary) = (Vec::new(), Vec::with_capacity(count), count > 0);
    for row in rows {
        let next = places.len();
        let code = match places.entry(units(row)) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(_) if next == most => {
                has_dictionary = false;
                break;
            }
            Entry::Vacant(place) => {
                form.write(decimals, row, &mut dictionary);
                *place.insert(checked(next)?)
            }
        };
        codes.push(code);
    }
    if has_dictionary {
        chunk.dictionary(&dictionary, places.len())?;
    }
    drop(dictionary);
    let width = hybrid::width(checked::<_, u32>(places.len().saturating_sub(1))?);
    drop(places);
    let mut left = codes.as_slice();
    let (mut plain, mut definitions) = (Vec::new(), Vec::new());
    let mut all: usize = 0;
    for page in pages {
        if let Some(present) = present {
            coded::words(present, page.clone(), &mut definitions);
        }
        let rows = page.clone().filter(has);
        let values = if has_dictionary {
            let (codes, rest) = left.split_at_checked(rows.count()).unwrap_or((left, &[]));
            left = rest;
            Values::Codes { codes, width }
        } else {
            plain.clear();
            rows.for_each(|row| form.write(decimals, row, &mut plain));
            Values::Plain(&plain)
        };
        chunk.page(&DataPage { rows: page.len(), repetitions: &[], definitions: &definitions, values })?;
        all += page.len();
    }
    chunk.close(form.statistics(bounds, checked(all - count)?), None)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_double_is_the_one_nearest_to_the_amount(
            counts in vec(prop_oneof![-9_i64..9, any::<i64>(), (0_u32..60).prop_map(|bits| 1 << bits)], 1..4),
            places in 0_u32..19,
        ) {
            let units = counts.iter().map(|count| i128::from(*count) * 10_i128.pow(places) % 10_i128.pow(38));
            let decimals = Decimals::of(units);
            for row in 0..decimals.len() {
                prop_assert_eq!(double(&decimals, row).to_bits(), decimals.get(row).to_f64().to_bits());
            }
        }
    }
}
