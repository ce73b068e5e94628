//! What deliveries have changed of settled days since a digest: read from the history, which keeps it by day and caller.

use chrono::{DateTime, NaiveDate, Utc};
use spend_core::digest::Restated;
use spend_core::line::SumOutOfRange;
use spend_core::period::DayState;

use super::DigestError;
use super::state::Told;
use crate::book::{Book, BookPeriod};
use crate::document::decode;
use crate::keys::Statement;
use crate::state::{CommitKind, HistoryEntry};
use crate::store::Store;

/// What was restated, and how many entries of the history are gone.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) restated: Vec<Restated>,
    pub(super) missing: u64,
}

/// Everything that was delivered after what `told` knew and moved a day that it had told as settled, or a month that had
/// closed. Where nothing was told yet nothing is restated. A rebuild is no word of AWS's.
pub(super) async fn since<S: Store>(store: &S, book: &Book, told: Option<&Told>) -> Result<Found, DigestError> {
    let mut found = Found::default();
    let Some(told) = told else { return Ok(found) };
    for of_export in &book.periods {
        let Some(known) = told.sequence(of_export.period, &of_export.export_id) else { continue };
        let as_of = told_as_of(book, told, &of_export.export_id);
        let statement = Statement { export_id: of_export.export_id.clone(), period: of_export.period };
        let later = of_export.commits.iter().filter(|commit| commit.sequence > known);
        for commit in later.filter(|commit| commit.kind() == CommitKind::Delivery) {
            let key = statement.history_key(commit);
            let Some((bytes, _)) = store.get(&key).await.map_err(crate::committed::CommittedError::from)? else {
                found.missing += 1;
                continue;
            };
            let entry: HistoryEntry = decode(&key, &bytes)?;
            found.restated.extend(moves(of_export, &entry, as_of)?);
        }
    }
    Ok(found)
}

/// Up to when an export spoke, in whichever month, in what was told.
fn told_as_of(book: &Book, told: &Told, export_id: &str) -> Option<DateTime<Utc>> {
    let known = book.periods.iter().filter(|found| found.export_id == export_id).flat_map(|found| {
        let last = told.sequence(found.period, export_id).unwrap_or_default();
        found.commits.iter().filter(move |commit| commit.sequence <= last)
    });
    known.filter_map(|commit| commit.data_as_of).max()
}

fn moves(
    found: &BookPeriod,
    entry: &HistoryEntry,
    as_of: Option<DateTime<Utc>>,
) -> Result<Vec<Restated>, SumOutOfRange> {
    let was_settled = |day: NaiveDate| as_of.is_some_and(|as_of| DayState::of(day, as_of) == DayState::Settled);
    let mut restated = Vec::new();
    for moved in &entry.moved {
        let (Some(day), Some(identity), Some(category)) = (moved.day, &moved.identity, &moved.category) else {
            continue;
        };
        if entry.after_close || moved.restated || was_settled(day) {
            restated.push(Restated {
                period: found.period,
                after_close: entry.after_close,
                day,
                identity: identity.clone(),
                category: category.clone(),
                currency: moved.currency.clone(),
                amount: moved.after.checked_sub(moved.before).ok_or(SumOutOfRange)?,
            });
        }
    }
    Ok(restated)
}
