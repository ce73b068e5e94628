//! The order of rows by the ranks of their values.

use crate::table::codes::number;

/// A column of ranks by which rows are ordered, the first column first.
pub(crate) struct Ranks<F> {
    /// How many different ranks there are.
    pub(crate) count: usize,
    /// The rank of a row.
    pub(crate) of: F,
}

/// The rows `0..rows` in the order of their ranks.
///
/// The ranks of a row are packed into as few words as they need, so that two rows mostly compare in one step.
pub(crate) fn of<F: Fn(usize) -> u32>(rows: usize, columns: &[Ranks<F>]) -> Vec<u32> {
    const WORD: u32 = u128::BITS;
    // Columns of one value order nothing.
    let mut words: Vec<Vec<(u32, &Ranks<F>)>> = Vec::new();
    let mut room = 0;
    for column in columns.iter().filter(|column| column.count > 1) {
        let bits = usize::BITS - (column.count - 1).leading_zeros();
        if bits > room {
            words.push(Vec::new());
            room = WORD;
        }
        room -= bits;
        if let Some(word) = words.last_mut() {
            word.push((bits, column));
        }
    }
    let packed = |word: &[(u32, &Ranks<F>)], row: usize| {
        word.iter().fold(0_u128, |packed, (bits, column)| (packed << bits) | u128::from((column.of)(row)))
    };
    let Some((first, rest)) = words.split_first() else { return (0..number(rows)).collect() };
    let mut keyed: Vec<(u128, u32)> = (0..rows).map(|row| (packed(first, row), number(row))).collect();
    if rest.is_empty() {
        keyed.sort_unstable();
    } else {
        let further: Vec<Vec<u128>> =
            rest.iter().map(|word| (0..rows).map(|row| packed(word, row)).collect()).collect();
        let at = |word: &[u128], row: u32| word.get(crate::table::codes::place(row)).copied();
        keyed.sort_unstable_by(|(left, row), (right, other)| {
            let rest = || further.iter().map(|word| at(word, *row).cmp(&at(word, *other))).find(|order| order.is_ne());
            left.cmp(right).then_with(|| rest().unwrap_or_else(|| row.cmp(other)))
        });
    }
    keyed.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_ordered_by_the_first_column_that_differs_however_many_words_they_take() {
        let rows: [[u32; 6]; 4] = [[1, 0, 0, 0, 0, 9], [1, 0, 0, 0, 0, 7], [0, 9, 9, 9, 9, 9], [1, 0, 0, 0, 0, 8]];
        for count in [10, 1 << 20, 1 << 32] {
            let columns: Vec<_> =
                (0..6).map(|column| Ranks { count, of: move |row: usize| rows[row][column] }).collect();
            assert_eq!(of(4, &columns), [2, 1, 3, 0]);
        }
        let same = [Ranks { count: 1, of: |_: usize| 0 }];
        assert_eq!(of(3, &same), [0, 1, 2]);
    }
    proptest! {
        #[test]
        fn rows_are_ordered_as_lists_of_their_ranks_are(
            rows in vec(vec(0_u32..3, 7), 0..20),
            counts in vec(prop_oneof![Just(1_usize), Just(3), Just(1 << 30), Just(1 << 32)], 7),
        ) {
            // A column of one value has one rank.
            let rank = |row: usize, column: usize| if counts[column] == 1 { 0 } else { rows[row][column] };
            let ranks = |row: usize| (0..7).map(|column| rank(row, column)).collect::<Vec<_>>();
            let columns: Vec<_> =
                (0..7).map(|column| Ranks { count: counts[column], of: move |row| rank(row, column) }).collect();
            let mut expected: Vec<_> = (0..rows.len()).collect();
            expected.sort_by_key(|row| ranks(*row));
            prop_assert_eq!(of(rows.len(), &columns), expected.into_iter().map(number).collect::<Vec<_>>());
        }
    }
}
