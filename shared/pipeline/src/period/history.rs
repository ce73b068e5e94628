//! What a commit moved, by day and identity, written before the commit that it describes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::{Fact, FactField, FactTable};
use spend_core::facts::grouping::cost_by;
use spend_core::money::decimal::{Decimal, SumOutOfRange, add};
use spend_core::text::OTHER;
use spend_ledger::state::commit::{AppliedDelivery, CommitKind};
use spend_ledger::state::document::{Document, DocumentError, encode_compressed};
use spend_ledger::state::history::{self, HistoryEntry, Moved};
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::conditional::ATTEMPTS;
use spend_ledger::store::{Put, Store};

use crate::error::PipelineError;

/// How much of a hash tells two attempts at one commit apart.
const HASH_DIGITS: usize = 16;

/// What a commit moves, before it has a number.
pub(crate) struct Change {
    kind: CommitKind,
    replaced: Option<String>,
    after_close: bool,
    totals: Vec<Moved>,
    moved: Vec<Moved>,
}

impl Change {
    /// What committing `facts` over `previous` moves. `known_at` is when the delivery was made, or met.
    pub(crate) fn of(
        statement: &Statement,
        previous: Option<&PeriodState>,
        kind: CommitKind,
        facts: &FactTable,
        known_at: DateTime<Utc>,
    ) -> Result<Self, PipelineError> {
        let nothing = FactTable::default();
        let before = previous.map_or(&nothing, |state| &state.facts);
        let current = previous.and_then(PeriodState::current);
        let is_delivery = kind == CommitKind::Delivery;
        let was_closed =
            |state: &PeriodState| state.period.is_closed(state.counts.usage_rows_without_invoice, known_at);
        let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
        Ok(Self {
            kind,
            replaced: current.map(|applied| applied.delivery_id.clone()),
            after_close: is_delivery && previous.is_some_and(was_closed),
            totals: moved_totals(before, facts).map_err(out_of_range)?,
            moved: moved(before, facts).map_err(out_of_range)?,
        })
    }

    /// What tells it from other changes, as part of a key.
    pub(crate) fn hash(&self) -> Result<String, PipelineError> {
        let told = (self.kind, &self.replaced, self.after_close, &self.totals, &self.moved);
        let json = serde_json::to_string(&told)
            .map_err(|source| DocumentError::Unwritable { name: HistoryEntry::FORMAT, source })?;
        Ok(keys::hash(&[&json]).chars().take(HASH_DIGITS).collect())
    }
}

/// Writes the entry of `commit`. One that a crashed attempt left differs in its time alone, and is replaced.
pub(crate) async fn write<L: Store>(
    ledger: &L,
    statement: &Statement,
    commit: &AppliedDelivery,
    change: Change,
) -> Result<(), PipelineError> {
    let Change { kind, replaced, after_close, totals, moved } = change;
    let Statement { export_id, period } = statement.clone();
    let entry =
        HistoryEntry { export_id, period, kind, delivery: commit.clone(), replaced, after_close, totals, moved };
    let key = statement.history_key(commit);
    let bytes = encode_compressed(&entry)?;
    for _ in 0..ATTEMPTS {
        if let Put::Written(_) = ledger.put_if_absent(&key, bytes.clone()).await? {
            return Ok(());
        }
        let Some((found, etag)) = ledger.get(&key).await? else { continue };
        if found == bytes {
            return Ok(());
        }
        if let Put::Written(_) = ledger.put_if_match(&key, bytes.clone(), &etag).await? {
            return Ok(());
        }
    }
    Err(PipelineError::Contended { key, attempts: ATTEMPTS })
}

/// The history of a committed period, oldest commit first: the entries that its state names, and no others.
///
/// # Errors
///
/// [`PipelineError`]; an entry that is gone is [`PipelineError::NoHistory`].
pub async fn read<L: Store>(
    ledger: &L,
    statement: &Statement,
    state: &PeriodState,
) -> Result<Vec<HistoryEntry>, PipelineError> {
    let mut entries = Vec::new();
    for commit in &state.deliveries {
        entries.push(entry(ledger, statement, commit).await?);
    }
    Ok(entries)
}

