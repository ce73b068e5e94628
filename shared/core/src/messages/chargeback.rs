//! What people are told beside the files of a chargeback: what each split did, and instead of what; what is odd about
//! metering records; and that all of it sums to the bill.

use std::collections::BTreeMap;

use crate::allocation::chargeback::Chargeback;
use crate::allocation::chargeback::charge::{Charge, Instead};
use crate::allocation::metering::MeteringFinding;
use crate::allocation::split::Split;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::text::{clean, money, shown, without_links};

/// What a chargeback comes to in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChargeSums {
    pub billed: Decimal,
    /// What is charged: the same.
    pub charged: Decimal,
    /// What is to be posted, in cents: the same, rounded.
    pub invoices: Decimal,
}

/// The sums of a chargeback, by currency.
pub fn sums(charged: &Chargeback) -> Result<BTreeMap<&str, ChargeSums>, SumOutOfRange> {
    let mut sums: BTreeMap<&str, ChargeSums> = BTreeMap::new();
    let add = |sum: Decimal, term: Decimal| sum.checked_add(term).ok_or(SumOutOfRange);
    for (key, charge) in &charged.rows {
        let Charge { billed, total, invoice, .. } = *charge;
        let sum = sums.entry(&key.currency).or_default();
        *sum = ChargeSums {
            billed: add(sum.billed, billed)?,
            charged: add(sum.charged, total)?,
            invoices: add(sum.invoices, invoice)?,
        };
    }
    Ok(sums)
}

/// What splits did and did not do, and what is odd about metering records: a line each.
pub fn lines(
    splits: &[Split],
    charged: &Chargeback,
    findings: &[MeteringFinding],
) -> Result<Vec<String>, SumOutOfRange> {
    let mut lines = Vec::new();
    for outcome in &charged.outcomes {
        let Some(split) = splits.get(outcome.split) else { continue };
        let money = |amount| money(&outcome.currency, amount);
        let (divided, found) = (money(outcome.divided), money(outcome.found));
        lines.push(format!("split {split}: {divided} of {found} divided"));
        for instead in &outcome.instead {
            lines.push(format!("note: split {split}: {}", told(instead, money)?));
        }
    }
    for split in charged.idle.iter().filter_map(|idle| splits.get(*idle)) {
        lines.push(format!("note: split {split}: this bill has none of it"));
    }
    lines.extend(findings.iter().map(|finding| format!("warning: {}", odd(finding))));
    Ok(lines.into_iter().map(|line| without_links(&clean(&line)).into_owned()).collect())
}

fn told(instead: &Instead, money: impl Fn(Decimal) -> String) -> Result<String, SumOutOfRange> {
    Ok(match instead {
        Instead::ByAllAccounts { account, amount } => {
            let account = shown(account);
            format!("account {account} has no usage to split by: {} split by the usage of all accounts", money(*amount))
        }
        Instead::LeftWithoutUsage { amount } => {
            format!("there is no usage to split by: {} left where it was billed", money(*amount))
        }
        Instead::LeftWithoutOwners { amount } => {
            format!("no owner by tag or rule has usage: {} left where it was billed", money(*amount))
        }
        Instead::LeftWithoutRecords { gateway, model, days } => {
            let sum = days.values().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount));
            let amount = money(sum.ok_or(SumOutOfRange)?);
            let days: Vec<_> = days.keys().map(ToString::to_string).collect();
            let (model, days) = (shown(model), days.join(", "));
            format!("no metering records of {gateway} for {model} on {days}: {amount} left where it was billed")
        }
    })
}

fn odd(finding: &MeteringFinding) -> String {
    let unused =
        |records: usize| if records == 1 { "1 record is".to_owned() } else { format!("{records} records are") };
    match finding {
        MeteringFinding::UnknownGateway { gateway, records } => {
            let unused = unused(*records);
            format!(
                "metering: the bill has no identity {gateway}: {unused} not used; write the gateway as reports name it"
            )
        }
        MeteringFinding::NotSplit { gateway, records } => {
            format!("metering: no [[split]] divides {gateway} by file: {} not used", unused(*records))
        }
        MeteringFinding::Duplicate { record, others } => {
            let others: Vec<_> = others.iter().map(ToString::to_string).collect();
            let model = if record.model.is_empty() { String::new() } else { format!(", {}", record.model) };
            format!(
                "metering: {}, {}, {}{model} stands {} times: {} counts, {} does not; remove the others",
                record.date,
                record.gateway,
                record.tenant,
                others.len() + 1,
                record.amount,
                others.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::chargeback::chargeback;
    use crate::allocation::metering::Metering;
    use crate::allocation::metering::record::MeteringRecord;
    use crate::allocation::split::{SplitBy, SplitWhat};
    use crate::bill::category::Category;
    use crate::facts::matcher::Matcher;
    use crate::facts::spend::Basis;
    use crate::fixtures::{decimal, fact, table};

    #[test]
    fn what_is_told_is_one_line_each_whatever_names_bring_along() {
        let gateway = "role/\u{202e}gw\r\n=1";
        let used = [("identity", gateway), ("owner", "o"), ("owner_source", "tag"), ("model", "m")];
        let facts =
            [fact("2026-11-03", "0.1", &used), fact("2026-11-03", "2", &[("category", "tax"), ("account_id", "9")])];
        let facts = table(&facts);
        let splits = [
            Split { what: SplitWhat::Identity(Matcher::new("identity".parse().unwrap(), "*")), by: SplitBy::File },
            Split { what: SplitWhat::Category(Category::Tax), by: SplitBy::Usage },
            Split { what: SplitWhat::Category(Category::Credit), by: SplitBy::Usage },
        ];
        let record = MeteringRecord {
            date: "2026-11-04".parse().unwrap(),
            gateway: "role/\u{202e}typo".to_owned(),
            tenant: "t".to_owned(),
            model: String::new(),
            amount: decimal("1"),
        };
        let records = [record];
        let metering = Metering::new(&records, "2026-11".parse().unwrap());
        let charged = chargeback(&facts, Basis::Unblended, &splits, &metering).unwrap();
        let lines = lines(&splits, &charged, &metering.findings(&facts, |_| true)).unwrap();
        assert_eq!(
            lines,
            [
                "split identity = * by file: $0.00 of $0.10 divided",
                "note: split identity = * by file: no metering records of role/?gw??=1 for m on 2026-11-03: $0.10 left \
                 where it was billed",
                "split category tax by usage: $2.00 of $2.00 divided",
                "note: split category tax by usage: account 9 has no usage to split by: $2.00 split by the usage of \
                 all accounts",
                "note: split category credit by usage: this bill has none of it",
                "warning: metering: the bill has no identity role/?typo: 1 record is not used; write the gateway as reports name it",
            ]
        );
        let [("USD", sums)] = sums(&charged).unwrap().into_iter().collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!([sums.billed, sums.charged, sums.invoices], [decimal("2.1"); 3]);
    }
}
