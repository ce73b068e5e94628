//! The first look at a row group: which rows are Bedrock's, by the columns that can tell.

use std::ops::Range;

use arrow::array::RecordBatch;
use spend_core::bill::bedrock_line::{Rule, RuleCounts, RuleSet};
use spend_core::bill::line::ScanCounts;

use crate::columns::names::PRODUCT;
use crate::columns::plan::Plan;
use crate::rows::texts::{Maps, Memo, Texts};

/// Tests rows against every rule, and remembers which are Bedrock's.
pub(crate) struct Scan<'a> {
    plan: &'a Plan,
    /// How many rows were tested.
    pub(crate) rows: usize,
    /// What each rule caught.
    pub(crate) rules: RuleCounts,
    /// Runs of Bedrock rows that satisfy the same rules, counted from the first row tested.
    pub(crate) selected: Vec<(Range<usize>, RuleSet)>,
    /// As many as the plan has columns that tell.
    texts: Vec<Memo<bool>>,
    is_name: Memo<Option<NameKey>>,
}

/// Which of a product's names a key of the `product` map holds, if any.
pub(crate) fn name_key(key: &str) -> Option<NameKey> {
    match key {
        "product_name" => Some(NameKey::ProductName),
        "servicename" => Some(NameKey::ServiceName),
        _ => None,
    }
}

/// The keys of the `product` map that can hold a product's name.
#[derive(Clone, Copy)]
pub(crate) enum NameKey {
    ProductName,
    ServiceName,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            rows: 0,
            rules: RuleCounts::default(),
            selected: Vec::new(),
            texts: plan.telling.iter().map(|_| Memo::default()).collect(),
            is_name: Memo::default(),
        }
    }

    /// How many rows are Bedrock's.
    pub(crate) fn selected_count(&self) -> usize {
        self.selected.iter().map(|(run, _)| run.len()).sum()
    }

    /// Adds what was found to what the chunk's scan has found.
    pub(crate) fn count_into(&self, counts: &mut ScanCounts) {
        counts.rows += self.rows as u64;
        counts.bedrock_rows += self.selected_count() as u64;
        counts.rules.merge(&self.rules);
    }

    /// Tests the rows of the next batch, or says what is wrong with it.
    pub(crate) fn test(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let mut sets = vec![RuleSet::default(); batch.num_rows()];
        for ((rule, column), memo) in self.plan.telling.iter().copied().zip(&mut self.texts) {
            if column == PRODUCT {
                if let Some(maps) = Maps::of(batch, column)? {
                    test_names(&maps, rule, memo, &mut self.is_name, &mut sets);
                }
            } else if let Some(texts) = Texts::of(batch, column)? {
                for (row, set) in sets.iter_mut().enumerate() {
                    if memo.get(texts, row, |text| rule.matches(text)) == Some(true) {
                        set.insert(rule);
                    }
                }
            }
        }
        for (row, set) in sets.iter().copied().enumerate().filter(|(_, set)| set.is_bedrock()) {
            self.rules.count(set);
            self.select(self.rows + row, set);
        }
        self.rows += sets.len();
        Ok(())
    }

    /// The Bedrock rows in order, each with the rules that it satisfies.
    pub(crate) fn selected_rows(&self) -> impl Iterator<Item = (usize, RuleSet)> + '_ {
        self.selected.iter().flat_map(|(run, rules)| run.clone().map(|row| (row, *rules)))
    }

    fn select(&mut self, row: usize, rules: RuleSet) {
        match self.selected.last_mut() {
            Some((run, known)) if run.end == row && *known == rules => run.end += 1,
            _ => self.selected.push((row..row + 1, rules)),
        }
    }
}

/// Tests the product's names. Where a map has a key twice, the last counts.
fn test_names(
    maps: &Maps<'_>,
    rule: Rule,
    matches: &mut Memo<bool>,
    is_name: &mut Memo<Option<NameKey>>,
    sets: &mut [RuleSet],
) {
    for (row, set) in sets.iter_mut().enumerate() {
        let (mut product_name, mut service_name) = (false, false);
        for entry in maps.entries(row) {
            let name = is_name.get(maps.keys, entry, name_key);
            let mut says_bedrock = || matches.get(maps.values, entry, |text| rule.matches(text)) == Some(true);
            match name.flatten() {
                Some(NameKey::ProductName) => product_name = says_bedrock(),
                Some(NameKey::ServiceName) => service_name = says_bedrock(),
                None => {}
            }
        }
        if product_name || service_name {
            set.insert(rule);
        }
    }
}
