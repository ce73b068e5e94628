//! In which order deliveries of the export's bucket are tried.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::retention;
use spend_ledger::store::Store;

use super::state::SweptDeliveries;
use super::trial::Trial;
use crate::files::inventory::{Found, Inventory};
use crate::period::aggregate::has_begun;
use crate::sweep::bucket::{Sweep, Swept};
use crate::sweep::standing::Standing;

/// A delivery that needs work.
pub(super) struct Candidate<'a> {
    pub(super) found: &'a Found,
    pub(super) name: String,
    pub(super) standing: &'a Standing,
    /// Whether no later delivery of its period is there.
    pub(super) is_newest: bool,
    /// Whether it comes before the backfill.
    pub(super) is_first: bool,
}

impl<E, L> Sweep<'_, E, L>
where
    E: Store + Send + 'static,
    L: Store,
{
    /// The deliveries that need work, in the order in which they are tried:
    ///
    /// 1. the newest delivery of each export, those of exports first of which something was ever ready;
    /// 2. the backfill, the newest month first, and within a month the oldest delivery first: what each moved is the
    ///    month's history;
    /// 3. what an attempt did not return from or failed with, the fewest attempts first. The newest delivery of such a
    ///    month comes before the month's others.
    ///
    /// The rest is counted in `swept`.
    pub(super) fn queue<'s>(
        &self,
        inventory: &'s Inventory,
        standings: &'s BTreeMap<String, Standing>,
        remembered: &SweptDeliveries,
        (uncounted, over): (&BTreeSet<String>, &BTreeSet<String>),
        swept: &mut Swept,
    ) -> Vec<Candidate<'s>> {
        let newest = newest(inventory);
        let newest_month = newest_months(inventory, self.now);
        let known: BTreeSet<String> = remembered
            .ready
            .values()
            .filter_map(|key| Statement::from_ready_key(key))
            .map(|(statement, _)| statement.export_id)
            .collect();
        let stuck: BTreeSet<Option<Statement>> = inventory
            .deliveries
            .iter()
            .filter(|found| remembered.trials.contains_key(&found.to_string()))
            .map(Found::statement)
            .collect();
        let mut queue = Vec::new();
        for (place, found) in inventory.deliveries.iter().enumerate() {
            let name = found.to_string();
            let Some(standing) = standings.get(&name) else { continue };
            let statement = found.statement();
            if statement.as_ref().is_some_and(|statement| uncounted.contains(&statement.export_id)) {
                swept.uncounted += 1;
                continue;
            }
            if remembered.done.get(&name) == Some(&standing.fingerprint) || over.contains(&name) {
                swept.known += 1;
                continue;
            }
            if statement.as_ref().is_some_and(|statement| !has_begun(statement.period, self.now)) {
                swept.early += 1;
                continue;
            }
            let trial = remembered.trials.get(&name);
            if trial.is_some_and(|trial| !trial.is_due(self.now)) {
                swept.paused += 1;
                continue;
            }
            let is_newest = newest.get(&statement) == Some(&name);
            let of_export = |statement: &Statement| newest_month.get(&statement.export_id) == Some(&statement.period);
            let is_first = is_newest
                && trial.is_none()
                && (statement.as_ref().is_some_and(of_export) || stuck.contains(&statement));
            let is_known = statement.as_ref().is_some_and(|statement| known.contains(&statement.export_id));
            let period = statement.map(|statement| statement.period);
            let times = trial.map_or(0, Trial::times);
            let order = (times, !is_first, is_first && !is_known, Reverse(period), place);
            queue.push((order, Candidate { found, name, standing, is_newest, is_first }));
        }
        queue.sort_by_key(|(left, _)| *left);
        queue.into_iter().map(|(_, candidate)| candidate).collect()
    }
}

/// The deliveries that were ready and that later ones have replaced so long ago that the ledger's bucket has let expire what
/// it had of them, by name. They are not read again: nothing is derived from them. The newest of a month is, so that the
/// month can be derived again as long as the export has its files.
pub(super) fn over(
    inventory: &Inventory,
    standings: &BTreeMap<String, Standing>,
    remembered: &SweptDeliveries,
    now: DateTime<Utc>,
) -> BTreeSet<String> {
    let newest = newest(inventory);
    let all = inventory.deliveries.iter().map(|found| (found.statement(), found.to_string()));
    let replaced = all.filter(|(statement, name)| newest.get(statement) != Some(name)).map(|(_, name)| name);
    let is_old = |name: &String| standings.get(name).is_some_and(|of| retention::may_have_expired(of.written, now));
    replaced.filter(|name| remembered.ready.contains_key(name) && is_old(name)).collect()
}

/// The last delivery of each period, by name.
fn newest(inventory: &Inventory) -> BTreeMap<Option<Statement>, String> {
    inventory.deliveries.iter().map(|found| (found.statement(), found.to_string())).collect()
}

/// The newest month of each export, among those that have begun.
fn newest_months(inventory: &Inventory, now: DateTime<Utc>) -> BTreeMap<String, BillingPeriod> {
    let statements = inventory.deliveries.iter().filter_map(Found::statement);
    // Deliveries come oldest first.
    let begun = statements.filter(|statement| has_begun(statement.period, now));
    begun.map(|statement| (statement.export_id, statement.period)).collect()
}

/// The newest delivery of each statement that is ready, by the statement's name.
pub(super) fn newest_ready(inventory: &Inventory, remembered: &SweptDeliveries) -> BTreeMap<String, String> {
    let keys = inventory.deliveries.iter().filter_map(|found| remembered.ready.get(&found.to_string()));
    let ready = keys.filter_map(|key| Statement::from_ready_key(key));
    ready.map(|(statement, delivery_id)| (statement.to_string(), delivery_id)).collect()
}
