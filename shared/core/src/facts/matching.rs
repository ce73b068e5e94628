//! Which facts matchers are about, by codes: texts are matched once for each combination that a table has.

use crate::facts::combinations::combinations;
use crate::facts::fact::{Fact, FactTable};
use crate::facts::matcher::Matcher;
use crate::table::codes::place;
use crate::table::combined::Combined;

/// Holds facts against matchers, of which all must match.
#[derive(Clone, Debug)]
pub(crate) struct Matching<'m, 'a> {
    matchers: &'m [Matcher],
    /// Of the table that was asked for last: for each row a combination of codes, and which of them match.
    table: Option<(&'a FactTable, Combined, Vec<bool>)>,
}

impl<'m, 'a> Matching<'m, 'a> {
    pub(crate) fn of(matchers: &'m [Matcher]) -> Self {
        Self { matchers, table: None }
    }

    /// Whether every matcher matches.
    pub(crate) fn holds(&mut self, fact: Fact<'a>) -> bool {
        if self.matchers.is_empty() {
            return true;
        }
        if self.table.as_ref().is_none_or(|(known, ..)| !std::ptr::eq(*known, fact.table())) {
            self.table = Some(self.matched(fact.table()));
        }
        self.table.as_ref().is_some_and(|(_, combined, matched)| {
            let combination = combined.of_row.get(fact.place());
            combination.and_then(|combination| matched.get(place(*combination))) == Some(&true)
        })
    }

    fn matched(&self, table: &'a FactTable) -> (&'a FactTable, Combined, Vec<bool>) {
        let combined = combinations(table, self.matchers.iter().map(Matcher::dimension), false);
        let all_match = |row: &usize| self.matchers.iter().all(|matcher| matcher.matches(table.row(*row)));
        let matched = combined.rows.iter().map(all_match).collect();
        (table, combined, matched)
    }
}
