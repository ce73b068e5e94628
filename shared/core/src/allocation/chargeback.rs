//! Chargeback: the bill divided by the splits of the configuration, so that every amount has whom to charge, and still
//! sums exactly to the bill.
//!
//! Amounts are divided by the largest remainder method in units of 10⁻¹⁸, so that no digit of the bill is lost. What is
//! to be posted is rounded to cents the same way: first for each owner, then within the owner, so that the posted cents
//! sum to the bill's cents and no owner's invoice is a cent away from its exact amount.
//!
//! - `charge`: one charge, and what a split did to it;
//! - `division`: dividing what one split is about.

use std::collections::BTreeMap;

use crate::allocation::chargeback::charge::{Charge, Pooled, SplitOutcome};
use crate::allocation::metering::Metering;
use crate::allocation::showback::{ChargeKey, category, showback};
use crate::allocation::split::{Split, SplitBy, SplitWhat};
use crate::bill::category::Category;
use crate::facts::fact::{Fact, FactField};
use crate::facts::owner::OwnerSource;
use crate::facts::spend::Basis;
use crate::money::apportion::round_to_sum;
use crate::money::decimal::{Decimal, SumOutOfRange, add};

pub mod charge;
mod division;

use division::{Division, Usage};

/// The places of what is posted: cents.
pub const INVOICE_PLACES: u32 = 2;

/// A bill with every amount charged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chargeback {
    /// The rows, each key once. In each currency `total` and `billed` sum to the bill, `allocated` to zero and
    /// `invoice` to the bill in cents.
    pub rows: BTreeMap<ChargeKey, Charge>,
    /// What became of each split that found something, in the order in which they were applied.
    pub outcomes: Vec<SplitOutcome>,
    /// Splits that found nothing to divide, from 0.
    pub idle: Vec<usize>,
}

/// Divides a bill. The first split that is about a line takes it.
pub fn chargeback<'a>(
    facts: impl IntoIterator<Item = Fact<'a>> + Clone,
    basis: Basis,
    splits: &[Split],
    metering: &Metering<'_>,
) -> Result<Chargeback, SumOutOfRange> {
    let mut rows: BTreeMap<ChargeKey, Charge> = BTreeMap::new();
    for (key, billed) in showback(facts.clone(), basis)? {
        rows.insert(key, Charge { billed: billed.total, ..Charge::default() });
    }
    let mut usage = Usage::default();
    let mut pools: BTreeMap<Pooled, Decimal> = BTreeMap::new();
    for fact in facts {
        let (key, category, cost) = (ChargeKey::of(fact), category(fact), basis.cost(fact));
        let account = fact.get(FactField::AccountId);
        let Some((order, split)) = split_of(splits, fact, category) else {
            if category == Category::Usage {
                usage.add(&key, account, cost)?;
            }
            rows.entry(key).or_default().keep(category, cost)?;
            continue;
        };
        let day = matches!(splits.get(split), Some(Split { by: SplitBy::File, .. })).then_some(fact.day());
        let from = Pooled { order, split, key, category, account: account.to_owned(), day };
        add(pools.entry(from).or_default(), cost)?;
    }
    let cost_centers = cost_centers(&rows);
    let mut division = Division { rows, usage, metering, cost_centers, outcomes: BTreeMap::new() };
    let mut left = pools.into_iter().peekable();
    // What one split gives counts as usage for the next one, but not for itself.
    while let Some((order, split)) = left.peek().map(|(pooled, _)| (pooled.order, pooled.split)) {
        let mut of_split = Vec::new();
        while let Some(found) = left.next_if(|(pooled, _)| (pooled.order, pooled.split) == (order, split)) {
            of_split.push(found);
        }
        if let Some(found) = splits.get(split) {
            division.divide(&found.by, &of_split)?;
        }
    }
    let Division { mut rows, outcomes, .. } = division;
    for charge in rows.values_mut() {
        charge.allocated = charge.total.checked_sub(charge.billed).ok_or(SumOutOfRange)?;
    }
    invoice(&mut rows)?;
    let outcomes: Vec<_> = outcomes.into_values().collect();
    let is_idle = |split: &usize| outcomes.iter().all(|outcome: &SplitOutcome| outcome.split != *split);
    let idle = (0..splits.len()).filter(is_idle).collect();
    Ok(Chargeback { rows, outcomes, idle })
}

