//! What was restated since a digest: read from the history, which keeps it by day and caller.

use spend_core::facts::restated::Restated;

use crate::digest::error::DigestError;
use crate::digest::state::Told;
use crate::state::book::Book;
use crate::state::commit::CommitKind;
use crate::state::history;
use crate::state::keys::Statement;
use crate::state::restated;
use crate::store::Store;

/// What was restated, and how many entries of the history are gone.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) restated: Vec<Restated>,
    pub(super) missing: u64,
}

/// Everything that was restated by what was delivered after what `told` knew. Where nothing was told yet nothing is
/// restated.
pub(super) async fn since<S: Store>(store: &S, book: &Book, told: Option<&Told>) -> Result<Found, DigestError> {
    let mut found = Found::default();
    let Some(told) = told else { return Ok(found) };
    for of_export in &book.periods {
        let Some(known) = told.sequence(of_export.period, &of_export.export_id) else { continue };
        let statement = Statement { export_id: of_export.export_id.clone(), period: of_export.period };
        let later = of_export.commits.iter().filter(|commit| commit.sequence > known);
        for commit in later.filter(|commit| commit.kind() == CommitKind::Delivery) {
            let Some(entry) = history::of(store, &statement, commit).await? else {
                found.missing += 1;
                continue;
            };
            found.restated.extend(restated::of(&entry, book.commits(&of_export.export_id)));
        }
    }
    Ok(found)
}
