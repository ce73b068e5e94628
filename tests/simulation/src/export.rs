//! AWS's side: the files of a delivery, in the order in which they are written, the manifest last.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Days, TimeDelta, Utc};
use spend_cur::write::{self, FileShape, Row, Value};

use crate::history::bill::{BillRow, CALLERS, COST_PLACES, LINES, USES};
use crate::history::delivery::{Delivery, ExportKind, Flaw};
use crate::history::first_day;
use crate::history::generate::payer;
use crate::history::words::{EXPORTS, MONTHS};
use crate::world::{BUCKET, Happened, World, turn};

/// AWS writes a delivery, file by file, while others are at work.
pub async fn deliver(world: Arc<World>, delivery: Delivery) {
    // AWS never begins a delivery in the second in which the one before ended.
    world.pass(TimeDelta::seconds(1));
    let kind = &world.setup.exports[usize::from(delivery.export)];
    let files = files(kind, &delivery, world.now());
    // Where every delivery is kept, a copy of the manifest follows that changes nothing.
    let has_copy =
        kind.keeps && kind.has_manifests && delivery.flaw.is_none_or(|flaw| matches!(flaw, Flaw::Damaged(_)));
    let last = files.len() - 1 - usize::from(has_copy);
    world.inside().tally.deliveries += 1;
    for (place, (key, bytes)) in files.into_iter().enumerate() {
        if place > 0 {
            turn().await;
            world.pass(TimeDelta::seconds(delivery.gap.into()));
        }
        world.say(|| format!("  AWS writes {key}"));
        let is_whole = place == last && delivery.flaw.is_none_or(|flaw| matches!(flaw, Flaw::Damaged(_)));
        world.inside().log.happened.push(Happened::Delivered { number: delivery.number, file: place, is_whole });
        world.export_written(key, bytes);
    }
}

/// The files, by key.
fn files(kind: &ExportKind, delivery: &Delivery, now: DateTime<Utc>) -> Vec<(String, Bytes)> {
    let (name, month) = (EXPORTS[usize::from(delivery.export)], MONTHS[usize::from(delivery.month)]);
    let id = format!("execution-{}", delivery.number);
    let folder = if kind.keeps { format!("{}-{id}/", now.format("%Y-%m-%dT%H:%M:%S.000Z")) } else { String::new() };
    let suffix = if kind.is_csv { "csv.gz" } else { "snappy.parquet" };
    let key = |number: usize| format!("{name}/data/BILLING_PERIOD={month}/{folder}{name}-{number:05}.{suffix}");
    let shape = FileShape::narrow();
    let mut files: Vec<(String, Bytes)> = Vec::new();
    for (place, rows) in delivery.chunks.iter().enumerate() {
        let rows: Vec<_> = rows.iter().map(|row| cells(kind, delivery.month, row)).collect();
        let mut bytes = if kind.is_csv { write::csv_gz(&rows, &shape) } else { write::parquet(&rows, &shape) }.unwrap();
        if delivery.flaw == Some(Flaw::Damaged(u8::try_from(place).unwrap())) {
            bytes.truncate(bytes.len() / 2);
            bytes.extend(delivery.number.to_le_bytes());
        }
        files.push((key(place + 1), bytes.into()));
    }
    let keys: Vec<_> = files.iter().map(|(key, _)| key.clone()).collect();
    match delivery.flaw {
        Some(Flaw::Halts(count)) => files.truncate(count.into()),
        Some(Flaw::NoManifest) => {}
        _ if !kind.has_manifests => {}
        _ => {
            let arn = format!("arn:aws:bcm-data-exports:us-east-1:{}:export/{name}-0a1b", payer(kind));
            let id = kind.has_ids.then_some(id.as_str());
            let bytes = Bytes::from(write::manifest(&arn, name, id, &[], BUCKET, &keys, month.parse().unwrap()));
            let key = |folder: &str| format!("{name}/metadata/BILLING_PERIOD={month}/{folder}{name}-Manifest.json");
            if kind.keeps {
                files.push((key(&folder), bytes.clone()));
            }
            files.push((key(""), bytes));
        }
    }
    files
}

fn cells(kind: &ExportKind, month: u8, row: &BillRow) -> Row {
    let day = first_day(month) + Days::new(u64::from(row.day) - 1);
    let start = day.and_hms_opt(10, 0, 0).unwrap().and_utc();
    let (used, line) = (USES[usize::from(row.used)], LINES[usize::from(row.line)]);
    let mut cells = Row::from([
        ("bill_payer_account_id", payer(kind).into()),
        ("bill_bill_type", line.1.into()),
        ("bill_billing_entity", "AWS".into()),
        ("line_item_line_item_type", line.0.into()),
        ("line_item_usage_account_id", row.account().into()),
        ("line_item_product_code", used.2.into()),
        ("line_item_usage_type", used.0.into()),
        ("line_item_operation", "".into()),
        ("line_item_usage_start_date", Value::Time(start)),
        ("line_item_usage_end_date", Value::Time(start + TimeDelta::hours(1))),
        ("line_item_usage_amount", Value::Number(1.5)),
        ("line_item_unblended_cost", Value::Number(double(row.cost))),
        ("line_item_currency_code", row.currency().into()),
        ("pricing_unit", used.1.into()),
    ]);
    if row.caller != 0 {
        cells.insert("line_item_iam_principal", CALLERS[usize::from(row.caller)].0.into());
    }
    if row.invoiced {
        cells.insert("bill_invoice_id", "invoice".into());
    }
    if !row.team().is_empty() {
        cells.insert("tags", Value::Map(vec![("iamPrincipal/team".to_owned(), row.team().to_owned())]));
    }
    cells
}

/// The double that is nearest to a cost. Both are exact, so the quotient is rounded once.
#[expect(clippy::cast_precision_loss, reason = "costs have at most fifteen digits")]
fn double(cost: i64) -> f64 {
    cost as f64 / 10_f64.powi(i32::try_from(COST_PLACES).unwrap())
}
