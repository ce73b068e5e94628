//! `backtest`: the alerts that a configuration would have sent.
//!
//! It is the step itself, on a store and a notifier in memory, day by day: each time on what the bill would have had by
//! then. A day's usage is taken to be in the bill 48 hours after its end, and all of it at once; deliveries as they
//! were are not gone through.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use spend_core::period::{self, BillingPeriod};
use spend_ledger::alert;
use spend_ledger::book::{Book, BookPeriod};
use spend_ledger::committed;
use spend_ledger::memory_store::MemoryStore;
use spend_ledger::outputs::{Message, Notifier, PublishError, Topic};

use crate::cli::{Backtest, ReportFormat};
use crate::error::CommandError;
use crate::{in_force, periods};

/// How long after its end a day is taken to be in the bill.
const LAG: TimeDelta = TimeDelta::hours(48);

/// Over how many months rules look: the current one and the two before.
const MONTHS: usize = 3;

/// One alert.
#[derive(Serialize)]
struct Sent {
    /// The day on which it would have been sent.
    day: NaiveDate,
    kind: String,
    status: String,
    rule: String,
    member: String,
    severity: String,
    owner: String,
    subject: String,
}

/// Keeps what people would have been sent.
#[derive(Default)]
struct Kept(Mutex<Vec<Message>>);

impl Notifier for Kept {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        message.check()?;
        if message.topic == Topic::Alerts {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        }
        Ok(())
    }
}

/// Writes the alerts to `out`, and how many each rule has.
///
/// # Errors
///
/// [`CommandError`].
pub(crate) async fn run(options: &Backtest, out: &mut impl Write, notes: &mut impl Write) -> Result<(), CommandError> {
    let (config, _) = in_force::read(&options.config)?;
    let store = periods::open(&options.ledger)?;
    let mut months = Vec::new();
    for statement in periods::of(&store, &options.ledger, None, None).await? {
        let now = statement.period.end();
        let Some((state, _)) = committed::state(&store, &statement).await? else { continue };
        months.extend(committed::period(&statement, state, now)?);
    }
    let days: Vec<NaiveDate> = days(&months);
    writeln!(notes, "by usage day, each known {} hours after its end", LAG.num_hours())?;
    let (memory, mut sent) = (MemoryStore::default(), Vec::new());
    for day in days {
        let notifier = Kept::default();
        let now = day.and_time(NaiveTime::MIN).and_utc();
        alert::react(&memory, &notifier, &config, &known(&months, now), now).await?;
        let messages = notifier.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        sent.extend(messages.into_iter().map(|message| Sent::of(day, message)));
    }
    let names = config.rules.all().map(|(rule, _)| (rule.name.clone(), 0));
    let mut counts: BTreeMap<String, usize> = names.collect();
    for alert in &sent {
        *counts.entry(alert.rule.clone()).or_default() += 1;
    }
    match options.format {
        ReportFormat::Table => table(&sent, &counts, out),
        ReportFormat::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            sent.iter().try_for_each(|alert| writer.serialize(alert))?;
            writer.flush()?;
            Ok(())
        }
        ReportFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &sent)?;
            writeln!(out)?;
            Ok(())
        }
    }
}

fn table(sent: &[Sent], counts: &BTreeMap<String, usize>, out: &mut impl Write) -> Result<(), CommandError> {
    for alert in sent {
        writeln!(out, "{}  {:8} {:8} {}", alert.day, alert.severity, alert.status, alert.subject)?;
    }
    writeln!(out, "\n{} alerts", sent.len())?;
    for (rule, count) in counts {
        writeln!(out, "{count:6}  {}", spend_core::text::clean(rule))?;
    }
    Ok(())
}

impl Sent {
    fn of(day: NaiveDate, message: Message) -> Self {
        let mut attributes = message.attributes;
        let mut take = |name: &str| attributes.remove(name).unwrap_or_default();
        Self {
            day,
            kind: take("kind"),
            status: take("status"),
            rule: take("rule"),
            member: take("member"),
            severity: take("severity"),
            owner: take("owner"),
            subject: message.subject,
        }
    }
}

/// The days on which something new is known: from the first usage on until the last has settled.
fn days(months: &[BookPeriod]) -> Vec<NaiveDate> {
    let used = || months.iter().flat_map(|month| &month.facts).map(|fact| fact.key.usage_date);
    let (Some(first), Some(last)) = (used().min(), used().max()) else { return Vec::new() };
    let last = (last.and_time(NaiveTime::MIN) + LAG + period::SETTLED_AFTER + TimeDelta::days(1)).date();
    first.iter_days().take_while(|day| *day <= last).collect()
}

/// What is known at `now`: of the three newest months that have begun, the days that ended long enough before.
fn known(months: &[BookPeriod], now: DateTime<Utc>) -> Book {
    let as_of = now - LAG;
    let begun = |month: &&BookPeriod| month.period.start() < as_of;
    let mut newest: Vec<BillingPeriod> = months.iter().filter(begun).map(|month| month.period).collect();
    newest.sort_unstable();
    newest.dedup();
    let newest: Vec<_> = newest.into_iter().rev().take(MONTHS).collect();
    let of_day = |month: &BookPeriod| BookPeriod {
        commits: Vec::new(),
        export_id: month.export_id.clone(),
        period: month.period,
        delivery_id: format!("{} as of {}", month.delivery_id, as_of.date_naive()),
        revision: 0,
        delivered_at: now,
        data_as_of: Some(as_of.min(month.period.end())),
        unverified: month.unverified,
        closed: month.period.is_closed(1, now),
        counts: month.counts.clone(),
        unknown_usage_rows: 0,
        facts: month.facts.iter().filter(|fact| fact.key.usage_date < as_of.date_naive()).cloned().collect(),
    };
    Book { periods: months.iter().filter(|month| newest.contains(&month.period)).map(of_day).collect() }
}
