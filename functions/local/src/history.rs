//! `history`: each delivery of each period, and what it moved.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use spend_core::money::currencies;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::text;
use spend_ledger::state::commit::OrderSource;
use spend_ledger::state::committed;
use spend_ledger::state::history::{HistoryEntry, Moved};
use spend_ledger::state::restated::Before;
use spend_pipeline::period::history;

use crate::cli::{History, ReportFormat};
use crate::error::CommandError;
use crate::periods;

/// How many rows of what a delivery moved a table has.
const MOST_ROWS: usize = 10;

/// Writes the history to `out`: by export and period, oldest delivery first.
pub(crate) async fn run(options: &History, out: &mut impl Write) -> Result<(), CommandError> {
    let store = periods::open(&options.ledger)?;
    let mut commits = Vec::new();
    for statement in periods::of(&store, &options.ledger, options.period, None).await? {
        if let Some(state) = committed::head(&store, &statement).await? {
            let known = committed::commits(&store, &statement.export_id, statement.period).await?;
            for entry in history::read(&store, &statement, &state).await? {
                let before = Before::of(&entry, known.iter().map(|(period, commit)| (*period, commit)));
                commits.push(Commit::of(entry, &before)?);
            }
        }
    }
    match options.format {
        ReportFormat::Table => commits.iter().try_for_each(|commit| table(commit, out)),
        ReportFormat::Csv => csv(&commits, out),
        ReportFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &commits)?;
            writeln!(out)?;
            Ok(())
        }
    }
}

/// A commit as it is shown; costs are exact and unblended.
#[derive(Serialize)]
struct Commit {
    export_id: String,
    period: String,
    sequence: u64,
    kind: &'static str,
    delivery_id: String,
    applied_at: String,
    delivered_at: String,
    order: &'static str,
    data_as_of: Option<String>,
    unverified: bool,
    replaced: Option<String>,
    after_close: bool,
    totals: Vec<Row>,
    moved: Vec<Row>,
}

/// A sum before and after a commit.
#[derive(Clone, Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    currency: String,
    before: Decimal,
    after: Decimal,
    moved: Decimal,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restated: bool,
}

impl Row {
    fn of(moved: Moved, known: &Before) -> Result<Self, SumOutOfRange> {
        let restated = known.is_restated(&moved);
        let Moved { day, identity, category, currency, before, after, .. } = moved;
        let moved = after.checked_sub(before).ok_or(SumOutOfRange)?;
        Ok(Self { day, identity, category, currency, before, after, moved, restated })
    }
}

impl Commit {
    fn of(entry: HistoryEntry, before: &Before) -> Result<Self, SumOutOfRange> {
        let delivery = entry.delivery;
        let rows =
            |moved: Vec<Moved>| moved.into_iter().map(|moved| Row::of(moved, before)).collect::<Result<Vec<_>, _>>();
        let (mut moved, mut totals) = (rows(entry.moved)?, rows(entry.totals)?);
        largest_first(&mut moved);
        totals.sort_by(|left, right| currencies::order((&left.currency, left.after), (&right.currency, right.after)));
        Ok(Self {
            export_id: entry.export_id,
            period: entry.period.to_string(),
            sequence: delivery.sequence,
            kind: entry.kind.as_str(),
            delivery_id: delivery.delivery_id,
            applied_at: instant(delivery.applied_at),
            delivered_at: instant(delivery.order.at),
            order: match delivery.order.source {
                OrderSource::Folder => "folder",
                OrderSource::LastModified => "last-modified",
                OrderSource::Arrival => "arrival",
            },
            data_as_of: delivery.data_as_of.map(instant),
            unverified: delivery.unverified,
            replaced: entry.replaced,
            after_close: entry.after_close,
            totals,
            moved,
        })
    }
}

fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What was restated before what is merely new, and the largest first; where moves are equal the order stays, which is by
/// currency, day and identity.
fn largest_first(rows: &mut [Row]) {
    rows.sort_by_key(|row| (Reverse(row.restated), Reverse(row.moved.abs())));
}

const CSV_HEADER: [&str; 18] = [
    "export_id",
    "period",
    "sequence",
    "kind",
    "delivery_id",
    "applied_at",
    "delivered_at",
    "order",
    "data_as_of",
    "after_close",
    "record",
    "day",
    "identity",
    "category",
    "currency",
    "before",
    "after",
    "moved",
];

