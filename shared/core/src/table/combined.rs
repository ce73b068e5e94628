//! Which combination of values each row of a table has, in some of its columns.

use std::collections::HashMap;

use crate::table::codes::{Codes, number, place};

/// The combinations of some columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Combined {
    /// For each row, which combination it has, from 0, in the order of first use.
    pub(crate) of_row: Vec<u32>,
    /// For each combination, a row that has it.
    pub(crate) rows: Vec<usize>,
}

/// Up to how many pairs are looked up by their place.
const MOST_PAIRS: usize = 1 << 22;

impl Combined {
    /// The combinations of `columns`, each with the number of its values. Column by column, so that a row costs a look-up
    /// for each column that has more than one value.
    pub(crate) fn of<'a>(rows: usize, columns: impl Iterator<Item = (&'a Codes, usize)>) -> Self {
        let first = if rows > 0 { vec![0] } else { Vec::new() };
        let mut combined = Self { of_row: vec![0; rows], rows: first };
        for (codes, values) in columns.filter(|(_, values)| *values > 1) {
            combined.take_in(codes, values);
        }
        combined
    }

    /// Takes in another column. New combinations are numbered as they are met, so that what is pushed to `rows` is the
    /// first row of each.
    fn take_in(&mut self, codes: &Codes, values: usize) {
        const UNKNOWN: u32 = u32::MAX;
        let Self { of_row, rows } = self;
        let before = rows.len();
        rows.clear();
        if let Some(pairs) = before.checked_mul(values).filter(|pairs| *pairs <= MOST_PAIRS) {
            let mut known = vec![UNKNOWN; pairs];
            codes.for_each(|row, code| {
                let Some(slot) = of_row.get_mut(row) else { return };
                let Some(found) = known.get_mut(place(*slot) * values + place(code)) else { return };
                if *found == UNKNOWN {
                    *found = number(rows.len());
                    rows.push(row);
                }
                *slot = *found;
            });
        } else {
            let mut known: HashMap<(u32, u32), u32, foldhash::fast::FixedState> = HashMap::default();
            codes.for_each(|row, code| {
                let Some(slot) = of_row.get_mut(row) else { return };
                *slot = *known.entry((*slot, code)).or_insert_with(|| {
                    rows.push(row);
                    number(rows.len() - 1)
                });
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_same_combination_where_all_columns_are_the_same() {
        let column = |codes: &[u32]| Codes::of(codes.iter().copied(), 70_000);
        let columns = [column(&[0, 1, 0, 1, 0]), column(&[5, 5, 5, 6, 70_000]), column(&[2, 2, 2, 2, 2])];
        for values in [70_001, 1 << 40] {
            let found = Combined::of(5, columns.iter().map(|column| (column, values)));
            assert_eq!((found.of_row, found.rows), (vec![0, 1, 0, 2, 3], vec![0, 1, 3, 4]));
        }
        let none = Combined::of(2, std::iter::empty());
        assert_eq!((none.of_row, none.rows), (vec![0, 0], vec![0]));
        assert!(Combined::of(0, columns.iter().map(|column| (column, 2))).rows.is_empty());
    }
}
