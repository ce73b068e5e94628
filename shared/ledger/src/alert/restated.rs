//! What the deliveries in force restated of the days that rules tell of.

use std::collections::BTreeSet;

use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_core::rules::evaluation::Evaluated;
use spend_core::rules::finding::{DayRestated, Measurement};

use crate::alert::error::AlertError;
use crate::config::Config;
use crate::state::book::Book;
use crate::state::commit::CommitKind;
use crate::state::history;
use crate::state::keys::Statement;
use crate::state::restated;
use crate::store::Store;

/// Says of each day that is found crossed what the delivery in force restated of it. Where the history is gone, damaged or may
/// not be read, nothing is said: a message without it is still true, and none is held back for it.
pub(super) async fn mark<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    found: &mut Evaluated,
) -> Result<(), AlertError> {
    let is_crossed = |measured: &Measurement| measured.crossed().next().is_some();
    let crossed = found.measurements.iter().filter(|measured| is_crossed(measured));
    let days: BTreeSet<_> = crossed.filter_map(Measurement::only_day).collect();
    let mut of_days = Vec::new();
    for of_export in book.periods.iter().filter(|found| days.iter().any(|day| found.period.contains(*day))) {
        let Some(commit) = of_export.commits.last().filter(|commit| commit.kind() == CommitKind::Delivery) else {
            continue;
        };
        let statement = Statement { export_id: of_export.export_id.clone(), period: of_export.period };
        let entry = match history::of(store, &statement, commit).await {
            Ok(Some(entry)) => entry,
            Err(error) if error.class() == Class::Retry => return Err(error.into()),
            Ok(None) | Err(_) => continue,
        };
        let restated = restated::of(&entry, book.commits(&of_export.export_id));
        of_days.extend(restated.into_iter().filter(|restated| days.contains(&restated.day)));
    }
    if !of_days.is_empty() {
        for measured in found.measurements.iter_mut().filter(|measured| is_crossed(measured)) {
            measured.restated = DayRestated::of(measured, &of_days, &config.cost)?;
        }
    }
    Ok(())
}
