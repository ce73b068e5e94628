//! Driving one delivery until it is ready, or saying what it waits for.

use std::cell::Cell;

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_core::messages::operations::incomplete::Incomplete;
use spend_core::messages::operations::unverified::Unverified;
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::state::commit::DeliveryOrder;
use spend_ledger::state::committed::{self, CommittedError};
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::retention;
use spend_ledger::store::Store;

use crate::error::PipelineError;
use crate::files::inventory::Found;
use crate::ingest::{self, Quiet, Seal};
use crate::sweep::bucket::{Sweep, Swept};
use crate::sweep::state::{Remembered, SweptDeliveries};

/// How many chunks are read at once: enough to wait for none of them, few enough to fit in a small function's memory.
pub(crate) const CHUNKS_AT_ONCE: usize = 4;

/// How long nothing of a delivery must have come before it is taken, where nothing says that it is whole: without a
/// manifest, and in a copy.
pub(crate) const QUIET: TimeDelta = TimeDelta::hours(1);

/// How long nothing of a delivery must have come before operations is told that files of its own are missing, and before
/// an earlier delivery's are taken for them.
pub(crate) const PATIENCE: TimeDelta = TimeDelta::hours(2);

/// What a delivery came to.
pub(crate) enum Delivered {
    /// By the object that says so.
    Ready(String),
    Waiting,
    Incomplete(Lacking),
}

/// A delivery that lacks files.
pub(crate) struct Lacking {
    /// The files, by key.
    chunks: Vec<String>,
    /// When the delivery was made.
    order: DeliveryOrder,
}

/// What a delivery is called in notes.
pub(crate) fn about(found: &Found) -> String {
    found.statement().map_or_else(|| found.to_string(), |statement| statement.to_string())
}

/// One attempt at a delivery.
pub(crate) struct Attempt<'a> {
    /// The delivery's name.
    pub(crate) name: &'a str,
    /// Whether its files are read one by one, because an earlier attempt did not return.
    pub(crate) one_by_one: bool,
    /// How many files were reduced that were not before.
    pub(crate) read: &'a Cell<usize>,
}

