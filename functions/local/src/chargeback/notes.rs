//! What people are told beside the files: that they sum to the bill, and what a split did instead of what it says.

use std::collections::BTreeMap;
use std::io::Write;

use spend_core::chargeback::{Charge, Chargeback as Charged, Instead};
use spend_core::decimal::Decimal;
use spend_core::line::SumOutOfRange;
use spend_core::metering::MeteringFinding;
use spend_core::split::Split;
use spend_core::text::{money, or_none};

use crate::cli::Chargeback;
use crate::error::CommandError;

pub(super) fn tell(
    options: &Chargeback,
    splits: &[Split],
    charged: &Charged,
    findings: &[MeteringFinding],
    notes: &mut impl Write,
) -> Result<(), CommandError> {
    for outcome in &charged.outcomes {
        let Some(split) = splits.get(outcome.split) else { continue };
        let money = |amount| money(&outcome.currency, amount);
        let (divided, found) = (money(outcome.divided), money(outcome.found));
        writeln!(notes, "split {split}: {divided} of {found} divided")?;
        for instead in &outcome.instead {
            writeln!(notes, "  note: {}", told(instead, money)?)?;
        }
    }
    for split in charged.idle.iter().filter_map(|idle| splits.get(*idle)) {
        writeln!(notes, "note: split {split}: there is nothing of it on this bill")?;
    }
    for finding in findings {
        writeln!(notes, "warning: {}", odd(finding))?;
    }
    let mut sums: BTreeMap<&str, [Decimal; 3]> = BTreeMap::new();
    for (key, charge) in &charged.rows {
        let Charge { billed, total, invoice, .. } = charge;
        for (sum, term) in sums.entry(&key.currency).or_default().iter_mut().zip([billed, total, invoice]) {
            *sum = sum.checked_add(*term).ok_or(SumOutOfRange)?;
        }
    }
    for (currency, [billed, total, invoice]) in sums {
        let currency = or_none(currency);
        writeln!(notes, "billed {billed} {currency}, charged {total} {currency}, invoices {invoice} {currency}")?;
    }
    let (out, period) = (options.out.display(), options.period);
    writeln!(notes, "{period}: wrote showback.csv, chargeback.csv, unit_costs.csv and cache.csv to {out}")?;
    Ok(())
}

fn told(instead: &Instead, money: impl Fn(Decimal) -> String) -> Result<String, SumOutOfRange> {
    Ok(match instead {
        Instead::ByAllAccounts { account, amount } => {
            let account = or_none(account);
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
            let (model, days) = (or_none(model), days.join(", "));
            format!("no metering records of {gateway} for {model} on {days}: {amount} left where it was billed")
        }
    })
}

fn odd(finding: &MeteringFinding) -> String {
    match finding {
        MeteringFinding::UnknownGateway { gateway, records } => {
            format!("metering: the bill has no identity {gateway}: {records} records not used; write it as reports do")
        }
        MeteringFinding::NotSplit { gateway, records } => {
            format!("metering: no [[split]] divides {gateway} by file: {records} records not used")
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
