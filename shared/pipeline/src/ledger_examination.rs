//! Whether a ledger is whole: every object is read, and held against the others. Nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::TimeDelta;
use spend_core::text::counted;
use spend_ledger::config::Config;
use spend_ledger::formats::{Formats, name};
use spend_ledger::state::claim::Claim;
use spend_ledger::state::commit::AppliedDelivery;
use spend_ledger::state::delivery::{ReadyDelivery, SealedDelivery};
use spend_ledger::state::document::{Document, DocumentError, decode, decode_as};
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::state::objects::{Kind, cure};
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::reduction::StoredReduction;
use spend_ledger::state::retention;
use spend_ledger::state::tabular::{self, Tabular};
use spend_ledger::store::{Store, StoreError};
use spend_ledger::{alert, digest, metrics};

use crate::examination::finding::{Finding, Remedy, Severity, Subject};
use crate::formats;
use crate::period::facts_file::{self, FactsOf};

/// How much older than the newest commit a month's last one is when what it was derived from may have expired: a file that
/// no delivery has changed was reduced up to a month before the delivery was committed.
const LONG_AGO: TimeDelta = TimeDelta::days(retention::KEPT_DAYS - 35);

/// Reads every object of a ledger, and holds each against the others. `on_object` is told of every object that is read,
/// by its number and how many there are. Problems come first, then notices, then what is well.
///
/// # Errors
///
/// [`StoreError`], if an object cannot be had; one that cannot be read is a finding.
pub async fn examine<L: Store>(
    ledger: &L,
    mut on_object: impl FnMut(usize, usize),
) -> Result<Vec<Finding>, StoreError> {
    let objects = ledger.list("").await?;
    let mut found = Found::default();
    for (index, object) in objects.iter().enumerate() {
        on_object(index + 1, objects.len());
        let Some(kind) = Kind::of(&object.key) else { continue };
        let Some((bytes, _)) = ledger.get(&object.key).await? else { continue };
        found.keys.insert(object.key.clone());
        if let Err(damage) = found.read(kind, &object.key, &bytes) {
            found.findings.push(damage.finding(&object.key));
        }
    }
    found.lost_metrics = metrics::lost(ledger).await.unwrap_or_default();
    Ok(found.judged())
}

/// Why an object is not what lies at its key.
enum Damage {
    Newer(String),
    Older(String),
    Damaged(String),
}

impl From<DocumentError> for Damage {
    fn from(error: DocumentError) -> Self {
        let said = error.to_string();
        match error {
            DocumentError::Newer { .. } => Self::Newer(said),
            DocumentError::Older { .. } => Self::Older(said),
            _ => Self::Damaged(said),
        }
    }
}

impl Damage {
    fn finding(self, key: &str) -> Finding {
        let at_once = "at once";
        match self {
            Self::Newer(said) => subject(key).problem(
                "object-newer",
                said,
                Remedy {
                    why: "this release cannot read it, and writes nothing over it",
                    cure: "upgrade",
                    takes: at_once,
                },
            ),
            Self::Older(said) => subject(key).problem(
                "object-older",
                said,
                Remedy { why: "this release cannot read it any more", cure: "run the release between", takes: at_once },
            ),
            Self::Damaged(said) => {
                let cure = cure(key);
                let what = said.strip_suffix(&format!("; {cure}")).unwrap_or(&said).to_owned();
                subject(key).problem(
                    "object-damaged",
                    what,
                    Remedy { why: "whatever needs it stops, and nothing is written over it", cure, takes: at_once },
                )
            }
        }
    }
}

/// The export and period that a key is of, as far as it tells.
fn subject(key: &str) -> Subject {
    let part = |name: &str| key.split('/').find_map(|part| part.strip_prefix(name)).map(str::to_owned);
    let period = part("period=").or_else(|| part("billing_period="));
    let period = period.and_then(|period| period.split('.').next().unwrap_or_default().parse().ok());
    Subject { export: part("export="), period }
}

fn of(statement: &Statement) -> Subject {
    Subject { export: Some(statement.export_id.clone()), period: Some(statement.period) }
}

/// What a ledger has.
#[derive(Default)]
struct Found {
    keys: BTreeSet<String>,
    /// The states that can be read, without their facts.
    states: BTreeMap<Statement, State>,
    ready: BTreeMap<Statement, Vec<SealedDelivery>>,
    /// The chunks that are reduced, by export and period, key and version.
    reduced: BTreeSet<(String, String, String)>,
    /// Whose facts files there are, by key.
    facts: BTreeMap<String, FactsOf>,
    /// The exports that claim something, with the period.
    claims: BTreeSet<Statement>,
    /// Whether the configuration in force has rules.
    has_rules: bool,
    /// The objects below `metrics/` that knew more before.
    lost_metrics: Vec<String>,
    findings: Vec<Finding>,
}

struct State {
    deliveries: Vec<AppliedDelivery>,
    facts_of: Option<FactsOf>,
    /// Whether there is something to be claimed.
    has_facts: bool,
}

