//! Summing rows to lines. A chunk may have a million lines, most of whose texts are those of other lines: they are kept as
//! codes, each text once, and so are the combinations of texts that come again and again.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::{array, mem};

use chrono::NaiveDate;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::bill::line::{LineField, LineKey, Measures, ScanCounts, Tags};
use crate::bill::line_coder::{FIELDS, LineCoder, LineCodes, code_of, index_of};
use crate::money::decimal::{Decimal, SumOutOfRange};

/// A chunk's Bedrock rows, summed by the bill's own fields. Of the configuration it depends on
/// [`KeptTags`](crate::bill::line::KeptTags) alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reduction {
    /// What the scan found.
    pub counts: ScanCounts,
    /// The lines, sorted by key, each key once.
    pub lines: Vec<(LineKey, Measures)>,
}

/// A column of values that repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded<T> {
    /// Each value once, in the order of first use.
    pub values: Vec<T>,
    /// For each line, which value it has, from 0.
    pub codes: Vec<u32>,
}

/// Lines as columns, sorted by key, each key once: all that takes room in them is there once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedLines {
    /// The usage days.
    pub days: Coded<NaiveDate>,
    /// The fields, in the order of [`LineField::ALL`].
    pub fields: [Coded<Arc<str>>; FIELDS],
    /// The sets of tags.
    pub tags: Coded<Arc<Tags>>,
    /// See [`Measures::usage_amount`].
    pub usage_amount: Vec<Decimal>,
    /// See [`Measures::unblended_cost`].
    pub unblended_cost: Vec<Decimal>,
    /// See [`Measures::net_unblended_cost`].
    pub net_unblended_cost: Vec<Decimal>,
    /// See [`Measures::list_cost`].
    pub list_cost: Vec<Option<Decimal>>,
    /// See [`Measures::line_items`].
    pub line_items: Vec<u64>,
    /// See [`Measures::lines_without_net`].
    pub lines_without_net: Vec<u64>,
}

impl CodedLines {
    pub fn into_lines(self) -> Vec<(LineKey, Measures)> {
        let empty: Arc<str> = Arc::default();
        let no_tags = Arc::default();
        let costs = self.unblended_cost.into_iter().zip(self.net_unblended_cost).zip(self.list_cost);
        let counts = self.line_items.into_iter().zip(self.lines_without_net);
        let sums = self.usage_amount.into_iter().zip(costs).zip(counts).enumerate();
        let lines = sums.map(|(line, ((usage_amount, costs), (line_items, lines_without_net)))| {
            let ((unblended_cost, net_unblended_cost), list_cost) = costs;
            let key = LineKey {
                usage_date: self.days.get(line).copied().unwrap_or_default(),
                fields: array::from_fn(|field| {
                    Arc::clone(self.fields.get(field).and_then(|texts| texts.get(line)).unwrap_or(&empty))
                }),
                tags: Arc::clone(self.tags.get(line).unwrap_or(&no_tags)),
            };
            let measures = Measures {
                usage_amount,
                tokens: None,
                unblended_cost,
                net_unblended_cost,
                list_cost,
                line_items,
                lines_without_net,
            };
            (key, measures)
        });
        lines.collect()
    }
}

impl<T> Coded<T> {
    fn get(&self, line: usize) -> Option<&T> {
        self.values.get(usize::try_from(*self.codes.get(line)?).ok()?)
    }
}

/// Sums rows into a [`Reduction`]. The order of the rows does not matter.
#[derive(Debug, Default)]
pub struct ReductionBuilder {
    /// What the scan finds; the reader fills it.
    pub counts: ScanCounts,
    /// What the codes of the lines stand for.
    pub coder: LineCoder,
    combinations: Numbers<Combination>,
    keys: Numbers<Key>,
    sums: Vec<Sums>,
    /// The codes of the row that was added last, and its combination and line: rows that follow each other have much in
    /// common.
    last: Option<(LineCodes, u32, u32)>,
}

