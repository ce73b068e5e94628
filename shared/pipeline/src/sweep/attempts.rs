//! Attempts at deliveries of the export's bucket: each is written down before it begins, and what came of it after.

use std::cell::Cell;
use std::time::Duration;

use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_ledger::outputs::operations;
use spend_ledger::store::Store;

use super::queue::Candidate;
use super::state::{Remembered, SweptDeliveries};
use super::trial::{Left, NOTES_AT_ONCE, Trial};
use crate::error::PipelineError;
use crate::files::inventory::Inventory;
use crate::sweep::bucket::{MOST_TROUBLES, Sweep, Swept};
use crate::sweep::deliver::{Attempt, Delivered, about};
use crate::sweep::time::within;
use crate::sweep::trial::put_back;

/// What to do about a delivery that no attempt at reading comes to an end with.
const CURE: &str = "copy the delivery and run bedrock-ledger doctor --export on it. If AWS wrote the file, its next delivery \
                    replaces it: wait for that. If the file is real and large, give ingest more memory or time \
                    (MemorySize, Timeout in infra/template.yaml). If the export is not yours, find out who may write to \
                    the bucket, and name yours in count = [...] of [export] in config/ledger.toml: others are not read.";

impl<E, L> Sweep<'_, E, L>
where
    E: Store + Send + 'static,
    L: Store,
{
    /// Drives each delivery in turn. Returns those that there was no time for. `has_time` says whether there is, and
    /// `time_left` how much.
    pub(super) async fn drive<'s>(
        &self,
        queue: Vec<Candidate<'s>>,
        remembered: &mut Remembered<SweptDeliveries>,
        swept: &mut Swept,
        (has_time, time_left): (&impl Fn() -> bool, &impl Fn() -> Duration),
    ) -> Result<Vec<Candidate<'s>>, PipelineError> {
        let mut left = Vec::new();
        for candidate in queue {
            // Each delivery that a person must mend is a note: after so many the next sweep goes on.
            if !has_time() || swept.troubles.len() >= MOST_TROUBLES {
                left.push(candidate);
                continue;
            }
            let (now, name, fingerprint) = (self.now, candidate.name.clone(), candidate.standing.fingerprint.clone());
            let before = remembered.document.trials.get(&name).cloned();
            let mark = Trial::begin(before.as_ref(), &fingerprint, now);
            remembered.change({
                let (name, fingerprint) = (name.clone(), fingerprint.clone());
                move |memory| {
                    memory.find(&name, &fingerprint, now);
                    memory.trials.insert(name.clone(), mark.clone());
                }
            });
            remembered.save(self.ledger).await?;
            let unchanged = remembered.document.unchanged(&name, now);
            let (began_with, read) = (time_left(), Cell::new(0));
            let attempt = Attempt { name: &name, one_by_one: before.is_some(), read: &read };
            let Some(outcome) = within(has_time, self.deliver(candidate.found, unchanged, remembered, &attempt)).await
            else {
                // The mark is taken back if a file was reduced (a later sweep will end it), or if the attempt had less than
                // half of the time. Otherwise the attempt counts as one that did not return.
                let took_long = began_with.saturating_sub(time_left()) >= began_with / 2;
                if read.get() > 0 || !took_long {
                    remembered.change(move |memory| put_back(&mut memory.trials, &name, before.as_ref()));
                }
                left.push(candidate);
                continue;
            };
            let ready = match &outcome {
                Ok(Delivered::Ready(object)) => Some(object.clone()),
                _ => None,
            };
            let failed = match &outcome {
                Err(error) if error.class() == Class::Retry => Some(error.to_string()),
                _ => None,
            };
            let written = candidate.is_newest.then_some(candidate.standing.written);
            let is_done = self.finish(candidate.found, outcome, written, unchanged, swept).await?;
            remembered.change(move |memory| {
                match (&failed, memory.trials.get_mut(&name)) {
                    (Some(error), Some(trial)) => trial.failed(error),
                    _ => drop(memory.trials.remove(&name)),
                }
                memory.ready.extend(ready.clone().map(|object| (name.clone(), object)));
                if is_done {
                    memory.waiting.remove(&name);
                    memory.done.insert(name.clone(), fingerprint.clone());
                }
            });
        }
        Ok(left)
    }

    /// Tells operations, once, of each delivery that no attempt has come to an end with.
    pub(super) async fn tell_stuck(
        &self,
        inventory: &Inventory,
        remembered: &mut Remembered<SweptDeliveries>,
    ) -> Result<(), PipelineError> {
        let mut told = 0;
        for found in &inventory.deliveries {
            let name = found.to_string();
            let Some(trial) = remembered.document.trials.get(&name) else { continue };
            if !trial.is_to_be_told(self.now) || told == NOTES_AT_ONCE {
                continue;
            }
            let doing = format!("reading the delivery of {}", about(found));
            operations::leave(self.ledger, &trial.note(&doing, &name, CURE, self.now), self.now).await?;
            told += 1;
            remembered.change(move |memory| {
                if let Some(trial) = memory.trials.get_mut(&name) {
                    trial.was_told();
                }
            });
        }
        Ok(())
    }

    /// Tells operations of deliveries that are left and do not become fewer.
    pub(super) async fn tell_left(
        &self,
        remembered: &mut Remembered<SweptDeliveries>,
        swept: &Swept,
    ) -> Result<(), PipelineError> {
        let count = swept.left + swept.paused + swept.failures.len();
        let left = Left::after(remembered.document.left.as_ref(), count, self.now);
        let note = left.as_ref().and_then(|left| left.note("to read", &self.place.to_string(), count, self.now));
        if let Some(note) = note {
            operations::leave(self.ledger, &note, self.now).await?;
        }
        remembered.change(move |memory| memory.left.clone_from(&left));
        Ok(())
    }
}