impl<E, L> Sweep<'_, E, L>
where
    E: Store + Send + 'static,
    L: Store,
{
    /// Pins a delivery, reduces what was not, and declares it ready. `unchanged` is for how long nothing of it has come.
    pub(super) async fn deliver(
        &self,
        found: &Found,
        unchanged: TimeDelta,
        remembered: &mut Remembered<SweptDeliveries>,
        attempt: &Attempt<'_>,
    ) -> Result<Delivered, PipelineError> {
        let (export, ledger) = (&**self.export, self.ledger);
        let seal = match found {
            Found::Manifest(key) => ingest::seal(export, ledger, Some(self.place.bucket), key, self.times).await?,
            // Files without a manifest that were found just now may be part of a delivery that is still arriving.
            Found::Unlisted(_) if unchanged < QUIET => return Ok(Delivered::Waiting),
            Found::Unlisted(files) => {
                let quiet = Some(Quiet { now: self.now, period: QUIET });
                ingest::seal_unlisted(export, ledger, files, self.times, quiet).await?
            }
        };
        let sealed = match seal {
            Seal::Sealed(sealed) => sealed,
            Seal::Incomplete { chunks, order } => return Ok(Delivered::Incomplete(Lacking { chunks, order })),
            Seal::Unquiet { .. } => return Ok(Delivered::Waiting),
            Seal::Unsure(delivery) => {
                let patience = if delivery.earlier.is_empty() { QUIET } else { PATIENCE };
                if unchanged < patience {
                    return Ok(Delivered::Waiting);
                }
                self.tell_unverified(&delivery).await?;
                ingest::take(ledger, delivery).await?
            }
        };
        let object = sealed.statement().ready_key(&sealed.delivery_id);
        if ingest::complete(ledger, &sealed, self.kept).await? {
            return Ok(Delivered::Ready(object));
        }
        if attempt.one_by_one {
            self.map_one_by_one(&sealed, remembered, attempt).await?;
        } else {
            let statement = sealed.statement();
            let maps = sealed.chunks.iter().map(|chunk| ingest::map(self.export, ledger, &statement, chunk, self.kept));
            let mut maps = stream::iter(maps).buffer_unordered(CHUNKS_AT_ONCE);
            while let Some(was_new) = maps.try_next().await? {
                attempt.read.set(attempt.read.get() + usize::from(was_new));
            }
        }
        // Files that were written meanwhile belong to the next delivery.
        ingest::still_stands(export, &sealed).await?;
        let is_ready = ingest::complete(ledger, &sealed, self.kept).await?;
        Ok(if is_ready { Delivered::Ready(object) } else { Delivered::Waiting })
    }

    /// Reduces the files of a delivery that an attempt did not return from: each alone, and written down before, so that
    /// it is known which of them it was.
    async fn map_one_by_one(
        &self,
        sealed: &SealedDelivery,
        remembered: &mut Remembered<SweptDeliveries>,
        attempt: &Attempt<'_>,
    ) -> Result<(), PipelineError> {
        let statement = sealed.statement();
        for chunk in &sealed.chunks {
            let key = statement.reduction_key(&chunk.key, &chunk.etag, self.kept);
            if self.ledger.head(&key).await?.is_some() {
                continue;
            }
            let (name, file) = (attempt.name.to_owned(), chunk.key.clone());
            remembered.change(move |memory| {
                if let Some(trial) = memory.trials.get_mut(&name) {
                    trial.at_file(&file);
                }
            });
            remembered.save(self.ledger).await?;
            let was_new = ingest::map(self.export, self.ledger, &statement, chunk, self.kept).await?;
            attempt.read.set(attempt.read.get() + usize::from(was_new));
        }
        Ok(())
    }

    /// Counts what a delivery came to, and tells operations of what a person must mend. Returns whether there is
    /// nothing left to do until its files are others. `written` is when the last of its files was, if no later delivery
    /// of the period is there, and `unchanged` for how long nothing of it has come.
    pub(super) async fn finish(
        &self,
        found: &Found,
        outcome: Result<Delivered, PipelineError>,
        written: Option<DateTime<Utc>>,
        unchanged: TimeDelta,
        swept: &mut Swept,
    ) -> Result<bool, PipelineError> {
        match outcome {
            Ok(Delivered::Ready(_)) => {
                swept.ready += 1;
                Ok(true)
            }
            Ok(Delivered::Waiting) => {
                swept.waiting += 1;
                Ok(false)
            }
            Ok(Delivered::Incomplete(lacking)) => self.incomplete(found, &lacking, written, unchanged, swept).await,
            Err(error) => match error.class() {
                Class::Wait | Class::Ignore => {
                    swept.waiting += 1;
                    Ok(false)
                }
                Class::Retry => {
                    swept.failures.push(error);
                    Ok(false)
                }
                Class::Operator => {
                    let about = about(found);
                    let doing = format!("reading the delivery of {about}");
                    let note = Note::of_error(error.kind(), &about, &doing, &error.to_string(), self.now);
                    operations::leave(self.ledger, &note, self.now).await?;
                    // A file that cannot be used stays so until it is replaced: the delivery is done with. Other errors, such as
                    // a missing permission, may go away without a change of the files.
                    let is_done = matches!(error, PipelineError::Export(_) | PipelineError::Unlisted { .. });
                    swept.troubles.push(error);
                    Ok(is_done)
                }
            },
        }
    }

    /// Tells operations, once, that a delivery is taken with files of an earlier one.
    async fn tell_unverified(&self, delivery: &SealedDelivery) -> Result<(), PipelineError> {
        if delivery.earlier.is_empty() {
            return Ok(());
        }
        let SealedDelivery { export_id, period, manifest, chunks, earlier, .. } = delivery;
        let text = Unverified { export_id, period: *period, manifest, files: chunks.len(), earlier }.text();
        let id = format!("unverified:{}:{}", delivery.statement(), delivery.execution());
        operations::leave(self.ledger, &Note { id, text }, self.now).await?;
        Ok(())
    }

    /// A delivery that lacks files waits for them. If nothing comes any more operations is told, unless a later
    /// delivery of the period has made it void. While the next delivery is written over this one, that lacks files too,
    /// however old its manifest is.
    async fn incomplete(
        &self,
        found: &Found,
        lacking: &Lacking,
        written: Option<DateTime<Utc>>,
        unchanged: TimeDelta,
        swept: &mut Swept,
    ) -> Result<bool, PipelineError> {
        let (Some(written), Found::Manifest(manifest), Some(statement)) = (written, found, found.statement()) else {
            swept.known += 1;
            return Ok(true);
        };
        // The ledger has let expire that it was ready once, and the export's bucket its files.
        if retention::may_have_expired(written, self.now) && self.was_counted(&statement, lacking.order).await? {
            swept.known += 1;
            return Ok(true);
        }
        if unchanged < PATIENCE {
            swept.waiting += 1;
            return Ok(false);
        }
        let Statement { export_id, period } = statement;
        let text = Incomplete { export_id: &export_id, period, manifest, written, files: &lacking.chunks }.text();
        operations::leave(self.ledger, &Note { id: format!("incomplete:{manifest}:{written}"), text }, self.now)
            .await?;
        swept.incomplete += 1;
        Ok(true)
    }

    /// Whether a month was counted from the delivery that was made then, or from a later one. A state that cannot be read
    /// says so of none, and keeps no other delivery waiting: whoever reads the month tells of it.
    async fn was_counted(&self, statement: &Statement, made: DeliveryOrder) -> Result<bool, PipelineError> {
        let state = match committed::head(self.ledger, statement).await {
            Ok(state) => state,
            Err(CommittedError::Document(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let mut applied = state.into_iter().flat_map(|state| state.deliveries).map(|applied| applied.order);
        Ok(applied.any(|applied| applied.at == made.at || !made.replaces(applied)))
    }
}
