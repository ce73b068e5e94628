//! The sweep of the export's bucket: every delivery in it, in order, until the time is over.

use std::collections::BTreeSet;
use std::time::Duration;

use spend_ledger::config::Counting;
use spend_ledger::state::keys;
use spend_ledger::store::Store;

use crate::error::PipelineError;
use crate::files::inventory::{Found, Inventory};
use crate::sweep::backfill::Progress;
use crate::sweep::bucket::{MOST_TROUBLES, Sweep, Swept};
use crate::sweep::queue::{self, newest_ready};
use crate::sweep::ready;
use crate::sweep::state::{self, Remembered, SweptDeliveries};
use crate::sweep::time::RESERVE;

impl<E, L> Sweep<'_, E, L>
where
    E: Store + Send + 'static,
    L: Store,
{
    /// Drives every delivery in the bucket until it is ready, tells operations of what a person must mend, and, the
    /// first time, of what was found. One delivery's failure keeps no other from being driven, and neither does one that
    /// this sweep dies of: the next sweep tries it last.
    ///
    /// `time_left` is asked again and again; what is under way when it says that the time is over is dropped, which is
    /// harmless.
    ///
    /// # Errors
    ///
    /// [`PipelineError`], if the bucket cannot be listed, or the sweep's own state or a note cannot be written.
    pub async fn deliveries(&self, time_left: impl Fn() -> Duration) -> Result<Swept, PipelineError> {
        let whole = time_left();
        let objects = self.export.list(self.place.prefix).await?;
        let inventory = Inventory::of(&objects);
        let mut remembered = state::read::<SweptDeliveries, L>(self.ledger).await?;
        let mut swept = Swept { found: inventory.deliveries.len(), ..Swept::default() };
        let to_introduce = self.to_introduce(&inventory, &mut remembered).await?;
        let standings = self.standings(&inventory, &objects);
        let SweptDeliveries { done, waiting, trials, .. } = &mut remembered.document;
        done.retain(|name, _| standings.contains_key(name));
        waiting.retain(|name, _| standings.contains_key(name));
        trials.retain(|name, trial| standings.get(name).is_some_and(|standing| trial.is_of(&standing.fingerprint)));
        let over = queue::over(&inventory, &standings, &remembered.document, self.now);
        self.forget_what_is_gone(&mut remembered.document, &over).await?;
        let uncounted = self.tell_uncounted(&inventory).await?;
        let mut queue = self.queue(&inventory, &standings, &remembered.document, (&uncounted, &over), &mut swept);
        let mut progress = Progress::begin(self.ledger, queue.len() + swept.paused, self.now).await?;
        self.tell_stuck(&inventory, &mut remembered).await?;
        if let Some(introduction) = to_introduce {
            // The newest delivery of each export comes before the first note, within half of the sweep's time.
            let backfill = queue.split_off(queue.partition_point(|candidate| candidate.is_first));
            let has_time = || time_left() > RESERVE.max(whole / 2);
            queue = self.drive(queue, &mut remembered, &mut swept, (&has_time, &time_left)).await?;
            queue.extend(backfill);
            if queue.is_empty() {
                // The backfill's progress is written before the sweep's memory: a sweep that remembers every delivery does not
                // look at the backfill again.
                self.end(progress.take(), &inventory, &remembered, &swept).await?;
            }
            self.introduce(introduction, &inventory, &mut remembered, &mut swept, &time_left).await?;
        }
        let has_time = || time_left() > RESERVE;
        swept.left = self.drive(queue, &mut remembered, &mut swept, (&has_time, &time_left)).await?.len();
        self.end(progress, &inventory, &remembered, &swept).await?;
        self.tell_left(&mut remembered, &swept).await?;
        remembered.save(self.ledger).await?;
        Ok(swept)
    }

    /// Writes down how far the first sweep has come, if this is one.
    async fn end(
        &self,
        progress: Option<Progress>,
        inventory: &Inventory,
        remembered: &Remembered<SweptDeliveries>,
        swept: &Swept,
    ) -> Result<(), PipelineError> {
        let Some(progress) = progress else { return Ok(()) };
        let unfinished = swept.waiting + swept.failures.len() + swept.paused;
        let newest = newest_ready(inventory, &remembered.document);
        progress.end(self.ledger, newest, (swept.left, unfinished), self.now).await
    }

    /// The exports that do not count. Operations is told of each once.
    async fn tell_uncounted(&self, inventory: &Inventory) -> Result<BTreeSet<String>, PipelineError> {
        if *self.counting == Counting::default() {
            return Ok(BTreeSet::new());
        }
        let statements = inventory.deliveries.iter().filter_map(Found::statement);
        let exports: BTreeSet<_> = statements.map(|statement| statement.export_id).collect();
        let uncounted: BTreeSet<_> =
            exports.into_iter().filter(|export_id| !self.counting.has_export(export_id)).collect();
        for export_id in uncounted.iter().take(MOST_TROUBLES) {
            ready::tell_not_counted(self.ledger, export_id, None, self.now).await?;
        }
        Ok(uncounted)
    }

    /// Forgets that a delivery was done with whose declaration of being ready is gone; not of those that are `over`.
    async fn forget_what_is_gone(
        &self,
        remembered: &mut SweptDeliveries,
        over: &BTreeSet<String>,
    ) -> Result<(), PipelineError> {
        let SweptDeliveries { done, ready, .. } = remembered;
        ready.retain(|name, _| done.contains_key(name));
        if !ready.is_empty() {
            let objects = self.ledger.list(keys::DELIVERIES_PREFIX).await?;
            let there: BTreeSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
            let is_gone = |name: &String, key: &mut String| !there.contains(key.as_str()) && !over.contains(name);
            for (name, _) in ready.extract_if(.., is_gone) {
                done.remove(&name);
            }
        }
        Ok(())
    }
}
