//! Summing rows to lines. A chunk may have a million lines, most of whose texts are those of other lines: they are kept as
//! numbers, each text once.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::{array, mem};

use chrono::NaiveDate;

use crate::bill::line::{LineField, LineKey, Measures, ScanCounts, Tags};
use crate::money::decimal::{Decimal, SumOutOfRange};

/// How many texts a line has.
const FIELDS: usize = LineField::ALL.len();

/// A day, the fields and the tags, each by its number.
const PARTS: usize = FIELDS + 2;

type Key = [u32; PARTS];

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
    days: BTreeMap<NaiveDate, u32>,
    texts: [Distinct<str>; FIELDS],
    tags: Distinct<Tags>,
    keys: Vec<Key>,
    sums: Vec<Sums>,
    /// The last line whose key has this hash.
    by_hash: HashMap<u64, u32>,
    /// For each line the one before it with the same hash.
    same_hash: Vec<Option<u32>>,
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
        let mut measures = self.measures();
        measures.add(&Measures { tokens: None, ..other.clone() })?;
        *self = Self {
            usage_amount: measures.usage_amount,
            unblended_cost: measures.unblended_cost,
            net_unblended_cost: measures.net_unblended_cost,
            list_cost: measures.list_cost.unwrap_or_default(),
            has_list_cost: measures.list_cost.is_some(),
            line_items: measures.line_items,
            lines_without_net: measures.lines_without_net,
        };
        Ok(())
    }

    fn measures(&self) -> Measures {
        Measures {
            usage_amount: self.usage_amount,
            tokens: None,
            unblended_cost: self.unblended_cost,
            net_unblended_cost: self.net_unblended_cost,
            list_cost: self.list_cost(),
            line_items: self.line_items,
            lines_without_net: self.lines_without_net,
        }
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
        self.keys.len()
    }

    /// Adds one Bedrock row.
    pub fn add(&mut self, key: LineKey, measures: &Measures) -> Result<(), SumOutOfRange> {
        let mut codes = Key::default();
        let mut parts = codes.iter_mut();
        if let Some(part) = parts.next() {
            let next = number(self.days.len());
            *part = *self.days.entry(key.usage_date).or_insert(next);
        }
        for ((distinct, text), part) in self.texts.iter_mut().zip(key.fields).zip(parts.by_ref()) {
            *part = distinct.number(text);
        }
        if let Some(part) = parts.next() {
            *part = self.tags.number(key.tags);
        }
        let hash = self.by_hash.hasher().hash_one(codes);
        let first = self.by_hash.get(&hash).copied();
        let mut line = first;
        while let Some(found) = line {
            let at = index(found);
            if self.keys.get(at) == Some(&codes) {
                return self.sums.get_mut(at).map_or(Ok(()), |sums| sums.add(measures));
            }
            line = self.same_hash.get(at).copied().flatten();
        }
        self.by_hash.insert(hash, number(self.keys.len()));
        self.same_hash.push(first);
        self.keys.push(codes);
        let mut sums = Sums::default();
        let added = sums.add(measures);
        self.sums.push(sums);
        added
    }

    pub fn finish(mut self) -> Reduction {
        Reduction { counts: mem::take(&mut self.counts), lines: self.finish_coded().into_lines() }
    }

    /// The lines as columns.
    pub fn finish_coded(self) -> CodedLines {
        let Self { counts: _, days, texts, tags, mut keys, sums, by_hash, same_hash } = self;
        drop((by_hash, same_hash));
        // Days and texts are numbered anew in their own order: keys then compare as the values would.
        let (mut day_values, mut day_ranks) = (Vec::new(), vec![0; days.len()]);
        for (rank, (day, code)) in days.into_iter().enumerate() {
            day_values.push(day);
            if let Some(slot) = day_ranks.get_mut(index(code)) {
                *slot = number(rank);
            }
        }
        rank(&mut keys, 0, &day_ranks);
        let mut ranked = 0;
        let text_values = texts.map(|distinct| {
            ranked += 1;
            distinct.ranked(&mut keys, ranked)
        });
        let tag_values = tags.ranked(&mut keys, PARTS - 1);
        let mut order: Vec<u32> = (0..number(keys.len())).collect();
        order.sort_unstable_by_key(|line| keys.get(index(*line)));
        let days = coded(&keys, &order, 0, &day_values);
        let mut part = 0;
        let fields = text_values.map(|values| {
            part += 1;
            coded(&keys, &order, part, &values)
        });
        let tags = coded(&keys, &order, PARTS - 1, &tag_values);
        drop(keys);
        let ordered = || order.iter().filter_map(|line| sums.get(index(*line)));
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

/// Values that were met, each with its number.
#[derive(Debug)]
struct Distinct<T: ?Sized> {
    numbers: HashMap<Arc<T>, u32>,
    /// What was asked for last: rows that follow each other have much in common.
    last: Option<(Arc<T>, u32)>,
}

impl<T: ?Sized> Default for Distinct<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), last: None }
    }
}

impl<T: ?Sized + Eq + Hash + Ord> Distinct<T> {
    fn number(&mut self, value: Arc<T>) -> u32 {
        if let Some((last, known)) = &self.last
            && Arc::ptr_eq(last, &value)
        {
            return *known;
        }
        let next = number(self.numbers.len());
        let found = *self.numbers.entry(Arc::clone(&value)).or_insert(next);
        self.last = Some((value, found));
        found
    }

    /// The values in their own order. Those of `part` in `keys` are numbered by it.
    fn ranked(self, keys: &mut [Key], part: usize) -> Vec<Arc<T>> {
        let mut sorted: Vec<_> = self.numbers.into_iter().collect();
        sorted.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let mut ranks = vec![0; sorted.len()];
        for (rank, (_, known)) in sorted.iter().enumerate() {
            if let Some(slot) = ranks.get_mut(index(*known)) {
                *slot = number(rank);
            }
        }
        rank(keys, part, &ranks);
        sorted.into_iter().map(|(value, _)| value).collect()
    }
}

/// Replaces the numbers of a part of the keys.
fn rank(keys: &mut [Key], part: usize, ranks: &[u32]) {
    for key in keys {
        if let Some(slot) = key.get_mut(part)
            && let Some(rank) = ranks.get(index(*slot))
        {
            *slot = *rank;
        }
    }
}

/// A part of the keys as a column of the lines in `order`.
fn coded<T: Clone>(keys: &[Key], order: &[u32], part: usize, values: &[T]) -> Coded<T> {
    let mut first_use: Vec<Option<u32>> = vec![None; values.len()];
    let (mut used, mut codes) = (Vec::new(), Vec::with_capacity(order.len()));
    for line in order {
        let Some(rank) = keys.get(index(*line)).and_then(|key| key.get(part)).map(|rank| index(*rank)) else {
            continue;
        };
        let (Some(slot), Some(value)) = (first_use.get_mut(rank), values.get(rank)) else { continue };
        codes.push(*slot.get_or_insert_with(|| {
            used.push(value.clone());
            number(used.len() - 1)
        }));
    }
    Coded { values: used, codes }
}

/// More than four billion values do not fit in the memory of any reader.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
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
