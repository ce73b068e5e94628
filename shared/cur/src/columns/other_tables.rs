//! Files of other tables, told by their columns: the legacy Cost and Usage Report and FOCUS.

use std::collections::HashSet;

use spend_core::bill::line::PRINCIPAL_COLUMN;

use crate::columns::names::{PRODUCT, REQUIRED, TAGS};
use crate::error::CurError;

/// Columns that only CUR 2.0 has.
/// Source: AWS Data Exports user guide, "Migrating from Cost and Usage Reports to CUR 2.0".
const ONLY_IN_CUR_2: [&str; 9] = [
    PRINCIPAL_COLUMN,
    PRODUCT,
    TAGS,
    "resource_tags",
    "cost_category",
    "discount",
    "bill_payer_account_name",
    "line_item_usage_account_name",
    "line_item_user_identifier",
];

/// What columns of the legacy report begin with where it is text.
const LEGACY_GROUPS: [&str; 4] = ["identity/", "bill/", "lineItem/", "product/"];

/// Columns that every legacy report in Parquet has: it cannot be trimmed. A CUR 2.0 query that lays the product flat
/// has `product_product_name` too, and leaves some of the others out or has one that only CUR 2.0 has.
const ALWAYS_IN_LEGACY: [&str; 7] = [
    "product_product_name",
    "identity_line_item_id",
    "identity_time_interval",
    "bill_invoice_id",
    "bill_billing_entity",
    "line_item_line_item_description",
    "line_item_unblended_cost",
];

/// Columns that FOCUS has in all its versions.
/// Source: FOCUS specification, "Columns"; AWS Data Exports user guide, "FOCUS 1.0 with AWS columns".
const FOCUS: [&str; 5] = ["BilledCost", "EffectiveCost", "ChargePeriodStart", "ChargeCategory", "BillingPeriodStart"];

/// Refuses the columns of another table.
pub(crate) fn check(name: &str, roots: &HashSet<&str>) -> Result<(), CurError> {
    if let Some(column) = legacy_column(roots) {
        return Err(CurError::LegacyReport { file: name.to_owned(), column: column.to_owned() });
    }
    let is_cur = REQUIRED.into_iter().any(|column| roots.contains(column));
    match FOCUS.into_iter().find(|column| roots.contains(column)) {
        Some(column) if !is_cur => Err(CurError::Focus { file: name.to_owned(), column }),
        _ => Ok(()),
    }
}

/// The column that gives a legacy report away.
fn legacy_column<'a>(roots: &HashSet<&'a str>) -> Option<&'a str> {
    let lacks_required = REQUIRED.into_iter().any(|column| !roots.contains(column));
    let grouped = |name: &&str| LEGACY_GROUPS.into_iter().any(|group| name.starts_with(group));
    let has = |column: &str| roots.contains(column);
    if lacks_required {
        return roots.iter().copied().filter(grouped).min();
    }
    let flat = ALWAYS_IN_LEGACY.into_iter().all(has) && !ONLY_IN_CUR_2.into_iter().any(has);
    flat.then(|| roots.get("product_product_name").copied()).flatten()
}
