//! `backtest`: the alerts that a configuration would have sent.
//!
//! It is the step itself, on a store and a notifier in memory: every day, and whenever a delivery came, on what was known
//! by then. Where deliveries are kept and their times are known that is what they said. Where not, and before the first
//! of them, a day's usage is taken to be in the bill 48 hours after its end, and all of it at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;
use spend_core::calendar::period::{self, BillingPeriod};
use spend_core::facts::derivation::Facts;
use spend_core::money::decimal::SumOutOfRange;
use spend_core::text::counted;
use spend_ledger::alert::{self, Given};
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Message, Notifier, PublishError, Topic};
use spend_ledger::state::book::{Book, BookPeriod};
use spend_ledger::state::commit::{AppliedDelivery, CommitKind, OrderSource};
use spend_ledger::state::committed;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{Store, StoreError};
use spend_pipeline::error::PipelineError;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::rebuild;

use crate::cli::{Backtest, ReportFormat};
use crate::error::CommandError;
use crate::progress::Progress;
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
pub(crate) async fn run(options: &Backtest, out: &mut impl Write, notes: &mut impl Write) -> Result<(), CommandError> {
    let (config, _) = in_force::read(&options.config)?;
    let store = periods::open(&options.ledger)?;
    let with = Deriver::from(&spend_ledger::config::in_force::read(&store).await?.unwrap_or_default());
    let mut months = Vec::new();
    for statement in periods::of(&store, &options.ledger, None, None).await? {
        months.extend(Month::read(&store, statement, &with).await?);
    }
    let (timed, untimed) = (months.iter().map(|month| month.to_come.len()), months.iter().map(|month| month.untimed));
    writeln!(notes, "{}", how(timed.sum(), untimed.sum()))?;
    let (memory, mut sent) = (MemoryStore::default(), Vec::new());
    let evaluations = times(&months);
    let progress = Progress::on_stderr();
    for (index, now) in evaluations.iter().copied().enumerate() {
        progress.show(|| {
            format!(
                "{}: evaluation {} of {}, {} alerts so far",
                now.date_naive(),
                index + 1,
                evaluations.len(),
                sent.len()
            )
        });
        for month in &mut months {
            month.go_on(&store, &with, now).await?;
        }
        let notifier = Kept::default();
        let given = Given { config: &config, book: &known(&months, now)? };
        alert::react(&memory, &notifier, &given, Lease::Alone, now).await?;
        let messages = notifier.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        sent.extend(messages.into_iter().map(|message| Sent::of(now.date_naive(), message)));
    }
    drop(progress);
    let names = config.rules.rules().map(|rule| (rule.name.clone(), 0));
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

/// How the past is made up: `timed` deliveries are kept with their times, of `untimed` ones nobody knows when they came.
fn how(timed: usize, untimed: usize) -> String {
    let deliveries = |count| counted(count, "delivery", "deliveries");
    let are = if timed == 1 { "is" } else { "are" };
    let they = if timed == 1 { "it" } else { "they" };
    let kept = format!("{} {are} gone through as {they} came", deliveries(timed));
    let lag = format!("is taken to be known {} hours after a day's end", LAG.num_hours());
    let unknown = format!("when {} came is not known, because files in place have any time", deliveries(untimed));
    match (timed, untimed) {
        (_, 0) => format!("{kept}; what none of them tells {lag}"),
        (0, _) => format!("{unknown}: usage {lag}, as the newest delivery has it"),
        _ => format!("{kept}; {unknown}: usage that only those tell {lag}"),
    }
}

/// A billing period of an export, as it comes to be known.
struct Month {
    statement: Statement,
    /// The deliveries that are kept and still come, oldest first.
    to_come: VecDeque<AppliedDelivery>,
    /// How many deliveries came at times that are not known.
    untimed: usize,
    /// What is known of it: the last delivery that came; before the first, that one.
    known: BookPeriod,
    /// Whether one came.
    is_delivered: bool,
}

impl Month {
    async fn read<S: Store>(store: &S, statement: Statement, with: &Deriver) -> Result<Option<Self>, CommandError> {
        let Some((state, _)) = committed::state(store, &statement).await? else { return Ok(None) };
        // Files on a disk have arbitrary times, and a rebuild is no news of AWS's.
        let is_timed = |applied: &&AppliedDelivery| {
            applied.order.source != OrderSource::Arrival && applied.kind() == CommitKind::Delivery
        };
        let mut to_come: VecDeque<_> = state.deliveries.iter().filter(is_timed).cloned().collect();
        let deliveries = state.deliveries.iter().filter(|applied| applied.kind() == CommitKind::Delivery);
        let untimed = deliveries.filter(|applied| applied.order.source == OrderSource::Arrival).count();
        let end = statement.period.end();
        let Some(mut known) = committed::period(&statement, state, end)? else { return Ok(None) };
        // What is gone of a delivery takes it out of the story, not the story's end.
        while let Some(first) = to_come.front() {
            if let Some(facts) = facts(store, &statement, first, with).await? {
                known = delivered(&known, first, facts);
                break;
            }
            to_come.pop_front();
        }
        Ok(Some(Self { statement, to_come, untimed, known, is_delivered: false }))
    }

    /// Lets the deliveries come that were made by `now`.
    async fn go_on<S: Store>(&mut self, store: &S, with: &Deriver, now: DateTime<Utc>) -> Result<(), CommandError> {
        while let Some(next) = self.to_come.pop_front_if(|next| next.order.at <= now) {
            if let Some(facts) = facts(store, &self.statement, &next, with).await? {
                self.known = delivered(&self.known, &next, facts);
                self.is_delivered = true;
            }
        }
        Ok(())
    }
}

/// The facts of a delivery, if it is kept.
async fn facts<S: Store>(
    store: &S,
    statement: &Statement,
    applied: &AppliedDelivery,
    with: &Deriver,
) -> Result<Option<Facts>, CommandError> {
    match rebuild::derive(store, statement, &applied.delivery_id, with).await {
        Ok((_, facts)) => Ok(Some(facts)),
        Err(PipelineError::Store(StoreError::NotFound { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a delivery says of a period.
fn delivered(of: &BookPeriod, applied: &AppliedDelivery, facts: Facts) -> BookPeriod {
    BookPeriod {
        commits: Vec::new(),
        export_id: of.export_id.clone(),
        period: of.period,
        delivery_id: applied.delivery_id.clone(),
        revision: 0,
        delivered_at: applied.order.at,
        data_as_of: applied.data_as_of,
        unverified: applied.unverified,
        closed: of.period.is_closed(facts.counts.usage_rows_without_invoice, applied.order.at),
        counts: facts.counts,
        unknown_usage_rows: facts.unknown_usage_rows,
        folded: facts.folded,
        derivation: of.derivation.clone(),
        facts: facts.rows,
    }
}

/// When something new may be known: every day from the first usage on until the last has settled, and with each delivery.
fn times(months: &[Month]) -> BTreeSet<DateTime<Utc>> {
    let used = || months.iter().flat_map(|month| &month.known.facts).map(spend_core::table::rows::Row::day);
    let (Some(first), Some(last)) = (used().min(), used().max()) else { return BTreeSet::new() };
    let delivered = || months.iter().flat_map(|month| &month.to_come).map(|applied| applied.order.at);
    let settled = last.and_time(NaiveTime::MIN).and_utc() + LAG + period::SETTLED_AFTER + TimeDelta::days(1);
    let last = delivered().max().map_or(settled, |at| settled.max(at + period::SETTLED_AFTER));
    let days = first.iter_days().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    days.take_while(|day| *day <= last).chain(delivered()).collect()
}

/// What is known at `now` of the three newest months that have begun.
fn known(months: &[Month], now: DateTime<Utc>) -> Result<Book, SumOutOfRange> {
    let as_of = now - LAG;
    let begun = |month: &&Month| month.is_delivered || month.known.period.start() < as_of;
    let newest: BTreeSet<BillingPeriod> = months.iter().filter(begun).map(|month| month.known.period).collect();
    let newest: Vec<_> = newest.into_iter().rev().take(MONTHS).collect();
    let of_month = |month: &Month| {
        if month.is_delivered {
            let without_invoice = month.known.counts.usage_rows_without_invoice;
            return Ok(BookPeriod {
                closed: month.known.period.is_closed(without_invoice, now),
                ..month.known.clone()
            });
        }
        let (found, counts) = (&month.known, month.known.counts.clone());
        Ok(BookPeriod {
            delivery_id: format!("{} as of {}", found.delivery_id, as_of.date_naive()),
            delivered_at: now,
            data_as_of: Some(as_of.min(found.period.end())),
            closed: found.period.is_closed(1, now),
            commits: Vec::new(),
            export_id: found.export_id.clone(),
            revision: 0,
            counts,
            unknown_usage_rows: 0,
            folded: found.folded,
            derivation: found.derivation.clone(),
            facts: found.facts.only(|fact| fact.day() < as_of.date_naive())?,
            ..*found
        })
    };
    let periods = months.iter().filter(|month| newest.contains(&month.known.period)).map(of_month);
    Ok(Book { periods: periods.collect::<Result<_, SumOutOfRange>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_which_past_is_known_and_which_is_made_up() {
        for (timed, untimed, said) in [
            (
                3,
                0,
                "3 deliveries are gone through as they came; what none of them tells is taken to be known 48 hours after a \
                 day's end",
            ),
            (
                0,
                5,
                "when 5 deliveries came is not known, because files in place have any time: usage is taken to be known 48 \
                 hours after a day's end, as the newest delivery has it",
            ),
            (
                1,
                1,
                "1 delivery is gone through as it came; when 1 delivery came is not known, because files in place have any \
                 time: usage that only those tell is taken to be known 48 hours after a day's end",
            ),
        ] {
            assert_eq!(how(timed, untimed), said);
        }
    }
}
