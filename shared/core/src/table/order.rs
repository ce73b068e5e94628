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
/// Rows of one rank in the first column are ordered together: that takes little room besides the order, and stays in the
/// processor's cache. The ranks of a row are packed into as few words as they need, so that two rows mostly compare in one
/// step; what each part of a key has of a word is worked out once.
pub(crate) fn of<const N: usize>(keys: &[[u32; N]], columns: &[Ranks<'_>]) -> Vec<u32> {
    let mut words = packed::<N>(columns).into_iter();
    let (Some(first), Some(column)) = (words.next(), columns.iter().find(|column| column.count > 1)) else {
        return (0..number(keys.len())).collect();
    };
    let further: Vec<_> = words.collect();
    let key_of = |word: &[Vec<u128>; N], row: u32| {
        let of_part = |(part, number): (&Vec<u128>, &u32)| part.get(place(*number)).copied().unwrap_or_default();
        let parts = keys.get(place(row)).map(|key| word.iter().zip(key).map(of_part));
        parts.into_iter().flatten().fold(0, |packed, part| packed | part)
    };
    let (mut order, ends) = by_rank(keys, column);
    let mut keyed: Vec<(u128, u32)> = Vec::new();
    let mut start = 0;
    for end in ends {
        let Some(rows) = order.get_mut(start..end) else { break };
        start = end;
        keyed.clear();
        keyed.extend(rows.iter().map(|row| (key_of(&first, *row), *row)));
        keyed.sort_unstable_by(|(left, row), (right, other)| {
            let further = || further.iter().map(|word| key_of(word, *row).cmp(&key_of(word, *other)));
            let rest = || further().find(|order| order.is_ne());
            left.cmp(right).then_with(|| rest().unwrap_or_else(|| row.cmp(other)))
        });
        for (slot, (_, row)) in rows.iter_mut().zip(&keyed) {
            *slot = *row;
        }
    }
    order
}

/// The rows by their ranks in one column, and where those of each rank end.
fn by_rank<const N: usize>(keys: &[[u32; N]], column: &Ranks<'_>) -> (Vec<u32>, Vec<usize>) {
    let rank = |key: &[u32; N]| {
        let number = key.get(column.part).copied().unwrap_or_default();
        column.of_number.get(place(number)).map_or(0, |rank| place(*rank))
    };
    let ranks = keys.iter().map(rank).max().map_or(0, |most| most + 1);
    let mut ends = vec![0; ranks];
    for key in keys {
        if let Some(end) = ends.get_mut(rank(key)) {
            *end += 1;
        }
    }
    let mut all = 0;
    for end in &mut ends {
        // For now, where they begin.
        all += std::mem::replace(end, all);
    }
    let mut order = vec![0; keys.len()];
    for (row, key) in keys.iter().enumerate() {
        if let Some(next) = ends.get_mut(rank(key)) {
            if let Some(slot) = order.get_mut(*next) {
                *slot = number(row);
            }
            *next += 1;
        }
    }
    (order, ends)
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