/// The fields but the account and the principal: a bill has few combinations of them. Those two are empty here.
type Combination = [u32; FIELDS];

/// A line, with a combination for most of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    day: u32,
    account: u32,
    principal: u32,
    combination: u32,
    tags: u32,
}

/// [`Measures`] of a line, without what bill lines do not have.
#[derive(Debug, Default)]
struct Sums {
    usage_amount: Decimal,
    unblended_cost: Decimal,
    net_unblended_cost: Decimal,
    list_cost: Decimal,
    has_list_cost: bool,
    line_items: u64,
    lines_without_net: u64,
}

impl Sums {
    fn add(&mut self, other: &Measures) -> Result<(), SumOutOfRange> {
        let sum = |left: Decimal, right: Decimal| left.checked_add(right).ok_or(SumOutOfRange);
        self.usage_amount = sum(self.usage_amount, other.usage_amount)?;
        self.unblended_cost = sum(self.unblended_cost, other.unblended_cost)?;
        self.net_unblended_cost = sum(self.net_unblended_cost, other.net_unblended_cost)?;
        if let Some(list_cost) = other.list_cost {
            self.list_cost = sum(self.list_cost, list_cost)?;
            self.has_list_cost = true;
        }
        self.line_items = self.line_items.checked_add(other.line_items).ok_or(SumOutOfRange)?;
        self.lines_without_net = self.lines_without_net.checked_add(other.lines_without_net).ok_or(SumOutOfRange)?;
        Ok(())
    }

    fn list_cost(&self) -> Option<Decimal> {
        self.has_list_cost.then_some(self.list_cost)
    }
}

impl ReductionBuilder {
    /// What a line takes in memory at the most, without its texts and tags: its key and its sums once as they are added to
    /// and once as columns, and its place in a hash table. Measured: 310 bytes with a million lines.
    pub const BYTES_A_LINE: u64 = 320;

    pub fn lines(&self) -> usize {
        self.sums.len()
    }

    /// Adds one Bedrock row.
    pub fn add(&mut self, key: LineKey, measures: &Measures) -> Result<(), SumOutOfRange> {
        let codes = self.coder.codes(key);
        self.add_coded(&codes, measures)
    }

    /// Adds one Bedrock row whose codes are those of [`ReductionBuilder::coder`].
    pub fn add_coded(&mut self, codes: &LineCodes, measures: &Measures) -> Result<(), SumOutOfRange> {
        let line = self.line(codes);
        if line == self.sums.len() {
            self.sums.push(Sums::default());
        }
        self.sums.get_mut(line).map_or(Ok(()), |sums| sums.add(measures))
    }

    /// Which line a row belongs to; a new one is the next.
    fn line(&mut self, codes: &LineCodes) -> usize {
        let last = self.last.as_ref();
        if let Some((_, _, line)) = last.filter(|(last, ..)| last == codes) {
            return index_of(*line);
        }
        let mut rest = codes.fields;
        for field in [LineField::AccountId, LineField::Principal] {
            if let Some(code) = rest.get_mut(field as usize) {
                *code = 0;
            }
        }
        let combination = match last {
            Some((last, combination, _)) if same_but_who(&last.fields, &codes.fields) => *combination,
            _ => self.combinations.number(&rest),
        };
        let key = Key {
            day: codes.day,
            account: codes.get(LineField::AccountId),
            principal: codes.get(LineField::Principal),
            combination,
            tags: codes.tags,
        };
        let line = self.keys.number(&key);
        self.last = Some((*codes, combination, line));
        index_of(line)
    }

    pub fn finish(mut self) -> Reduction {
        Reduction { counts: mem::take(&mut self.counts), lines: self.finish_coded().into_lines() }
    }

