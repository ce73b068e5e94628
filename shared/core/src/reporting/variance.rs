//! Why spend changed from one span of days to another of the same length, in terms that sum exactly.
//!
//! For each group (an owner, a caller) and currency
//!
//! ```text
//! after - before = new + gone + moved + volume + model mix + token mix + tier mix + context mix + price
//!                + charges + unexplained + restatement
//! ```
//!
//! where `after` is the later span's spend and `before` the earlier one's **as it was told**: what it is now less what
//! deliveries have changed of it since. With C the cost and Q the tokens of the usage of those who used something in
//! both spans (0 the earlier span, 1 the later), and `p = C0 / Q0` a price per token in the earlier span:
//!
//! - *new*, *gone*: usage of callers without usage in the other span; *moved*: of those that had it in another group.
//! - *volume* `= E0 - C0` with `E0 = Q1 · p`: as many tokens as now, at the group's price per token then.
//! - *model mix* `= E1 - E0` with `E1` the sum of `Q1 · p` over models, *token mix* `= E2 - E1` over models and kinds of
//!   token, *tier mix* `= E3 - E2` over models, kinds and tiers, *context mix* `= E4 - E3` over contexts besides. Where
//!   there is no price then (the model was not used), the cost now stands in its place: so a model that is newly used is
//!   all mix.
//! - *price* `= C1 - E4`: what remains between one model's tokens of one kind, tier and context; rates, regions, routing.
//! - *charges*: discounts and all else that counts as spend and is not usage.
//! - *unexplained*: usage that is not counted in tokens, and all usage of a group where one span has no tokens.
//! - *restatement*: what is now said of the earlier span, less what was told of it.
//!
//! Quotients are rounded to 18 places where an estimate `E` is made, and nowhere else. Each estimate is added to one term
//! and taken from its neighbour, so that its rounding cancels: no term takes a remainder, and the sum is exact.
//!
//! - `windows`: which days are compared;
//! - `terms`: the terms of a change, and its two sides;
//! - `estimate`: what usage would have cost at the earlier span's prices.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::bill::category::Category;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::grouping::grouped;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::reporting::variance::terms::{Both, Side, Term, difference};
use crate::reporting::variance::windows::Windows;
use crate::text::SEVERAL;

mod estimate;
pub mod terms;
pub mod windows;

use estimate::{CELL, Cells, Counted, estimate};

/// What a delivery has changed of one day since that day was told: the spend now said of it less the spend then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    pub day: NaiveDate,
    /// The caller; empty for nobody.
    pub identity: String,
    pub currency: String,
    /// By how much the spend moved.
    pub amount: Decimal,
}

/// Why the spend of one group in one currency changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variance {
    /// The group's value; empty if it has none.
    pub group: String,
    pub currency: String,
    /// The earlier span's spend, as it was told.
    pub before: Decimal,
    /// The later span's spend.
    pub after: Decimal,
    /// The terms that are not zero, in order. Their sum is `after - before`, exactly.
    pub terms: BTreeMap<Term, Decimal>,
}

impl Variance {
    fn of(group: &str, currency: &str) -> Self {
        let (group, currency) = (group.to_owned(), currency.to_owned());
        Self { group, currency, before: Decimal::ZERO, after: Decimal::ZERO, terms: BTreeMap::new() }
    }

    /// What the terms sum to.
    pub fn change(&self) -> Decimal {
        self.after.checked_sub(self.before).unwrap_or_default()
    }

    fn add(&mut self, term: Term, amount: Decimal) -> Result<(), SumOutOfRange> {
        let sum = self.terms.entry(term).or_default();
        add(sum, amount)?;
        if sum.is_zero() {
            self.terms.remove(&term);
        }
        Ok(())
    }

    /// The terms by size, largest first; of equal ones in order.
    pub fn largest_terms(&self) -> Vec<(Term, Decimal)> {
        let mut terms: Vec<_> = self.terms.iter().map(|(term, amount)| (*term, *amount)).collect();
        terms.sort_by_key(|(term, amount)| (std::cmp::Reverse(amount.abs()), *term));
        terms
    }
}

