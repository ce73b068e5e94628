//! The names of the columns that are read, and the column of each field and rule.

use std::collections::BTreeSet;

use spend_core::bill::bedrock_line::Rule;
use spend_core::bill::line::{LineField, PRINCIPAL_COLUMN};

pub(crate) const UNBLENDED_COST: &str = "line_item_unblended_cost";
pub(crate) const NET_UNBLENDED_COST: &str = "line_item_net_unblended_cost";
pub(crate) const LIST_COST: &str = "pricing_public_on_demand_cost";
pub(crate) const USAGE_AMOUNT: &str = "line_item_usage_amount";
pub(crate) const USAGE_START: &str = "line_item_usage_start_date";
pub(crate) const USAGE_END: &str = "line_item_usage_end_date";
pub(crate) const PERIOD_START: &str = "bill_billing_period_start_date";
pub(crate) const INVOICE_ID: &str = "bill_invoice_id";
pub(crate) const LINE_ITEM_TYPE: &str = "line_item_line_item_type";
pub(crate) const PRODUCT_CODE: &str = "line_item_product_code";
pub(crate) const CURRENCY: &str = "line_item_currency_code";
pub(crate) const PRODUCT: &str = "product";
pub(crate) const TAGS: &str = "tags";
pub(crate) const RESOURCE_TAGS: &str = "resource_tags";
pub(crate) const COST_CATEGORY: &str = "cost_category";
const SERVICE_CODE: &str = "product_servicecode";
const PRODUCT_FAMILY: &str = "product_product_family";
const OPERATION: &str = "line_item_operation";
const RESOURCE_ID: &str = "line_item_resource_id";

/// Without these no cost can be counted.
pub(crate) const REQUIRED: [&str; 5] = [UNBLENDED_COST, LINE_ITEM_TYPE, PRODUCT_CODE, USAGE_START, CURRENCY];

/// The columns that are looked for besides those of [`field_column`] and [`rule_column`].
const OTHERS: [&str; 8] =
    [UNBLENDED_COST, NET_UNBLENDED_COST, LIST_COST, USAGE_AMOUNT, USAGE_START, USAGE_END, PERIOD_START, INVOICE_ID];

/// The column that a field of a bill line is read from; of a map the column, not the key.
pub(crate) fn field_column(field: LineField) -> &'static str {
    match field {
        LineField::PayerAccountId => "bill_payer_account_id",
        LineField::AccountId => "line_item_usage_account_id",
        LineField::Principal => PRINCIPAL_COLUMN,
        LineField::BillType => "bill_bill_type",
        LineField::BillingEntity => "bill_billing_entity",
        LineField::LineItemType => LINE_ITEM_TYPE,
        LineField::ProductCode => PRODUCT_CODE,
        LineField::ServiceCode => SERVICE_CODE,
        LineField::ProductName
        | LineField::Provider
        | LineField::Model
        | LineField::InferenceType
        | LineField::Feature => PRODUCT,
        LineField::UsageType => "line_item_usage_type",
        LineField::Operation => OPERATION,
        LineField::Resource => RESOURCE_ID,
        LineField::Region => "product_region_code",
        LineField::PricingUnit => "pricing_unit",
        LineField::Currency => CURRENCY,
    }
}

/// The column that a rule looks at.
pub(crate) fn rule_column(rule: Rule) -> &'static str {
    match rule {
        Rule::ProductFamily => PRODUCT_FAMILY,
        Rule::ProductCode => PRODUCT_CODE,
        Rule::ServiceCode => SERVICE_CODE,
        Rule::ProductName => PRODUCT,
        Rule::Operation => OPERATION,
        Rule::Resource => RESOURCE_ID,
        Rule::Principal => PRINCIPAL_COLUMN,
    }
}

/// Every column that is looked for, once.
pub(crate) fn wanted() -> BTreeSet<&'static str> {
    let fields = LineField::ALL.into_iter().map(field_column);
    let rules = Rule::ALL.into_iter().map(rule_column);
    fields.chain(rules).chain(OTHERS).chain([TAGS]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_export_that_the_template_creates_has_the_columns_that_are_read_and_no_other() {
        let template = include_str!("../../../../infra/template.yaml");
        let (_, query) = template.split_once(" SELECT\n").unwrap();
        let (columns, _) = query.split_once(" FROM COST_AND_USAGE_REPORT").unwrap();
        let columns: Vec<_> = columns.split(',').map(str::trim).collect();
        assert_eq!(columns, wanted().into_iter().collect::<Vec<_>>());
    }
}