    /// The lines as columns.
    pub fn finish_coded(self) -> CodedLines {
        let Self { counts: _, mut coder, combinations, keys, sums, last: _ } = self;
        let (combinations, keys) = (combinations.values, keys.values);
        // Codes compare as what they stand for once they are replaced by the places of that in its own order.
        let (days, texts, tags) = (coder.take_days(), coder.take_texts(), coder.take_tags());
        let day_ranks = ranks(&days);
        let text_ranks = texts.each_ref().map(|texts| ranks(texts));
        let tag_ranks = ranks(&tags);
        let of_field = |field: LineField, code: u32| {
            text_ranks.get(field as usize).and_then(|ranks| ranks.get(index_of(code))).copied().unwrap_or(0)
        };
        let ranked: Vec<Combination> = combinations
            .iter()
            .map(|fields| LineField::ALL.map(|field| of_field(field, fields.get(field as usize).copied().unwrap_or(0))))
            .collect();
        let combination_ranks = ranks(&ranked);
        // The payer comes before the account and the principal, all other fields come after them.
        let payer = |key: &Key| ranked.get(index_of(key.combination)).and_then(|fields| fields.first()).copied();
        let mut order: Vec<u32> = (0..code_of(keys.len())).collect();
        order.sort_unstable_by_key(|line| {
            keys.get(index_of(*line)).map(|key| {
                (
                    day_ranks.get(index_of(key.day)),
                    payer(key),
                    of_field(LineField::AccountId, key.account),
                    of_field(LineField::Principal, key.principal),
                    combination_ranks.get(index_of(key.combination)),
                    tag_ranks.get(index_of(key.tags)),
                )
            })
        });
        drop((day_ranks, text_ranks, tag_ranks, ranked, combination_ranks));
        let ordered = || order.iter().filter_map(|line| keys.get(index_of(*line)));
        let mut fields = LineField::ALL.into_iter();
        let fields = texts.map(|texts| {
            let field = fields.next().unwrap_or(LineField::PayerAccountId);
            let in_combination = |key: &Key| {
                let fields = combinations.get(index_of(key.combination));
                fields.and_then(|fields| fields.get(field as usize)).copied().unwrap_or(0)
            };
            let code = |key: &Key| match field {
                LineField::AccountId => key.account,
                LineField::Principal => key.principal,
                _ => in_combination(key),
            };
            coded(ordered().map(code), &texts)
        });
        let days = coded(ordered().map(|key| key.day), &days);
        let tags = coded(ordered().map(|key| key.tags), &tags);
        let ordered = || order.iter().filter_map(|line| sums.get(index_of(*line)));
        CodedLines {
            days,
            fields,
            tags,
            usage_amount: ordered().map(|sums| sums.usage_amount).collect(),
            unblended_cost: ordered().map(|sums| sums.unblended_cost).collect(),
            net_unblended_cost: ordered().map(|sums| sums.net_unblended_cost).collect(),
            list_cost: ordered().map(Sums::list_cost).collect(),
            line_items: ordered().map(|sums| sums.line_items).collect(),
            lines_without_net: ordered().map(|sums| sums.lines_without_net).collect(),
        }
    }
}

/// Whether two rows have the same fields but for the account and the principal.
fn same_but_who(left: &[u32; FIELDS], right: &[u32; FIELDS]) -> bool {
    let is_who = |field: usize| field == LineField::AccountId as usize || field == LineField::Principal as usize;
    left.iter().zip(right).enumerate().all(|(field, (left, right))| left == right || is_who(field))
}

