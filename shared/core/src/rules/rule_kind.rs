//! What every kind of rule can do: the trait [`RuleKind`].

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::calendar::data_span::DataSpan;
use crate::calendar::window::{Window, WindowKind};
use crate::facts::fact::Fact;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::rules::finding::Measurement;
use crate::rules::rule::{Kind, Rule};

/// What an evaluation knows besides the facts.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// What counts as spend.
    pub policy: &'a CostPolicy,
    /// How far the data can be trusted.
    pub span: &'a DataSpan,
    /// The days that are looked at one by one, in order.
    pub days: &'a [NaiveDate],
}

impl Known<'_> {
    /// The windows of a kind that have days in the months of the span, as far as they have begun in the data.
    pub(crate) fn windows(&self, kind: WindowKind) -> BTreeSet<Window> {
        let days = self.span.months().flat_map(|month| Window::from(month).days().collect::<Vec<_>>());
        let windows = days.map(|day| Window::of(kind, day));
        windows.filter(|window| self.span.has_begun(*window)).collect()
    }

    /// Those of them that the data covers.
    pub(crate) fn covered(&self, kind: WindowKind) -> Vec<Window> {
        self.windows(kind).into_iter().filter(|window| self.span.covers(*window)).collect()
    }

    pub(crate) fn windows_of_days(&self) -> Vec<Window> {
        self.days.iter().map(|day| Window::of(WindowKind::Day, *day)).collect()
    }
}

/// A kind of rule. A new kind is a file with a type that implements this, and a line in the list of
/// `rules/evaluation.rs`.
pub trait RuleKind {
    fn rule(&self) -> &Rule;

    /// What kind of thing it is called, and finds.
    fn kind(&self) -> Kind;

    /// Every kind of thing that it finds.
    fn finds(&self) -> Vec<Kind> {
        vec![self.kind()]
    }

    /// The rule in a sentence, for people who want to know what they have written.
    fn sentence(&self) -> String;

    /// What [`Rule`] does not say of what is compared. It is hashed and stored: another text makes every level a new one.
    fn about(&self) -> String;

    /// What can be crossed: kind, name and amount of each level, as in ids.
    fn levels(&self) -> Vec<(Kind, String, Decimal)>;

    /// Whether it still asks for a level that a member crossed.
    fn asks_for(
        &self,
        kind: Kind,
        window: WindowKind,
        member: Option<&str>,
        percent: Option<u32>,
        amount: Decimal,
    ) -> bool;

    /// Whether what was crossed may be crossed no more although no delivery restated anything: a forecast falls, a day's
    /// spend does not.
    fn recedes(&self, _kind: Kind, _window: WindowKind) -> bool {
        false
    }

    /// Measures every member in every window that is looked at, without order.
    fn evaluate<'a>(
        &'a self,
        facts: impl Iterator<Item = Fact<'a>> + Clone,
        known: &Known<'_>,
    ) -> Result<Vec<Measurement>, SumOutOfRange>
    where
        Self: Sized;

    /// Windows that were evaluated completely: what is missing there is known to be missing.
    fn complete(&self, known: &Known<'_>) -> Vec<Window>;

    /// What `new` no longer tells, tells later or more quietly, besides what every rule can lose: each in a sentence
    /// without its end. `called` is what the sentences call the rule.
    fn weaker(&self, new: &Self, called: &str) -> Vec<String>
    where
        Self: Sized;
}
