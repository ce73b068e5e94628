//! What is wrong with an export, and how to mend it: found by looking at the tree, at the footers, and at the newest
//! delivery of the newest two billing periods. Nothing is written.

mod callers;
mod columns;
mod files;
pub mod ledger;
mod money;
mod reading;
mod refusal;
mod tree;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::SumOutOfRange;
use spend_ledger::store::{Store, StoreError};

use crate::examination::reading::PeriodReading;
use crate::examination::tree::Tree;

/// How many of an export's billing periods are read: the current one and the one that may still be restated.
const PERIODS_READ: usize = 2;

/// The notices that stand before all others: an export that names no caller has nothing of what it is for.
const NOBODY_NAMED: [&str; 2] = ["principal-column-missing", "principals-missing"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Examined {
    /// What AWS delivers into: the next delivery is awaited here.
    Bucket,
    /// A copy, which is as old as it is.
    Copy,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A run refuses it: a delivery is not published, and its numbers are missing until it is mended.
    Problem,
    /// A run takes it as it is, but something is lost or will surprise.
    Notice,
    /// Checked, and as it should be.
    Ok,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable name of what was found, such as `principal-column-missing`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The export, as `[PREFIX/]EXPORT`; none where it is about the whole tree.
    pub export: Option<String>,
    /// The billing period; none where it is about all of them.
    pub period: Option<BillingPeriod>,
    /// What was found.
    pub what: String,
    /// Why it matters; empty where all is well.
    pub why: String,
    /// How to mend it; empty where all is well.
    pub cure: String,
    /// How long the cure takes to show; empty where all is well.
    pub takes: String,
    /// Whether it says that files are no chunks of a CUR 2.0 export, and never will be.
    #[serde(skip)]
    pub is_of_another_kind: bool,
}

/// Why something matters, how to mend it, and how long that takes to show.
pub(crate) struct Remedy<T> {
    why: T,
    cure: T,
    takes: T,
}

/// What a finding is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    export: Option<String>,
    period: Option<BillingPeriod>,
}

impl Subject {
    fn ok(&self, id: &'static str, what: impl Into<String>) -> Finding {
        let (export, period, nothing) = (self.export.clone(), self.period, String::new);
        let (why, cure, takes) = (nothing(), nothing(), nothing());
        let (severity, what) = (Severity::Ok, what.into());
        Finding { id, severity, export, period, what, why, cure, takes, is_of_another_kind: false }
    }

    fn notice(&self, id: &'static str, what: impl Into<String>, remedy: Remedy<impl Into<String>>) -> Finding {
        let (why, cure, takes) = (remedy.why.into(), remedy.cure.into(), remedy.takes.into());
        Finding { severity: Severity::Notice, why, cure, takes, ..self.ok(id, what) }
    }

    fn problem(&self, id: &'static str, what: impl Into<String>, remedy: Remedy<impl Into<String>>) -> Finding {
        Finding { severity: Severity::Problem, ..self.notice(id, what, remedy) }
    }
}

/// That a folder has paths which no listing shows: `what` names them.
pub fn left_out(what: String) -> Finding {
    Subject::default().notice(
        "paths-left-out",
        what,
        Remedy {
            why: "deliveries that lie there are not read",
            cure: "copy them into the folder itself, or name the folder that a link points to",
            takes: "at once",
        },
    )
}

/// How far an examination is, told before each chunk is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The export, as `[PREFIX/]EXPORT`.
    pub export: String,
    pub period: BillingPeriod,
    /// Which of the delivery's chunks, from 1.
    pub chunk: usize,
    /// Of how many.
    pub chunks: usize,
    /// How many rows of the delivery were read before it.
    pub rows: u64,
}

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
