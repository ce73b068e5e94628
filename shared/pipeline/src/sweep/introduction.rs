//! The first note to operations: what was found, what is missing, what comes next.

use std::collections::BTreeMap;
use std::time::Duration;

use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_core::messages::operations::deployed::{Advice, Deployed, FoundExport};
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::store::Store;

use super::state::{Remembered, SweptDeliveries};
use crate::error::PipelineError;
use crate::examination::{self, Examined, Finding, Severity};
use crate::files::inventory::{Found, Inventory};
use crate::sweep::bucket::{Sweep, Swept};
use crate::sweep::time::within;

/// The longest that is looked through the files before operations is told, within 15 minutes of the deployment.
const LOOKING: Duration = Duration::from_mins(4);

/// How often it is tried to look through them: a sweep may die of a file that is looked at.
const LOOKS: u32 = 2;

impl<E, L> Sweep<'_, E, L>
where
    E: Store + Send + 'static,
    L: Store,
{
    /// Whether the first note is still to be left, and which. It is left once. Where nothing is found a note says so,
    /// and the first note follows once something is there.
    ///
    /// The notes themselves say what was told, as long as they are kept. The sweep's memory may be removed: it only saves
    /// asking until the notes have expired.
    pub(super) async fn to_introduce(
        &self,
        inventory: &Inventory,
        remembered: &mut Remembered<SweptDeliveries>,
    ) -> Result<Option<Introduction>, PipelineError> {
        let is_empty = inventory.deliveries.is_empty();
        let found = format!("deployment:{}", self.place);
        let nothing = format!("{found}:empty");
        let introduced = remembered.document.introduced.as_ref();
        if introduced.is_some_and(|told| *told == found || is_empty && *told == nothing) {
            return Ok(None);
        }
        if operations::is_left(self.ledger, &found).await? {
            remembered.change(move |memory| {
                memory.looks = 0;
                memory.introduced = Some(found.clone());
            });
            return Ok(None);
        }
        let told_of_nothing = operations::is_left(self.ledger, &nothing).await?;
        let id = if is_empty { nothing } else { found };
        Ok(Some(Introduction { id, told_of_nothing }))
    }

    /// Tells operations what was found. At most half of the time that is left is for looking through the newest two
    /// periods; the rest is for reading them. Where earlier sweeps died of looking, the note comes without it.
    pub(super) async fn introduce(
        &self,
        Introduction { id, told_of_nothing }: Introduction,
        inventory: &Inventory,
        remembered: &mut Remembered<SweptDeliveries>,
        swept: &mut Swept,
        time_left: &impl Fn() -> Duration,
    ) -> Result<(), PipelineError> {
        let findings = if remembered.document.looks >= LOOKS {
            None
        } else {
            remembered.change(|memory| memory.looks += 1);
            remembered.save(self.ledger).await?;
            let until = (time_left() / 2).max(time_left().saturating_sub(LOOKING));
            let examined =
                examination::examine_below(self.export, self.place.prefix, Examined::Bucket, self.now, |_| ());
            match within(|| time_left() > until, examined).await {
                None => None,
                Some(Ok(findings)) => Some(advice(findings)),
                // What keeps it from being looked at keeps it from being read, which is told; the next sweep looks again.
                Some(Err(error)) => {
                    remembered.change(|memory| memory.looks = 0);
                    if error.class() == Class::Retry {
                        swept.failures.push(error.into());
                    }
                    return Ok(());
                }
            }
        };
        let deployed = Deployed {
            place: self.place,
            told_of_nothing,
            exports: &exports(inventory),
            findings: findings.as_deref(),
            strangers: inventory.strangers.values().map(|strangers| strangers.count).sum(),
            now: self.now,
        };
        operations::leave(self.ledger, &Note { id: id.clone(), text: deployed.text() }, self.now).await?;
        remembered.change(move |memory| {
            memory.looks = 0;
            memory.introduced = Some(id.clone());
        });
        Ok(())
    }
}

/// The first note, as it is to be left.
pub(super) struct Introduction {
    id: String,
    /// Whether it was told before that there is nothing.
    told_of_nothing: bool,
}

/// What is not as it should be, the worst first.
fn advice(findings: Vec<Finding>) -> Vec<Advice> {
    let matters = findings.into_iter().filter(|finding| finding.severity != Severity::Ok);
    let advice = |finding: Finding| {
        let period = finding.period.map(|period| period.to_string());
        let about: Vec<_> = finding.export.into_iter().chain(period).collect();
        Advice {
            is_problem: finding.severity == Severity::Problem,
            about: about.join(" "),
            what: finding.what,
            cure: finding.cure,
            takes: finding.takes,
        }
    };
    matters.map(advice).collect()
}

fn exports(inventory: &Inventory) -> Vec<FoundExport> {
    let mut exports: BTreeMap<String, FoundExport> = BTreeMap::new();
    for delivery in &inventory.deliveries {
        let Some((path, period)) = delivery.whose() else { continue };
        let path = path.to_string();
        let new = FoundExport { path: path.clone(), periods: (period, period), deliveries: 0, without_manifest: 0 };
        let export = exports.entry(path).or_insert(new);
        export.periods = (export.periods.0.min(period), export.periods.1.max(period));
        export.deliveries += 1;
        export.without_manifest += usize::from(matches!(delivery, Found::Unlisted(_)));
    }
    exports.into_values().collect()
}