/// What a commit that a state names moved.
pub(crate) async fn entry<L: Store>(
    ledger: &L,
    statement: &Statement,
    commit: &AppliedDelivery,
) -> Result<HistoryEntry, PipelineError> {
    let found = history::of(ledger, statement, commit).await?;
    found.ok_or_else(|| PipelineError::NoHistory { key: statement.history_key(commit) })
}

/// What tells one cost from another: day, identity, category and currency.
type Key<'a> = (NaiveDate, &'a str, &'a str, &'a str);

/// What differs.
fn moved(before: &FactTable, after: &FactTable) -> Result<Vec<Moved>, SumOutOfRange> {
    let apart = Apart { before: identities(before), after: identities(after) };
    let before = costs(before, &apart)?.into_iter().map(|(key, cost)| (key, cost, Decimal::ZERO));
    let after = costs(after, &apart)?.into_iter().map(|(key, cost)| (key, Decimal::ZERO, cost));
    let mut costs: Vec<_> = before.chain(after).collect();
    costs.sort_by_key(|(key, ..)| *key);
    let mut sums: Vec<(Key<'_>, Decimal, Decimal)> = Vec::new();
    for cost in costs {
        match sums.last_mut() {
            Some((key, before, after)) if *key == cost.0 => {
                add(before, cost.1)?;
                add(after, cost.2)?;
            }
            _ => sums.push(cost),
        }
    }
    sums.retain(|(_, before, after)| before != after);
    let row = |((day, identity, category, currency), before, after): (Key<'_>, _, _)| Moved {
        day: Some(day),
        identity: Some(identity.to_owned()),
        category: Some(category.to_owned()),
        currency: currency.to_owned(),
        before,
        after,
    };
    Ok(sums.into_iter().map(row).collect())
}

/// The identities that facts keep apart; `None` where that is all of them.
fn identities(facts: &FactTable) -> Option<BTreeSet<&str>> {
    let identities =
        || facts.texts(FactField::Identity).into_iter().flat_map(|column| &column.values).map(|text| &**text);
    identities().any(|identity| identity == OTHER).then(|| identities().collect())
}

/// The identities whose spend is known by their names before a commit and after it. What the others spent is compared
/// together: an identity that comes out of [`OTHER`] or goes into it moves no money.
struct Apart<'a> {
    before: Option<BTreeSet<&'a str>>,
    after: Option<BTreeSet<&'a str>>,
}

impl Apart<'_> {
    fn name<'b>(&self, identity: &'b str) -> &'b str {
        let is_known = |kept: &Option<BTreeSet<&str>>| kept.as_ref().is_none_or(|kept| kept.contains(identity));
        if identity.is_empty() || is_known(&self.before) && is_known(&self.after) { identity } else { OTHER }
    }
}

/// What facts cost; a key may be there several times.
fn costs<'a>(facts: &'a FactTable, apart: &Apart<'_>) -> Result<Vec<(Key<'a>, Decimal)>, SumOutOfRange> {
    let fields = [FactField::Identity, FactField::Category, FactField::Currency].map(Dimension::Field);
    let by = [&[Dimension::Day], fields.as_slice()].concat();
    let key = |fact: Fact<'a>| {
        let identity = apart.name(fact.get(FactField::Identity));
        (fact.day(), identity, fact.get(FactField::Category), fact.get(FactField::Currency))
    };
    Ok(cost_by(facts.rows(), &by)?.into_iter().map(|(fact, cost)| (key(fact), cost)).collect())
}

/// The totals per currency, whether they moved or not.
fn moved_totals(before: &FactTable, after: &FactTable) -> Result<Vec<Moved>, SumOutOfRange> {
    let mut totals: BTreeMap<&str, (Decimal, Decimal)> = BTreeMap::new();
    let by = [Dimension::Field(FactField::Currency)];
    for (fact, cost) in cost_by(before.rows(), &by)? {
        add(&mut totals.entry(fact.get(FactField::Currency)).or_default().0, cost)?;
    }
    for (fact, cost) in cost_by(after.rows(), &by)? {
        add(&mut totals.entry(fact.get(FactField::Currency)).or_default().1, cost)?;
    }
    let row = |(currency, (before, after)): (&str, (Decimal, Decimal))| Moved {
        day: None,
        identity: None,
        category: None,
        currency: currency.to_owned(),
        before,
        after,
    };
    Ok(totals.into_iter().map(row).collect())
}

#[cfg(test)]
mod tests;
