//! The order of rows by the ranks of their values.

use crate::table::codes::{number, place};

/// A column of ranks by which rows are ordered, the first column first.
pub(crate) struct Ranks<'a> {
    /// Which part of a row's key says its rank.
    pub(crate) part: usize,
    /// How many different ranks there are.
    pub(crate) count: usize,
    /// By the number that the part is.
    pub(crate) of_number: &'a [u32],
}

/// Rows by `columns`: for each row of `keys`, its number.
///
/// The ranks of a row are packed into as few words as they need, so that two rows mostly compare in one step; what each
/// part of a key has of a word is worked out once.
pub(crate) fn of<const N: usize>(keys: &[[u32; N]], columns: &[Ranks<'_>]) -> Vec<u32> {
    let mut words = packed::<N>(columns).into_iter();
    let key_of = |word: &[Vec<u128>; N], key: &[u32; N]| {
        let of_part = |(part, number): (&Vec<u128>, &u32)| part.get(place(*number)).copied().unwrap_or_default();
        word.iter().zip(key).map(of_part).fold(0, |packed, part| packed | part)
    };
    let Some(first) = words.next() else { return (0..number(keys.len())).collect() };
    let mut keyed: Vec<(u128, u32)> =
        keys.iter().enumerate().map(|(row, key)| (key_of(&first, key), number(row))).collect();
    let further: Vec<Vec<u128>> = words.map(|word| keys.iter().map(|key| key_of(&word, key)).collect()).collect();
    if further.is_empty() {
        keyed.sort_unstable();
    } else {
        let at = |word: &[u128], row: u32| word.get(place(row)).copied();
        keyed.sort_unstable_by(|(left, row), (right, other)| {
            let rest = || further.iter().map(|word| at(word, *row).cmp(&at(word, *other))).find(|order| order.is_ne());
            left.cmp(right).then_with(|| rest().unwrap_or_else(|| row.cmp(other)))
        });
    }
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// For each word, and each part of a key, what numbers of the part have of it.
fn packed<const N: usize>(columns: &[Ranks<'_>]) -> Vec<[Vec<u128>; N]> {
    let mut words: Vec<[Vec<u128>; N]> = Vec::new();
    let mut room = 0;
    // Columns of one value order nothing.
    for column in columns.iter().filter(|column| column.count > 1) {
        let bits = usize::BITS - (column.count - 1).leading_zeros();
        if bits > room {
            words.push(std::array::from_fn(|_| Vec::new()));
            room = u128::BITS;
        }
        room -= bits;
        let Some(part) = words.last_mut().and_then(|word| word.get_mut(column.part)) else { continue };
        if part.len() < column.of_number.len() {
            part.resize(column.of_number.len(), 0);
        }
        for (packed, rank) in part.iter_mut().zip(column.of_number) {
            *packed |= u128::from(*rank) << room;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_ordered_by_the_first_column_that_differs_however_many_words_they_take() {
        let rows: [[u32; 6]; 4] = [[1, 0, 0, 0, 0, 9], [1, 0, 0, 0, 0, 7], [0, 9, 9, 9, 9, 9], [1, 0, 0, 0, 0, 8]];
        let ranks: Vec<u32> = (0..10).collect();
        for count in [10, 1 << 20, 1 << 32] {
            let columns: Vec<_> = (0..6).map(|part| Ranks { part, count, of_number: &ranks }).collect();
            assert_eq!(of(&rows, &columns), [2, 1, 3, 0]);
        }
        let same = [Ranks { part: 0, count: 1, of_number: &[0] }];
        assert_eq!(of(&[[0], [0], [0]], &same), [0, 1, 2]);
    }

    #[test]
    fn a_part_that_several_columns_are_of_orders_by_each() {
        // Numbers 0 to 3 have the ranks (1, 0), (0, 1), (0, 0), (1, 1).
        let columns = [
            Ranks { part: 0, count: 2, of_number: &[1, 0, 0, 1] },
            Ranks { part: 0, count: 2, of_number: &[0, 1, 0, 1] },
        ];
        assert_eq!(of(&[[0], [1], [2], [3]], &columns), [2, 1, 0, 3]);
    }
}