/// Gives numbers to values, each the next one.
///
/// The hash is quick and its key is the process's own. It need not stand up to an opponent who chooses the values: they are
/// codes, which count what came before, and whoever chooses the texts chooses no code.
#[derive(Debug)]
struct Numbers<T> {
    values: Vec<T>,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<T: Copy + Eq + std::hash::Hash> Numbers<T> {
    fn number(&mut self, value: &T) -> u32 {
        let Self { values, places, hasher } = self;
        let hash = hasher.hash_one(value);
        let is_it = |number: &u32| values.get(index_of(*number)) == Some(value);
        if let Some(number) = places.find(hash, is_it) {
            return *number;
        }
        let number = code_of(values.len());
        values.push(*value);
        places.insert_unique(hash, number, |number| {
            values.get(index_of(*number)).map_or(0, |value| hasher.hash_one(value))
        });
        number
    }
}

/// For each value its place in the order of all.
fn ranks<T: Ord>(values: &[T]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..code_of(values.len())).collect();
    order.sort_unstable_by_key(|value| values.get(index_of(*value)));
    let mut ranks = vec![0; values.len()];
    for (rank, value) in order.into_iter().enumerate() {
        if let Some(slot) = ranks.get_mut(index_of(value)) {
            *slot = code_of(rank);
        }
    }
    ranks
}

/// The codes of lines as a column.
fn coded<T: Clone>(lines: impl Iterator<Item = u32>, values: &[T]) -> Coded<T> {
    let mut first_use: Vec<Option<u32>> = vec![None; values.len()];
    let mut used = Vec::new();
    let codes = lines.filter_map(|code| {
        let (slot, value) = (first_use.get_mut(index_of(code))?, values.get(index_of(code))?);
        Some(*slot.get_or_insert_with(|| {
            used.push(value.clone());
            code_of(used.len() - 1)
        }))
    });
    let codes = codes.collect();
    Coded { values: used, codes }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn key(day: u32, principal: &str, tag: &str) -> LineKey {
        let mut fields: [Arc<str>; FIELDS] = array::from_fn(|_| Arc::from(""));
        fields[LineField::Principal as usize] = Arc::from(principal);
        let tags = if tag.is_empty() { Tags::new() } else { Tags::from([(Arc::from("team"), Arc::from(tag))]) };
        LineKey { usage_date: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(), fields, tags: Arc::new(tags) }
    }

    fn measures(cost: i64, list: Option<i64>) -> Measures {
        let decimal = Decimal::from_integer;
        Measures {
            usage_amount: decimal(cost * 10),
            unblended_cost: decimal(cost),
            net_unblended_cost: decimal(cost),
            list_cost: list.map(decimal),
            line_items: 1,
            ..Measures::default()
        }
    }

    #[test]
    fn rows_in_any_order_become_the_lines_that_a_map_of_their_keys_has() {
        let mut rows = Vec::new();
        for row in 0..500_u32 {
            let (day, who, tag) = (1 + row * 7 % 5, format!("p{}", row * 13 % 17), ["", "b", "a"][(row % 3) as usize]);
            rows.push((key(day, &who, tag), measures(i64::from(row), (row % 4 == 0).then_some(i64::from(row)))));
        }
        let mut expected: BTreeMap<LineKey, Measures> = BTreeMap::new();
        for (key, sums) in &rows {
            expected.entry(key.clone()).or_default().add(sums).unwrap();
        }
        let expected: Vec<_> = expected.into_iter().collect();
        for _ in 0..2 {
            rows.reverse();
            let mut builder = ReductionBuilder::default();
            for (key, sums) in &rows {
                builder.add(key.clone(), sums).unwrap();
            }
            assert_eq!(builder.lines(), expected.len());
            assert_eq!(builder.finish().lines, expected);
        }
    }

    #[test]
    fn a_sum_that_leaves_the_range_is_an_error() {
        let mut builder = ReductionBuilder::default();
        let most = crate::fixtures::decimal("99999999999999999999");
        let most = Measures { unblended_cost: most, ..Measures::default() };
        builder.add(key(1, "a", ""), &most).unwrap();
        assert_eq!(builder.add(key(1, "a", ""), &most), Err(SumOutOfRange));
    }

    #[test]
    fn nothing_is_no_lines() {
        assert_eq!(ReductionBuilder::default().finish(), Reduction::default());
    }
}
