//! The files: amounts exact, texts as cells that no spreadsheet takes for a formula.

use std::collections::BTreeMap;

use spend_core::category::Category;
use spend_core::chargeback::Charge;
use spend_core::decimal::Decimal;
use spend_core::period::BillingPeriod;
use spend_core::report::Row;
use spend_core::showback::{Billed, ChargeKey};
use spend_core::spreadsheet::cell;
use spend_core::unit_cost::CacheUse;

use crate::error::CommandError;

/// What a row is of, in both files.
const KEY: [&str; 7] = ["period", "currency", "owner", "owner_source", "cost_center", "identity", "model"];

pub(super) fn showback(period: BillingPeriod, rows: &BTreeMap<ChargeKey, Billed>) -> Result<Vec<u8>, CommandError> {
    let categories = Category::ALL.map(Category::as_str);
    let header = KEY.into_iter().chain(categories).chain(["total", "tokens", "per_million", "list_cost"]);
    write(
        header,
        rows.iter().map(|(key, billed)| {
            let of = Category::ALL.map(|category| billed.of(category).to_string());
            let units = [billed.units.tokens, billed.units.per_million(), billed.units.list_cost].map(number);
            cells(period, key).into_iter().chain(of).chain([billed.total.to_string()]).chain(units).collect()
        }),
    )
}

pub(super) fn chargeback(period: BillingPeriod, rows: &BTreeMap<ChargeKey, Charge>) -> Result<Vec<u8>, CommandError> {
    let amounts = [
        "direct",
        "shared",
        "discount",
        "credit",
        "refund",
        "fee",
        "tax",
        "other",
        "total",
        "billed",
        "allocated",
        "invoice",
    ];
    write(
        KEY.into_iter().chain(amounts),
        rows.iter().map(|(key, charge)| {
            let amounts = [
                charge.direct,
                charge.shared,
                charge.discount,
                charge.credit,
                charge.refund,
                charge.fee,
                charge.tax,
                charge.other,
                charge.total,
                charge.billed,
                charge.allocated,
                charge.invoice,
            ];
            cells(period, key).into_iter().chain(amounts.map(|amount| amount.to_string())).collect()
        }),
    )
}

pub(super) fn unit_costs(period: BillingPeriod, rows: &[Row]) -> Result<Vec<u8>, CommandError> {
    let header = [
        "period",
        "currency",
        "model",
        "token",
        "tier",
        "cost",
        "tokens",
        "per_million",
        "list_cost",
        "cost_of_listed",
    ];
    write(
        header.into_iter(),
        rows.iter().map(|row| {
            let units = &row.units;
            let paid = units.list_cost.map(|_| units.listed_cost);
            let numbers = [Some(row.cost), units.tokens, units.per_million(), units.list_cost, paid].map(number);
            let keys = row.keys.iter().map(|key| cell(key));
            [period.to_string(), cell(&row.currency)].into_iter().chain(keys).chain(numbers).collect()
        }),
    )
}

pub(super) fn cache(period: BillingPeriod, rows: &[CacheUse]) -> Result<Vec<u8>, CommandError> {
    let header = [
        "period",
        "currency",
        "model",
        "input_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "hit_percent",
        "estimated_saving",
        "tokens_not_estimated",
    ];
    write(
        header.into_iter(),
        rows.iter().map(|row| {
            let numbers = [
                Some(row.input),
                Some(row.read),
                Some(row.written),
                row.hit_percent(),
                // The formula divides: what comes out is no amount of the bill, and needs no more places than a price.
                row.saving.map(|saving| saving.round_to(spend_core::unit_cost::PRICE_PLACES)),
                Some(row.not_estimated),
            ];
            let keys = [period.to_string(), cell(&row.currency), cell(&row.model)];
            keys.into_iter().chain(numbers.map(number)).collect()
        }),
    )
}

fn cells(period: BillingPeriod, key: &ChargeKey) -> [String; KEY.len()] {
    [
        period.to_string(),
        cell(&key.currency),
        cell(&key.owner),
        cell(&key.owner_source),
        cell(&key.cost_center),
        cell(&key.identity),
        cell(&key.model),
    ]
}

fn number(value: Option<Decimal>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn write<'a>(
    header: impl Iterator<Item = &'a str>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let mut writer = csv::Writer::from_writer(&mut bytes);
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush()?;
    drop(writer);
    Ok(bytes)
}
