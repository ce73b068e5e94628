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
        let mut of_row = vec![0; rows];
        let mut count = usize::from(rows > 0);
        for (codes, values) in columns.filter(|(_, values)| *values > 1) {
            count = match count.checked_mul(values).filter(|pairs| *pairs <= MOST_PAIRS) {
                Some(pairs) => few(&mut of_row, codes, values, pairs),
                None => many(&mut of_row, codes),
            };
        }
        let mut first = vec![None; count];
        for (row, combination) in of_row.iter().enumerate() {
            if let Some(slot) = first.get_mut(place(*combination)) {
                slot.get_or_insert(row);
            }
        }
        Self { of_row, rows: first.into_iter().flatten().collect() }
    }
}

/// Takes in another column by a table of all pairs; how many combinations there are now.
fn few(of_row: &mut [u32], codes: &Codes, values: usize, pairs: usize) -> usize {
    const UNKNOWN: u32 = u32::MAX;
    let mut known = vec![UNKNOWN; pairs];
    let mut count = 0;
    for (row, slot) in of_row.iter_mut().enumerate() {
        let pair = place(*slot) * values + place(codes.get(row).unwrap_or_default());
        let Some(found) = known.get_mut(pair) else { continue };
        if *found == UNKNOWN {
            *found = count;
            count += 1;
        }
        *slot = *found;
    }
    place(count)
}

/// The same by a map of those pairs that there are.
fn many(of_row: &mut [u32], codes: &Codes) -> usize {
    let mut known: HashMap<(u32, u32), u32, foldhash::fast::FixedState> = HashMap::default();
    for (row, slot) in of_row.iter_mut().enumerate() {
        let next = number(known.len());
        *slot = *known.entry((*slot, codes.get(row).unwrap_or_default())).or_insert(next);
    }
    known.len()
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