/// By each of some dimensions, the change of every group with spend in one of the spans, or with a correction. Sorted by
/// currency, size of the change descending, group.
///
/// A correction belongs to the group that its caller's usage of that day has. Where that is none or several, it
/// belongs to the caller's group in the span if there is just one, else to [`SEVERAL`].
pub fn explain<'a, const N: usize>(
    facts: &(impl Iterator<Item = Fact<'a>> + Clone),
    policy: &CostPolicy,
    windows: &Windows,
    by: &[Dimension; N],
    corrections: &[Correction],
) -> Result<[Vec<Variance>; N], SumOutOfRange> {
    let fields = [FactField::Currency, FactField::Identity, FactField::Category].into_iter().chain(CELL);
    let mut dimensions: Vec<_> = fields.map(Dimension::Field).collect();
    // Facts are gone through once for all dimensions: what is told apart by all of them is far less.
    for dimension in by {
        if !dimensions.contains(dimension) {
            dimensions.push(dimension.clone());
        }
    }
    let mut spending = policy.spending();
    let counted = facts.clone().filter_map(|fact| Some((fact, (side(fact, windows)?, spending.of(fact)?))));
    let used = grouped(counted, &dimensions, |used: &mut Used, fact, (at, spend)| used.add(at, fact, spend))?;
    let mut explained = std::array::from_fn(|_| Vec::new());
    for (variances, by) in explained.iter_mut().zip(by) {
        let homes = Homes::of(facts.clone(), windows, by, corrections);
        *variances = explain_used(&used, windows, by, (corrections, &homes))?;
    }
    Ok(explained)
}

/// The same of what was used, by one dimension.
fn explain_used(
    used: &[(Fact<'_>, Used)],
    windows: &Windows,
    by: &Dimension,
    (corrections, homes): (&[Correction], &Homes<'_>),
) -> Result<Vec<Variance>, SumOutOfRange> {
    let mut groups: BTreeMap<(&str, Cow<'_, str>), Group<'_>> = BTreeMap::new();
    let mut callers: BTreeMap<(&str, &str), Seen> = BTreeMap::new();
    for (fact, used) in used {
        let fact = *fact;
        let (currency, identity) = (fact.get(FactField::Currency), fact.get(FactField::Identity));
        let group = groups.entry((currency, by.value(fact))).or_default();
        if is_usage(fact) {
            // Usage without a caller is not one caller's: nobody knows whether its callers were there before.
            if !identity.is_empty() {
                callers.entry((currency, identity)).or_default().merge(used.seen);
            }
            group.callers.entry(identity).or_default().add(fact, used)?;
        } else {
            for side in [Side::Earlier, Side::Later] {
                add(group.charges.at(side), used.spend(side)?)?;
            }
        }
    }
    let mut by_group = BTreeMap::new();
    for ((currency, name), group) in groups {
        let mut variance = Variance::of(&name, currency);
        group.explain(&mut variance, |identity| callers.get(&(currency, identity)).is_some_and(|seen| seen.both()))?;
        by_group.insert((currency.to_owned(), name.into_owned()), variance);
    }
    for correction in corrections.iter().filter(|correction| windows.earlier.contains(correction.day)) {
        let is_by_caller = *by == Dimension::Field(FactField::Identity);
        let home = if is_by_caller { &correction.identity } else { homes.group(correction) };
        let place = (correction.currency.clone(), home.to_owned());
        let restated = by_group.entry(place).or_insert_with(|| Variance::of(home, &correction.currency));
        // `before` is as it was told, so that what has changed since is a term of its own.
        restated.add(Term::Restatement, correction.amount)?;
        restated.before = restated.before.checked_sub(correction.amount).ok_or(SumOutOfRange)?;
    }
    let mut variances: Vec<_> = by_group.into_values().collect();
    variances.sort_by(|left, right| {
        let by_size = || right.change().abs().cmp(&left.change().abs());
        left.currency.cmp(&right.currency).then_with(by_size).then_with(|| left.group.cmp(&right.group))
    });
    Ok(variances)
}

/// All groups of a currency together: each of its terms is the sum of theirs.
pub fn together(variances: &[Variance], currency: &str) -> Result<Variance, SumOutOfRange> {
    let mut total = Variance::of("", currency);
    for variance in variances.iter().filter(|variance| variance.currency == currency) {
        add(&mut total.before, variance.before)?;
        add(&mut total.after, variance.after)?;
        for (term, amount) in &variance.terms {
            total.add(*term, *amount)?;
        }
    }
    Ok(total)
}

/// In which spans something was used.
type Seen = Both<bool>;

impl Seen {
    fn mark(&mut self, side: Side) {
        *self.at(side) = true;
    }

    fn merge(&mut self, other: Self) {
        self.earlier |= other.earlier;
        self.later |= other.later;
    }

    fn both(self) -> bool {
        self.earlier && self.later
    }
}

/// What a group spent.
#[derive(Default)]
struct Group<'a> {
    callers: BTreeMap<&'a str, Caller<'a>>,
    charges: Both<Decimal>,
}

/// What a caller used in a group.
#[derive(Default)]
struct Caller<'a> {
    seen: Seen,
    cost: Both<Decimal>,
    /// Of that, what is counted in tokens.
    cells: Cells<'a>,
    /// And what is not.
    uncounted: Both<Decimal>,
}

impl<'a> Caller<'a> {
    fn add(&mut self, fact: Fact<'a>, used: &Used) -> Result<(), SumOutOfRange> {
        self.seen.merge(used.seen);
        for side in [Side::Earlier, Side::Later] {
            add(self.cost.at(side), used.spend(side)?)?;
            add(self.uncounted.at(side), used.uncounted.of(side))?;
        }
        if used.is_counted {
            self.cells.add(fact, &used.counted)?;
        }
        Ok(())
    }
}

/// What facts used that a variance does not tell apart.
#[derive(Clone, Copy, Default)]
struct Used {
    seen: Seen,
    /// Whether any of it is counted in tokens.
    is_counted: bool,
    counted: Both<Counted>,
    /// The cost of what is not.
    uncounted: Both<Decimal>,
}

impl Used {
    fn add(&mut self, side: Side, fact: Fact<'_>, spend: Decimal) -> Result<(), SumOutOfRange> {
        self.seen.mark(side);
        match fact.tokens() {
            Some(tokens) => {
                self.is_counted = true;
                self.counted.at(side).add(tokens, spend)
            }
            None => add(self.uncounted.at(side), spend),
        }
    }

    fn spend(&self, side: Side) -> Result<Decimal, SumOutOfRange> {
        self.counted.of(side).cost.checked_add(self.uncounted.of(side)).ok_or(SumOutOfRange)
    }
}

impl Group<'_> {
    /// Fills in everything but restatements. `is_elsewhere` says whether a caller has usage in both spans in any group.
    fn explain(self, variance: &mut Variance, is_elsewhere: impl Fn(&str) -> bool) -> Result<(), SumOutOfRange> {
        add(&mut variance.before, self.charges.earlier)?;
        add(&mut variance.after, self.charges.later)?;
        variance.add(Term::Charges, difference(self.charges)?)?;
        let mut cells = Cells::default();
        for (identity, caller) in self.callers {
            add(&mut variance.before, caller.cost.earlier)?;
            add(&mut variance.after, caller.cost.later)?;
            let change = difference(caller.cost)?;
            // The order matters: a caller that is in one span here and in the other elsewhere is neither new nor gone.
            match (caller.seen.earlier, caller.seen.later) {
                (true, true) => {
                    variance.add(Term::Unexplained, difference(caller.uncounted)?)?;
                    cells.merge(&caller.cells)?;
                }
                _ if is_elsewhere(identity) => variance.add(Term::Moved, change)?,
                (false, _) => variance.add(Term::New, change)?,
                (_, false) => variance.add(Term::Gone, change)?,
            }
        }
        for (term, amount) in estimate(&cells)? {
            variance.add(term, amount)?;
        }
        Ok(())
    }
}

/// To which groups the usage of callers with corrections belongs.
struct Homes<'a> {
    by_day: BTreeMap<(&'a str, &'a str, NaiveDate), BTreeSet<Cow<'a, str>>>,
    by_span: BTreeMap<(&'a str, &'a str), BTreeSet<Cow<'a, str>>>,
}

