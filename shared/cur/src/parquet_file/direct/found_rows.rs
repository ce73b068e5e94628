//! The rows of a row group that the first look found.

use std::ops::Range;

use spend_core::bill::bedrock_line::{RuleCounts, RuleSet};

use crate::parquet_file::direct::odd::Odd;

/// Bedrock's rows, each with the rules that it satisfies.
#[derive(Default)]
pub(crate) struct FoundRows {
    /// Of every row of the row group: a byte a row is less than its runs take where few rows stand together.
    sets: Vec<RuleSet>,
    /// Where they stand together.
    pub(crate) ranges: Vec<Range<u32>>,
    pub(crate) count: usize,
    /// How many runs of rows that satisfy the same rules there are.
    pub(crate) runs: usize,
    pub(crate) rules: RuleCounts,
}

impl FoundRows {
    /// Those of the rows that satisfy these rules.
    pub(crate) fn of(sets: Vec<RuleSet>) -> Result<Self, Odd> {
        let mut found = Self::default();
        let mut before = RuleSet::default();
        for (row, set) in sets.iter().copied().enumerate() {
            if set.is_bedrock() {
                found.rules.count(set);
                found.count += 1;
                found.runs += usize::from(set != before);
                let row = u32::try_from(row).map_err(|_| Odd)?;
                let end = row.checked_add(1).ok_or(Odd)?;
                match found.ranges.last_mut() {
                    Some(last) if last.end == row => last.end = end,
                    _ => found.ranges.push(row..end),
                }
            }
            before = set;
        }
        found.sets = sets;
        Ok(found)
    }

    /// How much memory they take.
    pub(crate) fn held(&self) -> u64 {
        (self.sets.capacity() + self.ranges.capacity() * size_of::<Range<u32>>()) as u64
    }

    /// The rows in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, RuleSet)> + '_ {
        self.sets.iter().copied().enumerate().filter(|(_, set)| set.is_bedrock())
    }
}

#[cfg(test)]
mod tests {
    use spend_core::bill::bedrock_line::Rule;

    use super::*;

    #[test]
    fn rows_that_stand_together_are_one_range_and_a_run_for_each_set_of_rules() {
        let [none, code, both] = [&[][..], &[Rule::ProductCode], &[Rule::ProductCode, Rule::Principal]].map(|rules| {
            let mut set = RuleSet::default();
            for rule in rules {
                set.insert(*rule);
            }
            set
        });
        let found = FoundRows::of(vec![code, none, none, code, code, both, none, both]).unwrap();
        assert_eq!((found.ranges.as_slice(), found.count, found.runs), (&[0..1, 3..6, 7..8][..], 5, 4));
        assert_eq!(found.iter().collect::<Vec<_>>(), [(0, code), (3, code), (4, code), (5, both), (7, both)]);
        let caught =
            |rule| found.rules.iter().find(|(known, ..)| *known == rule).map(|(_, caught, alone)| (caught, alone));
        assert_eq!((caught(Rule::ProductCode), caught(Rule::Principal)), (Some((5, 3)), Some((2, 0))));
    }
}
