//! The step seal of a delivery without a manifest: its files are taken as they are found, or refused.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use spend_cur::delivery::{layout, manifest};
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::{ObjectHead, Store};

use crate::error::{PipelineError, not_found};
use crate::files::inventory::Unlisted;
use crate::files::location::folder_time;
use crate::files::pinned::pinned;
use crate::ingest::past::{Past, Stored};
use crate::ingest::pin::{Seal, before, hash_of, order, take};
use crate::ingest::ready::ASKED_AT_ONCE;
use crate::ingest::times::FileTimes;

/// How long no file of a delivery without a manifest must have been written before it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    pub now: DateTime<Utc>,
    /// How long.
    pub period: TimeDelta,
}

/// Pins a delivery that no manifest lists, as it is found, and marks it unverified: nothing says that it is complete,
/// or that its files belong together. What does not look like one whole delivery is refused.
///
/// `quiet` is for buckets that are being written to; a tree on a disk is taken when it is asked for.
///
/// # Errors
///
/// [`PipelineError::Unlisted`] if the files are evidently not one whole delivery, else [`PipelineError`].
pub async fn seal_unlisted<E: Store, L: Store>(
    export: &E,
    ledger: &L,
    found: &Unlisted,
    times: FileTimes,
    quiet: Option<Quiet>,
) -> Result<Seal, PipelineError> {
    check(found)?;
    let asked = found.chunks.iter().map(async |key| export.head(key).await?.ok_or_else(|| not_found(key)));
    let heads: Vec<ObjectHead> = stream::iter(asked).buffered(ASKED_AT_ONCE).try_collect().await?;
    let newest = heads.iter().map(|head| head.last_modified).max();
    let newest = newest.ok_or_else(|| refused(found, "there are no data files".to_owned()))?;
    if quiet.is_some_and(|quiet| quiet.now.signed_duration_since(newest) < quiet.period) {
        return Ok(Seal::Unquiet { newest });
    }
    let mut chunks: Vec<_> = heads.into_iter().map(pinned).collect();
    chunks.sort();
    let statement = Statement { export_id: found.export.export_id(), period: found.period };
    let mut delivery = SealedDelivery {
        export_id: statement.export_id.clone(),
        period: statement.period,
        delivery_id: hash_of("unlisted", "", &chunks),
        execution: keys::hash(&["unlisted", found.folder.as_deref().unwrap_or_default()]),
        order: order(found.folder.as_deref().and_then(folder_time), times, newest),
        manifest: String::new(),
        unverified: true,
        chunks,
        earlier: Vec::new(),
        replaces: Vec::new(),
    };
    if let Some(stored) = Stored::read(ledger, &statement, &delivery.delivery_id).await? {
        return Ok(Seal::Sealed(stored.delivery));
    }
    let past = Past::read(ledger, &statement).await?;
    delivery.replaces = before(&past.own(&delivery), &delivery);
    take(ledger, delivery).await.map(Seal::Sealed)
}

/// Refuses files that cannot be one whole delivery: AWS numbers the data files of a delivery from 1, without gaps.
pub(crate) fn check(found: &Unlisted) -> Result<(), PipelineError> {
    let refuse = |reason: String| Err(refused(found, reason));
    if found.chunks.len() > manifest::MOST_FILES {
        let (files, most) = (found.chunks.len(), manifest::MOST_FILES);
        return refuse(format!("they are {files}, and a delivery of more than {most} is not read"));
    }
    let folders: BTreeSet<&str> = found.chunks.iter().filter_map(|key| Some(key.rsplit_once('/')?.0)).collect();
    if let [first, second, ..] = folders.iter().copied().collect::<Vec<_>>().as_slice() {
        return refuse(format!("data files lie in {first}/ and in {second}/, and either may be the newest delivery"));
    }
    let names = || found.chunks.iter().map(|key| key.rsplit_once('/').map_or(key.as_str(), |(_, file)| file));
    let numbered: Vec<(&str, u32)> = names().filter_map(layout::numbered).collect();
    if numbered.is_empty() {
        return Ok(());
    }
    if let Some(odd) = names().find(|name| layout::numbered(name).is_none()) {
        return refuse(format!("{odd} lies among files that are numbered as AWS numbers them"));
    }
    let exports: BTreeSet<&str> = numbered.iter().map(|(name, _)| *name).collect();
    if let [first, second, ..] = exports.iter().copied().collect::<Vec<_>>().as_slice() {
        return refuse(format!("its data files are of two exports, {first} and {second}"));
    }
    let mut numbers: Vec<u32> = numbered.iter().map(|(_, number)| *number).collect();
    numbers.sort_unstable();
    for (expected, number) in (1..).zip(numbers) {
        if number < expected {
            return refuse(format!("two data files have the number {number:05}"));
        }
        if number > expected {
            return refuse(format!("the data file with the number {expected:05} is missing"));
        }
    }
    Ok(())
}

fn refused(found: &Unlisted, reason: String) -> PipelineError {
    PipelineError::Unlisted { export: found.export.to_string(), period: found.period, reason }
}
