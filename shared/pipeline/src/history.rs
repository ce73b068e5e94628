//! What a delivery moved, by day and identity, written before the commit that it describes.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use spend_core::decimal::Decimal;
use spend_core::fact::{Fact, FactField, Facts};
use spend_core::line::SumOutOfRange;
use spend_core::period::DayState;
use spend_ledger::committed;
use spend_ledger::document::encode;
use spend_ledger::keys::Statement;
use spend_ledger::state::{HistoryEntry, Moved, PeriodState};
use spend_ledger::store::{Put, Store};

use crate::error::PipelineError;

/// How often a lost race for the entry is run again. Only attempts to commit the same delivery meet here.
const ATTEMPTS: usize = 16;

/// Writes the entry of `next`'s newest delivery over `previous`. An entry that a crashed attempt left is replaced.
pub(crate) async fn write<L: Store>(
    ledger: &L,
    statement: &Statement,
    previous: Option<&PeriodState>,
    next: &PeriodState,
    facts: &Facts,
) -> Result<(), PipelineError> {
    let Some(delivery) = next.current() else { return Ok(()) };
    let before = match previous {
        None => Vec::new(),
        Some(state) => committed::facts(statement, state.clone())?,
    };
    let settled = |day| {
        let as_of = previous.and_then(PeriodState::current).and_then(|applied| applied.data_as_of);
        as_of.is_some_and(|as_of| DayState::of(day, as_of) == DayState::Settled)
    };
    let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
    let entry = HistoryEntry {
        export_id: next.export_id.clone(),
        period: next.period,
        delivery: delivery.clone(),
        replaced: previous.and_then(PeriodState::current).map(|applied| applied.delivery_id.clone()),
        totals: moved_totals(&before, &facts.rows).map_err(out_of_range)?,
        moved: moved(&before, &facts.rows, settled).map_err(out_of_range)?,
    };
    let key = statement.history_key(delivery.sequence, &delivery.delivery_id);
    let bytes = encode(&entry)?;
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

/// By day, identity, category and currency.
type Sums = BTreeMap<(NaiveDate, String, String, String), Decimal>;

/// What differs.
fn moved(before: &[Fact], after: &[Fact], settled: impl Fn(NaiveDate) -> bool) -> Result<Vec<Moved>, SumOutOfRange> {
    let (before, after) = (sums(before)?, sums(after)?);
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let of = |sums: &Sums, key| sums.get(key).copied().unwrap_or_default();
    let rows = keys.into_iter().map(|key| {
        let (day, identity, category, currency) = key.clone();
        Moved {
            day: Some(day),
            identity: Some(identity),
            category: Some(category),
            currency,
            before: of(&before, key),
            after: of(&after, key),
            restated: settled(day),
        }
    });
    Ok(rows.filter(|row| row.before != row.after).collect())
}

fn sums(facts: &[Fact]) -> Result<Sums, SumOutOfRange> {
    let mut sums = Sums::new();
    for fact in facts {
        let text = |field| fact.key.get(field).to_owned();
        let key =
            (fact.key.usage_date, text(FactField::Identity), text(FactField::Category), text(FactField::Currency));
        let sum = sums.entry(key).or_default();
        *sum = sum.checked_add(fact.measures.unblended_cost).ok_or(SumOutOfRange)?;
    }
    Ok(sums)
}

/// The totals per currency, whether they moved or not.
fn moved_totals(before: &[Fact], after: &[Fact]) -> Result<Vec<Moved>, SumOutOfRange> {
    let mut totals: BTreeMap<&str, (Decimal, Decimal)> = BTreeMap::new();
    for fact in before {
        let total = totals.entry(fact.key.get(FactField::Currency)).or_default();
        total.0 = total.0.checked_add(fact.measures.unblended_cost).ok_or(SumOutOfRange)?;
    }
    for fact in after {
        let total = totals.entry(fact.key.get(FactField::Currency)).or_default();
        total.1 = total.1.checked_add(fact.measures.unblended_cost).ok_or(SumOutOfRange)?;
    }
    let row = |(currency, (before, after)): (&str, (Decimal, Decimal))| Moved {
        day: None,
        identity: None,
        category: None,
        currency: currency.to_owned(),
        before,
        after,
        restated: false,
    };
    Ok(totals.into_iter().map(row).collect())
}
