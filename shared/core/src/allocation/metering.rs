//! Metering records: what each tenant of a shared gateway used on a day, as the gateway itself counted it.
//!
//! The unit of the amounts is the gateway's own (tokens, requests, its own cost), the same in all of its records: a
//! gateway's bill for a day is divided in proportion to them.
//!
//! - `record`: one record of a gateway;
//! - `table`: tables of records: which columns there are, and what may stand in them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::allocation::metering::record::MeteringRecord;
use crate::calendar::period::BillingPeriod;
use crate::facts::fact::{Fact, FactField};
use crate::money::decimal::Decimal;

pub mod record;
pub mod table;

/// What is odd about records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeteringFinding {
    /// The bill of the period has no such identity: its records are not used.
    UnknownGateway {
        /// As the records name it.
        gateway: String,
        records: usize,
    },
    /// No split by file covers the gateway: its records are not used.
    NotSplit { gateway: String, records: usize },
    /// Several records of one day, gateway, tenant and model. Equal ones count once; of different ones the last counts.
    Duplicate {
        /// The record that counts.
        record: MeteringRecord,
        /// The amounts of those that do not, in the order of the files.
        others: Vec<Decimal>,
    },
}

/// What each tenant used, by model; the empty model is all that have no records of their own.
type ByModel<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Decimal>>;

/// The records of a billing period, each once.
#[derive(Clone, Debug, Default)]
pub struct Metering<'a> {
    gateways: BTreeMap<&'a str, BTreeMap<NaiveDate, ByModel<'a>>>,
    records: BTreeMap<&'a str, usize>,
    duplicates: Vec<MeteringFinding>,
}

impl<'a> Metering<'a> {
    /// Takes the records that are dated in `period`; those of other months are no concern of its bill.
    pub fn new(records: &'a [MeteringRecord], period: BillingPeriod) -> Self {
        let mut metering = Self::default();
        let mut same: BTreeMap<(NaiveDate, &str, &str, &str), Vec<&MeteringRecord>> = BTreeMap::new();
        for record in records.iter().filter(|record| period.contains(record.date)) {
            *metering.records.entry(&record.gateway).or_default() += 1;
            same.entry((record.date, &record.gateway, &record.tenant, &record.model)).or_default().push(record);
        }
        for ((date, gateway, tenant, model), found) in same {
            let Some((counted, others)) = found.split_last() else { continue };
            let day = metering.gateways.entry(gateway).or_default().entry(date).or_default();
            day.entry(model).or_default().insert(tenant, counted.amount);
            if !others.is_empty() {
                let others = others.iter().map(|record| record.amount).collect();
                metering.duplicates.push(MeteringFinding::Duplicate { record: (*counted).clone(), others });
            }
        }
        metering
    }

    /// What each tenant used of a gateway's model on a day, with some amount above zero; `None` where no record says so.
    pub fn tenants(&self, gateway: &str, day: NaiveDate, model: &str) -> Option<&BTreeMap<&'a str, Decimal>> {
        let models = self.gateways.get(gateway)?.get(&day)?;
        let tenants = models.get(model).or_else(|| models.get(""))?;
        tenants.values().any(|amount| *amount > Decimal::ZERO).then_some(tenants)
    }

    /// What is odd about the records of a bill, of whose identities `is_split` says which are split by file.
    pub fn findings<'f>(
        &self,
        facts: impl IntoIterator<Item = Fact<'f>>,
        is_split: impl Fn(Fact<'_>) -> bool,
    ) -> Vec<MeteringFinding> {
        let (mut known, mut split) = (BTreeSet::new(), BTreeSet::new());
        for fact in facts {
            let identity = fact.get(FactField::Identity);
            if self.records.contains_key(identity) && known.insert(identity) && is_split(fact) {
                split.insert(identity);
            }
        }
        let unused = self.records.iter().filter_map(|(gateway, records)| {
            let (gateway, records) = ((*gateway).to_owned(), *records);
            match (known.contains(gateway.as_str()), split.contains(gateway.as_str())) {
                (false, _) => Some(MeteringFinding::UnknownGateway { gateway, records }),
                (true, false) => Some(MeteringFinding::NotSplit { gateway, records }),
                (true, true) => None,
            }
        });
        unused.chain(self.duplicates.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{decimal, fact, table};

    fn record(day: &str, gateway: &str, tenant: &str, model: &str, amount: &str) -> MeteringRecord {
        let [gateway, tenant, model] = [gateway, tenant, model].map(str::to_owned);
        MeteringRecord { date: day.parse().unwrap(), gateway, tenant, model, amount: decimal(amount) }
    }

    #[test]
    fn records_of_a_model_go_before_those_of_all_models() {
        let records = [
            record("2026-11-01", "gw", "a", "", "1"),
            record("2026-11-01", "gw", "b", "haiku", "2"),
            record("2026-11-02", "gw", "a", "", "0"),
            record("2026-12-01", "gw", "a", "", "1"),
        ];
        let metering = Metering::new(&records, "2026-11".parse().unwrap());
        let tenants = |day: &str, model| metering.tenants("gw", day.parse().unwrap(), model);
        assert_eq!(tenants("2026-11-01", "haiku"), Some(&BTreeMap::from([("b", decimal("2"))])));
        assert_eq!(tenants("2026-11-01", "opus"), Some(&BTreeMap::from([("a", decimal("1"))])));
        assert_eq!(tenants("2026-11-02", "opus"), None, "nothing was used");
        assert_eq!(tenants("2026-12-01", "opus"), None, "another month's");
    }

    #[test]
    fn unknown_and_uncovered_gateways_and_duplicates_are_findings() {
        let records = [
            record("2026-11-01", "gw", "a", "", "1"),
            record("2026-11-01", "gw", "a", "", "1"),
            record("2026-11-01", "gw", "a", "", "3"),
            record("2026-11-01", "typo", "a", "", "1"),
            record("2026-11-01", "other", "a", "", "1"),
        ];
        let metering = Metering::new(&records, "2026-11".parse().unwrap());
        let facts = ["gw", "other"].map(|name| fact("2026-11-01", "1", &[("identity", name)]));
        let found = metering.findings(&table(&facts), |fact| fact.get(FactField::Identity) == "gw");
        let (other, typo) = ("other".to_owned(), "typo".to_owned());
        assert_eq!(
            found,
            [
                MeteringFinding::NotSplit { gateway: other, records: 1 },
                MeteringFinding::UnknownGateway { gateway: typo, records: 1 },
                MeteringFinding::Duplicate { record: records[2].clone(), others: vec![decimal("1"), decimal("1")] },
            ]
        );
        let day = "2026-11-01".parse().unwrap();
        assert_eq!(metering.tenants("gw", day, ""), Some(&BTreeMap::from([("a", decimal("3"))])));
    }
}