/// A record `total` per currency, then a record `moved` or `restated` for each sum that moved.
fn csv(commits: &[Commit], out: &mut impl Write) -> Result<(), CommandError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(CSV_HEADER)?;
    for commit in commits {
        let totals = commit.totals.iter().map(|row| ("total", row));
        let moved = commit.moved.iter().map(|row| (if row.restated { "restated" } else { "moved" }, row));
        for (record, row) in totals.chain(moved) {
            writer.write_record([
                &commit.export_id,
                &commit.period,
                &commit.sequence.to_string(),
                commit.kind,
                &commit.delivery_id,
                &commit.applied_at,
                &commit.delivered_at,
                commit.order,
                commit.data_as_of.as_deref().unwrap_or_default(),
                &commit.after_close.to_string(),
                record,
                &row.day.map(|day| day.to_string()).unwrap_or_default(),
                row.identity.as_deref().unwrap_or_default(),
                row.category.as_deref().unwrap_or_default(),
                &row.currency,
                &row.before.to_string(),
                &row.after.to_string(),
                &row.moved.to_string(),
            ])?;
        }
    }
    writer.flush()?;
    Ok(())
}

fn table(commit: &Commit, out: &mut impl Write) -> Result<(), CommandError> {
    let Commit { export_id, period, sequence, kind, delivery_id, applied_at, delivered_at, order, .. } = commit;
    let (export_id, delivery_id) = (text::shown(export_id), text::shown(delivery_id));
    writeln!(out, "{export_id} {period} #{sequence}: {kind} {delivery_id}")?;
    let as_of = commit.data_as_of.as_deref().unwrap_or("unknown");
    let unverified = if commit.unverified { ", unverified" } else { "" };
    writeln!(out, "  applied {applied_at}; delivered {delivered_at} (by {order}); data as of {as_of}{unverified}")?;
    for total in &commit.totals {
        let money = |amount| text::money(&total.currency, amount);
        let (before, after, moved) = (money(total.before), money(total.after), money(total.moved));
        writeln!(out, "  in all {before} before, {after} after: moved by {moved}")?;
    }
    if commit.after_close && !commit.moved.is_empty() {
        writeln!(out, "  RESTATED AFTER CLOSE: {period} was closed before this delivery; what was posted has changed")?;
    }
    let rows = by_day_and_identity(&commit.moved)?;
    if rows.is_empty() {
        writeln!(out, "  nothing moved\n")?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["day", "identity", "before", "after", "moved", "note"]);
    for number in 2..5 {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows.iter().take(MOST_ROWS) {
        let money = |amount| text::money(&row.currency, amount);
        let note = match (row.restated, commit.after_close) {
            (true, true) => "RESTATED AFTER CLOSE",
            (true, false) => "restated",
            (false, _) => "",
        };
        table.add_row([
            row.day.map(|day| day.to_string()).unwrap_or_default(),
            text::shown(row.identity.as_deref().unwrap_or_default()),
            money(row.before),
            money(row.after),
            money(row.moved),
            note.to_owned(),
        ]);
    }
    writeln!(out, "{table}")?;
    if let Some(more) = rows.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        let restated = rows.iter().skip(MOST_ROWS).filter(|row| row.restated).count();
        writeln!(out, "  and {more} more, {restated} of them restated: see --format csv")?;
    }
    writeln!(out)?;
    Ok(())
}

/// What moved by day, identity and currency, all categories together, sorted as [`largest_first`] does.
fn by_day_and_identity(moved: &[Row]) -> Result<Vec<Row>, SumOutOfRange> {
    let mut sums: BTreeMap<_, Row> = BTreeMap::new();
    for row in moved {
        let key = (&row.currency, row.day, &row.identity);
        let none = Row {
            category: None,
            before: Decimal::ZERO,
            after: Decimal::ZERO,
            moved: Decimal::ZERO,
            restated: false,
            ..row.clone()
        };
        let sum = sums.entry(key).or_insert(none);
        let add = |left: Decimal, right: Decimal| left.checked_add(right).ok_or(SumOutOfRange);
        sum.before = add(sum.before, row.before)?;
        sum.after = add(sum.after, row.after)?;
        sum.moved = add(sum.moved, row.moved)?;
        sum.restated |= row.restated;
    }
    let mut rows: Vec<_> = sums.into_values().collect();
    largest_first(&mut rows);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_restated_stands_before_what_is_merely_new_however_large() {
        let row = |identity: &str, moved: &str, restated| Row {
            day: None,
            identity: Some(identity.to_owned()),
            category: None,
            currency: "USD".to_owned(),
            before: Decimal::ZERO,
            after: moved.parse().unwrap(),
            moved: moved.parse().unwrap(),
            restated,
        };
        let mut rows =
            [row("new", "900", false), row("less", "-2", true), row("more", "1", true), row("newer", "950", false)];
        largest_first(&mut rows);
        assert_eq!(rows.map(|row| row.identity.unwrap()), ["less", "more", "newer", "new"]);
    }
}