impl Found {
    /// Reads an object as what it must be.
    fn read(&mut self, kind: Kind, key: &str, bytes: &Bytes) -> Result<(), Damage> {
        let damaged = |said: String| Damage::Damaged(format!("{key} is damaged: {said}"));
        match kind {
            Kind::State => {
                let state: PeriodState = tabular::decode(key, bytes)?;
                let (facts_of, deliveries) = (FactsOf::state(&state), state.deliveries.clone());
                let has_facts = !state.facts.is_empty();
                if let Some(statement) = Statement::from_state_key(key) {
                    self.states.insert(statement, State { deliveries, facts_of, has_facts });
                }
            }
            Kind::Reduction => {
                let StoredReduction { chunk, etag, .. } = tabular::decode(key, bytes)?;
                let Subject { export, period } = subject(key);
                let folder =
                    format!("{} {}", export.unwrap_or_default(), period.map(|it| it.to_string()).unwrap_or_default());
                self.reduced.insert((folder, chunk, etag.0));
            }
            Kind::Ready => {
                let ReadyDelivery { delivery } = decode(key, bytes)?;
                self.ready.entry(delivery.statement()).or_default().push(delivery);
            }
            Kind::Claim => {
                let Claim { export_id } = decode(key, bytes)?;
                if let Some((_, period)) = keys::claimed(key) {
                    self.claims.insert(Statement { export_id, period });
                }
            }
            Kind::Facts => {
                let of = facts_file::facts_of(bytes);
                let of =
                    of.ok_or_else(|| damaged(format!("it is no Parquet file of the format {}", facts_file::FORMAT)))?;
                self.facts.insert(key.to_owned(), of);
            }
            Kind::InForce => {
                let text = String::from_utf8_lossy(bytes);
                let config = Config::parse(key, &text).map_err(|error| damaged(error.to_string()))?;
                self.has_rules = !config.rules.is_empty();
            }
            _ => {
                let Some(format) = name(kind) else { return Ok(()) };
                let mut reading = Reading { format, key, bytes, read: Ok(()) };
                formats::each(&mut reading);
                reading.read?;
            }
        }
        Ok(())
    }

    /// Everything, the worst first.
    fn judged(mut self) -> Vec<Finding> {
        let damaged: BTreeSet<_> =
            self.findings.iter().map(|finding| (finding.export.clone(), finding.period)).collect();
        let mut findings = std::mem::take(&mut self.findings);
        for (statement, state) in &self.states {
            findings.extend(self.of_state(statement, state));
        }
        for (statement, ready) in &self.ready {
            let is_damaged = damaged.contains(&(Some(statement.export_id.clone()), Some(statement.period)));
            if !is_damaged {
                findings.extend(self.of_ready(statement, ready));
            }
        }
        findings.extend(self.of_memories());
        if findings.iter().all(|finding| finding.severity != Severity::Problem) {
            let (objects, states) = (self.keys.len(), self.states.len());
            let what = format!(
                "{objects} objects are what they should be, and the {states} months that they make up are whole"
            );
            findings.push(Subject::default().ok("ledger", what));
        }
        findings.sort_by_key(|finding| finding.severity);
        findings
    }

    /// Whether what a month was derived from may have expired, by the age of its last commit beside the newest of all.
    fn may_have_expired(&self, state: &State) -> bool {
        let last = |state: &State| state.deliveries.last().map(|commit| commit.applied_at);
        let newest = self.states.values().filter_map(last).max();
        last(state).zip(newest).is_some_and(|(last, newest)| newest - last >= LONG_AGO)
    }

