//! Dividing what one split is about.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::allocation::chargeback::charge::{Charge, Instead, Pooled, SplitOutcome};
use crate::allocation::metering::Metering;
use crate::allocation::showback::{BY_SPLIT, ChargeKey};
use crate::allocation::split::SplitBy;
use crate::bill::category::Category;
use crate::facts::owner::OwnerSource;
use crate::money::apportion::apportion;
use crate::money::decimal::{Decimal, SumOutOfRange, add};

/// The usage that is charged so far: what amounts are divided by. By row, then by account.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage(BTreeMap<ChargeKey, BTreeMap<String, Decimal>>);

impl Usage {
    pub(super) fn add(&mut self, key: &ChargeKey, account: &str, amount: Decimal) -> Result<(), SumOutOfRange> {
        // Most rows are there already: their key need not be copied.
        if !self.0.contains_key(key) {
            self.0.insert(key.clone(), BTreeMap::new());
        }
        let Some(accounts) = self.0.get_mut(key) else { return Ok(()) };
        add(accounts.entry(account.to_owned()).or_default(), amount)
    }

    /// The rows of a currency that `is_wanted`, each with its usage in `account`, or in all.
    fn weights(
        &self,
        currency: &str,
        account: Option<&str>,
        is_wanted: impl Fn(&ChargeKey) -> bool,
    ) -> Result<Weights, SumOutOfRange> {
        let mut weights = Weights::default();
        for (key, accounts) in self.0.iter().filter(|(key, _)| key.currency == currency && is_wanted(key)) {
            let amounts = accounts.iter().filter(|(found, _)| account.is_none_or(|account| *found == account));
            let sum = amounts
                .map(|(_, amount)| *amount)
                .try_fold(Decimal::ZERO, Decimal::checked_add)
                .ok_or(SumOutOfRange)?;
            // A row with nothing or less gets no part: a negative weight would turn the sign of its part.
            if sum > Decimal::ZERO {
                weights.push((key.clone(), sum));
            }
        }
        Ok(weights)
    }
}

/// Who gets how much in proportion.
type Weights = Vec<(ChargeKey, Decimal)>;

/// The division of one bill.
pub(super) struct Division<'a, 'm> {
    pub(super) rows: BTreeMap<ChargeKey, Charge>,
    pub(super) usage: Usage,
    pub(super) metering: &'a Metering<'m>,
    pub(super) cost_centers: BTreeMap<String, String>,
    /// By split and currency.
    pub(super) outcomes: BTreeMap<(u8, usize, String), SplitOutcome>,
}

/// To whom an amount goes, and what that is instead of.
enum Answer {
    Divided(Weights, Option<Instead>),
    Left(Instead),
}

impl Division<'_, '_> {
    /// Divides all amounts of one split by the usage that was charged before it.
    pub(super) fn divide(&mut self, by: &SplitBy, pooled: &[(Pooled, Decimal)]) -> Result<(), SumOutOfRange> {
        // A copy: what this split gives must not weigh in its own division, or the order of amounts would matter.
        let before = self.usage.clone();
        // Where only currency and account matter, they have one answer.
        let mut known: BTreeMap<(&str, &str), Answer> = BTreeMap::new();
        for (from, amount) in pooled {
            let own;
            let answer = match by {
                SplitBy::Usage | SplitBy::Even => match known.entry((&from.key.currency, &from.account)) {
                    Entry::Occupied(found) => &*found.into_mut(),
                    Entry::Vacant(place) => &*place.insert(Self::by_usage(&before, by, from)?),
                },
                SplitBy::Shares(shares) => {
                    let tenants = shares.iter().map(|(owner, weight)| (owner.as_str(), *weight));
                    own = Answer::Divided(self.tenants(from, tenants), None);
                    &own
                }
                SplitBy::File => {
                    own = self.by_records(from, *amount);
                    &own
                }
            };
            self.carry_out(from, *amount, answer)?;
        }
        Ok(())
    }

    fn by_usage(before: &Usage, by: &SplitBy, from: &Pooled) -> Result<Answer, SumOutOfRange> {
        let currency = from.key.currency.as_str();
        let is_usage = from.category == Category::Usage;
        let to = |weights| if is_usage { owners(weights) } else { Ok(weights) };
        if *by == SplitBy::Even {
            let is_claimed =
                |key: &ChargeKey| OwnerSource::is_claimed(&key.owner_source) || key.owner_source == BY_SPLIT;
            let evened = even(before.weights(currency, None, is_claimed)?)?;
            let nobody = Instead::LeftWithoutOwners { amount: Decimal::ZERO };
            return Ok(if evened.is_empty() { Answer::Left(nobody) } else { Answer::Divided(to(evened)?, None) });
        }
        // Usage without a caller causes no other usage without a caller, so it gets no part of that. It does cause taxes
        // and credits.
        let is_wanted = |key: &ChargeKey| !is_usage || !key.identity.is_empty();
        let is_of_account = from.key.identity.is_empty();
        if is_of_account {
            let of_account = before.weights(currency, Some(&from.account), is_wanted)?;
            if !of_account.is_empty() {
                return Ok(Answer::Divided(to(of_account)?, None));
            }
        }
        let weights = before.weights(currency, None, is_wanted)?;
        if weights.is_empty() {
            return Ok(Answer::Left(Instead::LeftWithoutUsage { amount: Decimal::ZERO }));
        }
        let account = from.account.clone();
        let instead = is_of_account.then_some(Instead::ByAllAccounts { account, amount: Decimal::ZERO });
        Ok(Answer::Divided(to(weights)?, instead))
    }

