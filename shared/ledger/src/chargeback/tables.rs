//! The tables of a chargeback: amounts exact, texts as cells that no spreadsheet takes for a formula.

use std::collections::BTreeMap;

use spend_core::allocation::chargeback::charge::Charge;
use spend_core::allocation::showback::{Billed, ChargeKey};
use spend_core::bill::category::Category;
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::Decimal;
use spend_core::reporting::report::Row;
use spend_core::reporting::tier_mix::TierUse;
use spend_core::reporting::unit_cost::CacheUse;
use spend_core::reporting::unit_sums::PRICE_PLACES;
use spend_core::text::spreadsheet::cell;

/// The last column of every table: which state of the ledger its rows are of. Rows of different states do not belong
/// together.
const STATE: &str = "state";

/// A table, and the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: &'static str,
    header: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// As CSV, each row with the state that it is of, once that is known.
    pub(super) fn csv(&self, state: Option<&str>) -> Result<Vec<u8>, csv::Error> {
        let mut bytes = Vec::new();
        let mut writer = csv::Writer::from_writer(&mut bytes);
        writer.write_record(self.header.iter().copied().chain(state.map(|_| STATE)))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(String::as_str).chain(state))?;
        }
        writer.flush()?;
        drop(writer);
        Ok(bytes)
    }
}

/// What a row is of, in both files.
const KEY: [&str; 7] = ["period", "currency", "owner", "owner_source", "cost_center", "identity", "model"];

pub(super) fn showback(period: BillingPeriod, rows: &BTreeMap<ChargeKey, Billed>) -> Table {
    let categories = Category::ALL.map(Category::as_str);
    let header = KEY.into_iter().chain(categories).chain(["total", "tokens", "per_million", "list_cost"]);
    let row = |(key, billed): (&ChargeKey, &Billed)| {
        let of = Category::ALL.map(|category| billed.of(category).to_string());
        let units = [billed.units.tokens, billed.units.per_million(), billed.units.list_cost].map(number);
        cells(period, key).into_iter().chain(of).chain([billed.total.to_string()]).chain(units).collect()
    };
    Table { name: "showback.csv", header: header.collect(), rows: rows.iter().map(row).collect() }
}

pub(super) fn chargeback(period: BillingPeriod, rows: &BTreeMap<ChargeKey, Charge>) -> Table {
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
    let row = |(key, charge): (&ChargeKey, &Charge)| {
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
    };
    let header = KEY.into_iter().chain(amounts).collect();
    Table { name: "chargeback.csv", header, rows: rows.iter().map(row).collect() }
}

pub(super) fn unit_costs(period: BillingPeriod, rows: &[Row]) -> Table {
    let header = [
        "period",
        "currency",
        "model",
        "token",
        "tier",
        "context",
        "cost",
        "tokens",
        "per_million",
        "list_cost",
        "cost_of_listed",
    ];
    let row = |row: &Row| {
        let units = &row.units;
        let paid = units.list_cost.map(|_| units.listed_cost);
        let numbers = [Some(row.cost), units.tokens, units.per_million(), units.list_cost, paid].map(number);
        let keys = row.keys.iter().map(|key| cell(key));
        [period.to_string(), cell(&row.currency)].into_iter().chain(keys).chain(numbers).collect()
    };
    Table { name: "unit_costs.csv", header: header.into(), rows: rows.iter().map(row).collect() }
}

pub(super) fn tiers(period: BillingPeriod, rows: &[TierUse]) -> Table {
    let header = [
        "period",
        "currency",
        "model",
        "tier",
        "cost",
        "cost_percent",
        "tokens",
        "tokens_percent",
        "per_million",
        "list_cost",
        "estimated_saving",
        "tokens_not_estimated",
    ];
    let row = |row: &TierUse| {
        let numbers = [
            Some(row.cost),
            row.cost_percent,
            row.units.tokens,
            row.tokens_percent,
            row.units.per_million(),
            row.units.list_cost,
            row.saving.map(estimated),
            Some(row.not_estimated),
        ];
        let keys = [period.to_string(), cell(&row.currency), cell(&row.model), cell(&row.tier)];
        keys.into_iter().chain(numbers.map(number)).collect()
    };
    Table { name: "tiers.csv", header: header.into(), rows: rows.iter().map(row).collect() }
}

pub(super) fn cache(period: BillingPeriod, rows: &[CacheUse]) -> Table {
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
    let row = |row: &CacheUse| {
        let numbers = [
            Some(row.input),
            Some(row.read),
            Some(row.written),
            row.hit_percent(),
            row.saving.map(estimated),
            Some(row.not_estimated),
        ];
        let keys = [period.to_string(), cell(&row.currency), cell(&row.model)];
        keys.into_iter().chain(numbers.map(number)).collect()
    };
    Table { name: "cache.csv", header: header.into(), rows: rows.iter().map(row).collect() }
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

/// The formulas divide: what comes out is no amount of the bill, and needs no more places than a price.
fn estimated(saving: Decimal) -> Decimal {
    saving.round_to(PRICE_PLACES)
}

fn number(value: Option<Decimal>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
