//! Columns: what each one that is missing costs, and what those that are never read weigh.

use spend_core::bill::line::PRINCIPAL_COLUMN;

use super::reading::PeriodReading;
use crate::examination::finding::{Finding, Remedy};
use crate::examination::words::bytes;

/// What an export without a column cannot have. The caller's and the tags' columns have findings of their own, and
/// without the required ones no file is read.
const LOST: [(&str, &str); 17] = [
    ("bill_bill_type", "refunds are not told from usage"),
    ("bill_billing_entity", "Marketplace's lines are not told from AWS's own"),
    ("bill_billing_period_start_date", "a file in another month's folder goes unnoticed"),
    ("bill_invoice_id", "a month counts as closed only 20 days after its end"),
    ("bill_payer_account_id", "two exports of one payer are both counted"),
    ("line_item_operation", "rows that only their operation shows to be Bedrock's are missed"),
    ("line_item_resource_id", "models of older Marketplace lines and of inference profiles stay unknown"),
    ("line_item_usage_account_id", "no totals and budgets by account"),
    ("line_item_usage_amount", "no token counts"),
    ("line_item_usage_end_date", "\"data as of\" is known to the day only"),
    ("line_item_usage_type", "no token kind, tier and routing, and few models"),
    ("pricing_public_on_demand_cost", "no list prices to compare with"),
    ("pricing_unit", "no token counts"),
    ("product", "no provider and no model of Marketplace lines; rows known by their product's name are missed"),
    ("product_product_family", "rows that only the product family shows to be Bedrock's are missed"),
    ("product_region_code", "no totals by region"),
    ("product_servicecode", "rows that only their service code shows to be Bedrock's are missed"),
];

/// Only accounts with negotiated discounts have this column: most exports rightly lack it.
const NET: &str = "line_item_net_unblended_cost";
const TAGS: &str = "tags";

/// A delivery whose unread columns weigh this much is worth trimming.
const WORTH_TRIMMING: u64 = 1_000_000_000;

pub(super) fn missing(reading: &PeriodReading) -> Vec<Finding> {
    let (subject, missing) = (&reading.subject, &reading.counts.missing_columns);
    let mut findings = Vec::new();
    let lost: Vec<_> = missing
        .iter()
        .filter(|column| ![PRINCIPAL_COLUMN, TAGS, NET].contains(&column.as_str()))
        .map(|column| match LOST.iter().find(|(name, _)| *name == column.as_str()) {
            Some((_, lost)) => format!("{column} ({lost})"),
            None => column.clone(),
        })
        .collect();
    if lost.is_empty() {
        let net = if missing.contains(NET) { " but that of net cost" } else { "" };
        findings.push(subject.ok("columns", format!("every column that is used is there{net}")));
    } else {
        findings.push(subject.notice(
            "columns-missing",
            format!("the export lacks {}", lost.join("; ")),
            Remedy {
                why: "the brackets say what is lost; what is counted stays exact",
                cure: "add the columns to the export's query",
                takes: "24 h until the next delivery, which replaces the whole month; closed months stay without",
            },
        ));
    }
    if missing.contains(TAGS) {
        findings.push(subject.notice(
            "tags-column-missing",
            "the export has no column tags",
            Remedy {
                why: "the tags of callers are in that column alone (resource_tags does not have them): no owner, no \
                      team, no cost center",
                cure: "add the column tags to the export's query",
                takes: "24 h until the next delivery, which replaces the whole month",
            },
        ));
    }
    findings
}

/// What a trimmed export would save, by the footers.
pub(super) fn unread(reading: &PeriodReading) -> Option<Finding> {
    let footprint = &reading.described;
    let all: u64 = footprint.columns.values().sum();
    let is_read = |column: &str| footprint.read.contains(column);
    let unread: u64 = footprint.columns.iter().filter(|(column, _)| !is_read(column)).map(|(_, bytes)| bytes).sum();
    if all == 0 {
        return None;
    }
    let percent = u128::from(unread) * 100 / u128::from(all);
    let used = footprint.columns.keys().filter(|column| is_read(column)).count();
    let what = format!(
        "{used} of {} columns are read; the others are {percent}% of the bytes, {} of {}",
        footprint.columns.len(),
        bytes(unread),
        bytes(all)
    );
    let remedy = Remedy {
        why: "they are delivered and stored at every refresh and never read here",
        cure: "if nobody else reads this export, select in its query only the columns that this ledger reads",
        takes: "24 h until the next delivery",
    };
    Some(if unread >= WORTH_TRIMMING {
        reading.subject.notice("columns-unread", what, remedy)
    } else {
        reading.subject.ok("columns-unread", what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examination::finding::Severity;

    fn reading(read: u64, unread: u64) -> PeriodReading {
        let mut reading = PeriodReading::default();
        let columns = [("line_item_unblended_cost".to_owned(), read), ("reservation_start_time".to_owned(), unread)];
        reading.described.columns.extend(columns);
        reading.described.read.insert("line_item_unblended_cost".to_owned());
        reading
    }

    #[test]
    fn a_gigabyte_that_nobody_reads_is_worth_a_word() {
        let small = unread(&reading(500_000_000, 999_999_999)).unwrap();
        assert_eq!(small.severity, Severity::Ok);
        let large = unread(&reading(500_000_000, 1_000_000_000)).unwrap();
        assert_eq!(large.severity, Severity::Notice);
        assert_eq!(large.what, "1 of 2 columns are read; the others are 66% of the bytes, 1.0 GB of 1.5 GB");
        assert_eq!(large.why, "they are delivered and stored at every refresh and never read here");
        assert_eq!(unread(&reading(0, 0)), None, "a file without rows says nothing");
    }

    #[test]
    fn every_column_whose_loss_is_told_is_one_that_is_read() {
        for (column, _) in LOST {
            assert!(spend_cur::columns::schema::column(column).is_some(), "{column}");
        }
    }
}