    /// What a month's state needs beside it.
    fn of_state(&self, statement: &Statement, state: &State) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut missing = |id, key: String, why: &'static str| {
            let what = format!("{key} is not there");
            findings.push(of(statement).problem(id, what, Remedy { why, cure: cure(&key), takes: "at once" }));
        };
        for commit in &state.deliveries {
            let [key, earlier] = [statement.history_key(commit), statement.earlier_history_key(commit)];
            if !self.keys.contains(&key) && !self.keys.contains(&earlier) {
                missing("history-missing", key, "what this commit moved cannot be told any more");
            }
        }
        let current = state.deliveries.last();
        let ready = self.ready.get(statement).into_iter().flatten();
        match (current, ready.into_iter().find(|ready| current.is_some_and(|it| it.delivery_id == ready.delivery_id))) {
            (Some(_), None) if self.may_have_expired(state) => {
                let what = "what it was derived from has expired".to_owned();
                findings.push(of(statement).notice("delivery-expired", what, expired()));
            }
            (Some(current), None) => {
                let key = statement.ready_key(&current.delivery_id);
                missing("ready-missing", key, "the delivery in force cannot be derived again");
            }
            (Some(_), Some(ready)) => {
                let is_expired = self.may_have_expired(state);
                for chunk in &ready.chunks {
                    let reduced = (statement.to_string(), chunk.key.clone(), chunk.etag.0.clone());
                    if !self.reduced.contains(&reduced) {
                        let what = format!("of the delivery in force no reduction of {} can be read", chunk.key);
                        if is_expired {
                            findings.push(of(statement).notice("delivery-expired", what, expired()));
                            break;
                        }
                        let why = "the month cannot be derived again when the configuration changes";
                        let remedy = Remedy { why, cure: Kind::Reduction.cure(), takes: "at once" };
                        findings.push(of(statement).problem("reduction-missing", what, remedy));
                    }
                }
            }
            (None, _) => {}
        }
        let facts = self.facts.get(&statement.facts_key());
        if facts != state.facts_of.as_ref() {
            let key = statement.facts_key();
            let what =
                if facts.is_none() { "is not there" } else { "is of another delivery or configuration than the state" };
            let why = "Athena and other readers of Parquet see other numbers than the ledger has";
            let remedy = Remedy { why, cure: cure(&key), takes: "with the next run or sweep" };
            findings.push(of(statement).problem("facts-differ", format!("{key} {what}"), remedy));
        }
        if state.has_facts && !self.claims.contains(statement) {
            let what = format!(
                "no object below claims/ says that the bill of {} is counted from {}",
                statement.period, statement.export_id
            );
            let why = "another export of the same bill could claim the month, and it would be counted twice";
            let remedy = Remedy { why, cure: Kind::Claim.cure(), takes: "at once" };
            findings.push(of(statement).problem("claim-missing", what, remedy));
        }
        findings
    }

    /// What is ready must be in force, or be older than what is, or not be counted.
    fn of_ready(&self, statement: &Statement, ready: &[SealedDelivery]) -> Option<Finding> {
        let of = of(statement);
        let run = "run again, or wait for the next sweep: it is applied then";
        let claims_of_others = || {
            self.claims.iter().any(|claim| claim.period == statement.period && claim.export_id != statement.export_id)
        };
        let is_counted_elsewhere = || !self.claims.contains(statement) && claims_of_others();
        let Some(state) = self.states.get(statement) else {
            if is_counted_elsewhere() {
                return None;
            }
            let what = format!(
                "{} ready, and there is no {}",
                counted(ready.len(), "delivery is", "deliveries are"),
                statement.state_key()
            );
            let why = "the month counts nowhere";
            return Some(of.problem("state-missing", what, Remedy { why, cure: run, takes: "15 minutes on AWS" }));
        };
        // Its claim was moved.
        if !state.has_facts && is_counted_elsewhere() {
            return None;
        }
        let waits = |ready: &&SealedDelivery| {
            let is_known = state.deliveries.iter().any(|applied| applied.delivery_id == ready.delivery_id);
            !is_known && state.deliveries.iter().all(|applied| ready.order.replaces(applied.order))
        };
        let waiting = ready.iter().find(waits)?;
        let what =
            format!("the delivery {} is ready, newer than the one in force, and not applied", waiting.delivery_id);
        let why = "the month is older than what AWS has delivered";
        Some(of.problem("state-old", what, Remedy { why, cure: run, takes: "15 minutes on AWS" }))
    }

    /// What remembers that something was told, and cannot be made again.
    fn of_memories(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut lost = |key: &str, why: &'static str| {
            let what = format!("{key} is not there, or is an earlier version of itself");
            findings.push(subject(key).problem("memory-lost", what, Remedy { why, cure: cure(key), takes: "at once" }));
        };
        for key in &self.lost_metrics {
            lost(key, "Spend of the month is withheld from CloudWatch, because it would be put twice");
        }
        let has = |wanted: Kind| self.keys.iter().any(|key| Kind::of(key) == Some(wanted));
        if has(Kind::Told) && !has(Kind::Series) {
            lost(keys::METRIC_SERIES, "members of dimensions are chosen anew, and past spend moves between series");
        }
        if self.has_rules && !self.states.is_empty() && !has(Kind::Alerts) {
            lost(alert::STATE_KEY, "everything that is over a limit is alerted again, as if it were the first time");
        }
        if has(Kind::PageNumbers) && !has(Kind::Digests) {
            lost(digest::STATE_KEY, "digests that were sent may be sent again");
        }
        findings
    }
}

/// What became of a month that can be derived again no more.
fn expired() -> Remedy<&'static str> {
    Remedy {
        why: "the month cannot be derived again when the configuration changes; its numbers stay as they are",
        cure: "nothing, or remove sweep/deliveries.json: the sweep reads again what the export's bucket still has",
        takes: "15 minutes on AWS",
    }
}

/// Reads an object as the type of its format.
struct Reading<'a> {
    format: &'static str,
    key: &'a str,
    bytes: &'a [u8],
    read: Result<(), DocumentError>,
}

impl Formats for Reading<'_> {
    fn format<D: Document>(&mut self) {
        if D::FORMAT == self.format {
            self.read = decode_as::<D>(self.key, self.bytes).map(drop);
        }
    }

    fn tabular<D: Tabular>(&mut self) {
        if D::FORMAT == self.format {
            self.read = tabular::decode::<D>(self.key, self.bytes).map(drop);
        }
    }
}
