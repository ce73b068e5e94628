//! Bill rows for tests, as few fields as a row needs.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_cur::write::{Row, Value};

/// The payer of every row.
pub const PAYER: &str = "111122223333";

/// A Bedrock usage row of an hour: `cost` in USD, billed to account 444455556666.
#[must_use]
pub fn usage(day: &str, principal: &str, usage_type: &str, cost: f64) -> Row {
    let day: NaiveDate = day.parse().unwrap();
    let start: DateTime<Utc> = day.and_hms_opt(10, 0, 0).unwrap().and_utc();
    let mut row = Row::from([
        ("bill_payer_account_id", PAYER.into()),
        ("bill_bill_type", "Anniversary".into()),
        ("bill_billing_entity", "AWS".into()),
        ("line_item_line_item_type", "Usage".into()),
        ("line_item_usage_account_id", "444455556666".into()),
        ("line_item_product_code", "AmazonBedrock".into()),
        ("line_item_usage_type", usage_type.into()),
        ("line_item_operation", "InvokeModelInference".into()),
        ("line_item_usage_start_date", Value::Time(start)),
        ("line_item_usage_end_date", Value::Time(start + TimeDelta::hours(1))),
        ("line_item_usage_amount", Value::Number(cost * 100.0)),
        ("line_item_unblended_cost", Value::Number(cost)),
        ("line_item_currency_code", "USD".into()),
        ("pricing_unit", "1K tokens".into()),
        ("product_region_code", "us-east-1".into()),
        ("tags", Value::Map(vec![("iamPrincipal/team".to_owned(), "search".to_owned())])),
    ]);
    if !principal.is_empty() {
        row.insert("line_item_iam_principal", principal.into());
    }
    row
}

/// The ARN of a role's session in account 444455556666.
#[must_use]
pub fn session(role: &str, session: &str) -> String {
    format!("arn:aws:sts::444455556666:assumed-role/{role}/{session}")
}