impl<'a> Homes<'a> {
    fn of(
        facts: impl Iterator<Item = Fact<'a>>,
        windows: &Windows,
        by: &Dimension,
        corrections: &[Correction],
    ) -> Self {
        let corrected: BTreeSet<_> = corrections.iter().map(|correction| correction.identity.as_str()).collect();
        let mut homes = Self { by_day: BTreeMap::new(), by_span: BTreeMap::new() };
        if corrected.is_empty() {
            return homes;
        }
        for fact in facts {
            let (key, identity) = (fact, fact.get(FactField::Identity));
            if windows.earlier.contains(key.day()) && corrected.contains(identity) {
                let currency = key.get(FactField::Currency);
                let group = by.value(key);
                homes.by_day.entry((currency, identity, key.day())).or_default().insert(group.clone());
                homes.by_span.entry((currency, identity)).or_default().insert(group);
            }
        }
        homes
    }

    fn group<'h>(&'h self, correction: &'h Correction) -> &'h str {
        let (currency, identity) = (correction.currency.as_str(), correction.identity.as_str());
        let only = |groups: Option<&'h BTreeSet<Cow<'a, str>>>| {
            groups.filter(|groups| groups.len() == 1).and_then(|groups| groups.first())
        };
        let found = only(self.by_day.get(&(currency, identity, correction.day)));
        found.or_else(|| only(self.by_span.get(&(currency, identity)))).map_or(SEVERAL, |group| group)
    }
}

fn side(fact: Fact<'_>, windows: &Windows) -> Option<Side> {
    let day = fact.day();
    if windows.later.contains(day) {
        Some(Side::Later)
    } else if windows.earlier.contains(day) {
        Some(Side::Earlier)
    } else {
        None
    }
}

fn is_usage(fact: Fact<'_>) -> bool {
    fact.get(FactField::Category) == Category::Usage.as_str()
}

#[cfg(test)]
mod tests;