    fn by_records(&self, from: &Pooled, amount: Decimal) -> Answer {
        let day = from.day.unwrap_or_default();
        match self.metering.tenants(&from.key.identity, day, &from.key.model) {
            Some(tenants) => {
                let tenants = tenants.iter().map(|(tenant, amount)| (*tenant, *amount));
                Answer::Divided(self.tenants(from, tenants), None)
            }
            None => Answer::Left(Instead::LeftWithoutRecords {
                gateway: from.key.identity.clone(),
                model: from.key.model.clone(),
                days: BTreeMap::from([(day, amount)]),
            }),
        }
    }

    /// Rows for owners that a split names.
    fn tenants<'t>(&self, from: &Pooled, tenants: impl Iterator<Item = (&'t str, Decimal)>) -> Weights {
        let row = |(owner, weight): (&str, Decimal)| {
            let key = ChargeKey {
                owner: owner.to_owned(),
                owner_source: BY_SPLIT.to_owned(),
                cost_center: self.cost_centers.get(owner).cloned().unwrap_or_default(),
                ..from.key.clone()
            };
            (key, weight)
        };
        tenants.map(row).collect()
    }

    fn carry_out(&mut self, from: &Pooled, amount: Decimal, answer: &Answer) -> Result<(), SumOutOfRange> {
        let Self { rows, usage, outcomes, .. } = self;
        let currency = &from.key.currency;
        let outcome = outcomes.entry((from.order, from.split, currency.clone())).or_insert_with(|| SplitOutcome {
            split: from.split,
            currency: currency.clone(),
            found: Decimal::ZERO,
            divided: Decimal::ZERO,
            instead: Vec::new(),
        });
        if amount.is_zero() {
            return Ok(());
        }
        add(&mut outcome.found, amount)?;
        let is_usage = from.category == Category::Usage;
        let divided = match answer {
            Answer::Divided(to, instead) => {
                let weights: Vec<_> = to.iter().map(|(_, weight)| *weight).collect();
                let parts = apportion(amount, &weights)?;
                parts.map(|parts| (to.iter().map(|(key, _)| key).zip(parts), instead.as_ref()))
            }
            Answer::Left(instead) => {
                note(&mut outcome.instead, instead, amount)?;
                None
            }
        };
        let Some((parts, instead)) = divided else {
            if is_usage {
                usage.add(&from.key, &from.account, amount)?;
            }
            return rows.entry(from.key.clone()).or_default().keep(from.category, amount);
        };
        add(&mut outcome.divided, amount)?;
        if let Some(instead) = instead {
            note(&mut outcome.instead, instead, amount)?;
        }
        for (key, part) in parts.filter(|(_, part)| !part.is_zero()) {
            if is_usage {
                // The payer has changed, but identity and model stay those of the usage.
                let (identity, model) = (from.key.identity.clone(), from.key.model.clone());
                let key = ChargeKey { identity, model, ..key.clone() };
                usage.add(&key, &from.account, part)?;
                rows.entry(key).or_default().give(from.category, part)?;
            } else {
                rows.entry(key.clone()).or_default().give(from.category, part)?;
            }
        }
        Ok(())
    }
}

/// The weights of owners, whatever they used: a row for each, without identity and model.
fn owners(weights: Weights) -> Result<Weights, SumOutOfRange> {
    let mut owners: BTreeMap<ChargeKey, Decimal> = BTreeMap::new();
    for (key, weight) in weights {
        let is_claimed = OwnerSource::is_claimed(&key.owner_source);
        let owner_source = if is_claimed { BY_SPLIT.to_owned() } else { key.owner_source };
        let owner = ChargeKey { owner_source, identity: String::new(), model: String::new(), ..key };
        add(owners.entry(owner).or_default(), weight)?;
    }
    Ok(owners.into_iter().collect())
}

/// Weights that give each owner the same, and the rows of an owner parts by their usage.
fn even(weights: Weights) -> Result<Weights, SumOutOfRange> {
    let mut owners: BTreeMap<String, Decimal> = BTreeMap::new();
    for (key, weight) in &weights {
        add(owners.entry(key.owner.clone()).or_default(), *weight)?;
    }
    let evened = weights.into_iter().map(|(key, weight)| {
        let of_owner = owners.get(&key.owner).copied().unwrap_or(weight);
        weight.checked_mul_div(Decimal::ONE, of_owner).map(|weight| (key, weight)).ok_or(SumOutOfRange)
    });
    evened.collect()
}

/// Adds an amount to what was done instead, one entry for each kind, account, and gateway's model.
fn note(notes: &mut Vec<Instead>, found: &Instead, amount: Decimal) -> Result<(), SumOutOfRange> {
    for known in notes.iter_mut() {
        match (known, found) {
            (Instead::ByAllAccounts { account, amount: sum }, Instead::ByAllAccounts { account: same, .. })
                if account == same =>
            {
                return add(sum, amount);
            }
            (Instead::LeftWithoutUsage { amount: sum }, Instead::LeftWithoutUsage { .. })
            | (Instead::LeftWithoutOwners { amount: sum }, Instead::LeftWithoutOwners { .. }) => {
                return add(sum, amount);
            }
            (
                Instead::LeftWithoutRecords { gateway, model, days },
                Instead::LeftWithoutRecords { gateway: same, model: same_model, days: more },
            ) if gateway == same && model == same_model => {
                return more.iter().try_for_each(|(day, amount)| add(days.entry(*day).or_default(), *amount));
            }
            _ => {}
        }
    }
    let mut new = found.clone();
    match &mut new {
        Instead::ByAllAccounts { amount: sum, .. }
        | Instead::LeftWithoutUsage { amount: sum }
        | Instead::LeftWithoutOwners { amount: sum } => *sum = amount,
        Instead::LeftWithoutRecords { .. } => {}
    }
    notes.push(new);
    Ok(())
}