/// Whether one of `splits` divides the identity of a fact, of metering records if `by_file`.
pub fn is_split_identity(splits: &[Split], fact: Fact<'_>, by_file: bool) -> bool {
    let of_identity = |split: &&Split| match &split.what {
        SplitWhat::Identity(matcher) => matcher.matches(fact),
        _ => false,
    };
    splits.iter().find(of_identity).is_some_and(|split| !by_file || split.by == SplitBy::File)
}

/// The first split that is about a fact, and when it is applied.
fn split_of(splits: &[Split], fact: Fact<'_>, category: Category) -> Option<(u8, usize)> {
    let get = |field| fact.get(field);
    let is_usage = category == Category::Usage;
    let is_nobodys = get(FactField::Identity).is_empty() && !OwnerSource::is_claimed(get(FactField::OwnerSource));
    let order = |split: &Split| match &split.what {
        SplitWhat::Identity(matcher) => (is_usage && matcher.matches(fact)).then_some(0),
        SplitWhat::Unattributed => (is_usage && is_nobodys).then_some(1),
        SplitWhat::Category(of) => (!is_usage && is_nobodys && *of == category).then_some(2),
    };
    let found = splits.iter().enumerate().filter_map(|(index, split)| order(split).map(|order| (order, index)));
    found.min()
}

/// The cost center of each owner that has one alone.
fn cost_centers(rows: &BTreeMap<ChargeKey, Charge>) -> BTreeMap<String, String> {
    let mut found: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for key in rows.keys().filter(|key| !key.cost_center.is_empty()) {
        let one = found.entry(&key.owner).or_insert(Some(&key.cost_center));
        *one = one.filter(|one| *one == key.cost_center);
    }
    let alone = found.into_iter().filter_map(|(owner, one)| Some((owner.to_owned(), one?.to_owned())));
    alone.collect()
}

/// Rounds the totals to cents: owners first, then the rows of each.
fn invoice(rows: &mut BTreeMap<ChargeKey, Charge>) -> Result<(), SumOutOfRange> {
    let mut owners: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
    for (key, charge) in rows.iter() {
        add(owners.entry((&key.currency, &key.owner)).or_default(), charge.total)?;
    }
    let mut currencies: BTreeMap<&str, Vec<(&str, Decimal)>> = BTreeMap::new();
    for ((currency, owner), total) in &owners {
        currencies.entry(currency).or_default().push((owner, *total));
    }
    // First the bill is rounded to owners, then each owner's amount to its rows. So an owner's invoice is off by less
    // than a cent, however many rows it has, and both add up.
    let mut cents: BTreeMap<(String, String), Decimal> = BTreeMap::new();
    for (currency, owners) in currencies {
        let totals: Vec<_> = owners.iter().map(|(_, total)| *total).collect();
        let bill = totals.iter().try_fold(Decimal::ZERO, |sum, total| sum.checked_add(*total)).ok_or(SumOutOfRange)?;
        let rounded = round_to_sum(&totals, bill.round_to(INVOICE_PLACES), INVOICE_PLACES)?;
        let names = owners.iter().map(|(owner, _)| (currency.to_owned(), (*owner).to_owned()));
        cents.extend(names.zip(rounded));
    }
    // Keys are sorted by currency and owner, so that the rows of one owner stand together.
    let mut rows = rows.iter_mut().peekable();
    for ((currency, owner), cents) in cents {
        let mut own = Vec::new();
        while let Some((_, charge)) = rows.next_if(|(key, _)| key.currency == currency && key.owner == owner) {
            own.push(charge);
        }
        let of_rows: Vec<_> = own.iter().map(|charge| charge.total).collect();
        for (charge, rounded) in own.into_iter().zip(round_to_sum(&of_rows, cents, INVOICE_PLACES)?) {
            charge.invoice = rounded;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
