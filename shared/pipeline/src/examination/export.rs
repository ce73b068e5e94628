//! Examining exports: the whole of it, finding by finding.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use spend_core::money::decimal::SumOutOfRange;
use spend_ledger::store::{Store, StoreError};

use crate::examination::finding::{Examined, Finding, Remedy, Step};
use crate::examination::reading::{self, PeriodReading};
use crate::examination::tree::Tree;
use crate::examination::{callers, columns, files, money};

/// How many of an export's billing periods are read: the current one and the one that may still be restated.
const PERIODS_READ: usize = 2;

/// The notices that stand before all others: an export that names no caller has nothing of what it is for.
const NOBODY_NAMED: [&str; 2] = ["principal-column-missing", "principals-missing"];

/// Examines every export in the store. `now` is what ages are measured against; `on_step` is told of every chunk that
/// is read.
///
/// A file that cannot be used is a finding, and never keeps others from being looked at. Problems come first, then
/// notices, then what is well; each in the order of exports and, newest first, of billing periods.
///
/// # Errors
///
/// [`StoreError`] if the tree cannot be listed or a manifest cannot be read.
pub async fn examine<E: Store + Send + 'static>(
    export: &Arc<E>,
    what: Examined,
    now: DateTime<Utc>,
    on_step: impl FnMut(&Step),
) -> Result<Vec<Finding>, StoreError> {
    examine_below(export, "", what, now, on_step).await
}

/// As [`examine`], of the objects alone whose keys start with `prefix`.
pub async fn examine_below<E: Store + Send + 'static>(
    export: &Arc<E>,
    prefix: &str,
    what: Examined,
    now: DateTime<Utc>,
    mut on_step: impl FnMut(&Step),
) -> Result<Vec<Finding>, StoreError> {
    let tree = Tree::of(&**export, prefix).await?;
    let mut findings = files::of_tree(&tree, reading::of_another_kind(export, &tree).await);
    let mut readings = Vec::new();
    for found in &tree.exports {
        findings.extend(files::of_export(found, what, now));
        let mut older = Vec::new();
        for (age, period) in found.periods.iter().enumerate() {
            findings.extend(files::of_period(found, period));
            findings.extend(reading::of_others(export, found, period, age < PERIODS_READ).await);
            if age < PERIODS_READ {
                let reading = reading::read(export, found, period, age == 0, &mut on_step).await;
                findings.extend(reading.refused.iter().cloned());
                findings.extend(of_reading(&reading).unwrap_or_else(|error| vec![out_of_range(&reading, error)]));
                readings.push(reading);
            } else if let Some(has_column) = reading::has_principal_column(export, period).await {
                older.push((period.period, has_column));
            }
        }
        findings.extend(callers::older_periods(found, &older));
    }
    findings.extend(money::overlaps(&readings));
    findings.sort_by_key(|finding| (finding.severity, !NOBODY_NAMED.contains(&finding.id)));
    Ok(findings)
}

/// What the rows say.
fn of_reading(reading: &PeriodReading) -> Result<Vec<Finding>, SumOutOfRange> {
    if reading.files_read == 0 {
        return Ok(Vec::new());
    }
    let mut findings = vec![money::rows(reading)];
    findings.extend(columns::missing(reading));
    findings.extend(columns::unread(reading));
    if reading.counts.bedrock_rows > 0 {
        findings.extend(callers::named(reading)?);
        findings.extend(callers::sessions(reading)?);
        findings.extend(money::tags(reading)?);
        findings.extend(money::granularity(reading));
        findings.push(money::currencies(reading));
        findings.extend(money::net_cost(reading)?);
        findings.extend(money::accounts(reading));
    }
    Ok(findings)
}

fn out_of_range(reading: &PeriodReading, error: SumOutOfRange) -> Finding {
    let remedy = Remedy {
        why: "no bill is that large, so a cost in one of the files is damaged",
        cure: "look for it in the files, or copy them again",
        takes: "at once",
    };
    reading.subject.problem("sum-out-of-range", format!("the costs cannot be added: {error}"), remedy)
}
