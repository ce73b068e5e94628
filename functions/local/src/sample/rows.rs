//! Lines as rows of the CUR 2.0 table.

use chrono::{DateTime, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_cur::write::{Row, Value};

use super::cast::PAYER;
use super::products::{Seller, Sku};
use super::story::{Kind, Line};

/// What all rows of a month have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bill {
    pub(super) period: BillingPeriod,
    /// Whether the month is invoiced: rows of an open month have no invoice id.
    pub(super) is_invoiced: bool,
}

/// The row of `line`, without an id.
pub(super) fn row(line: &Line, bill: Bill) -> Row {
    let sku = &*line.sku;
    let mut row = of_bill(bill, sku.seller);
    of_product(&mut row, sku);
    interval(&mut row, line.start, line.end);
    let mut text = |column, text: &str| {
        if !text.is_empty() {
            row.insert(column, text.into());
        }
    };
    text("line_item_usage_account_id", line.account.id());
    text("line_item_usage_account_name", line.account.name());
    text("line_item_iam_principal", &line.principal);
    text("line_item_currency_code", "USD");
    text("line_item_line_item_type", kind(line.kind));
    text("pricing_currency", "USD");
    match line.kind {
        Kind::Usage => {
            let inference = if line.streamed { "InvokeModelStreamingInference" } else { "InvokeModelInference" };
            text("line_item_operation", sku.operation.unwrap_or(inference));
            text("line_item_line_item_description", &sku.description);
            text("line_item_resource_id", &resource(line));
            text("pricing_unit", sku.unit);
            text("pricing_term", "OnDemand");
            let rate = format!("{:.10}", sku.rate);
            text("line_item_unblended_rate", &rate);
            text("line_item_blended_rate", &rate);
        }
        Kind::EdpDiscount => text("line_item_line_item_description", "Enterprise discount"),
        Kind::Credit => text("line_item_line_item_description", "AWS Activate credit"),
        Kind::Tax => {
            text("line_item_line_item_description", "Tax for product code");
            text("line_item_tax_type", "USSalesTax");
        }
    }
    cost(&mut row, line);
    let environment = line.account.name().to_owned();
    let mut tags = vec![("costCategory/Environment".to_owned(), environment.clone())];
    tags.extend(line.tags.iter().cloned());
    row.insert("tags", Value::Map(tags));
    row.insert("cost_category", Value::Map(vec![("environment".to_owned(), environment)]));
    let resource_tags = line.tags.iter().filter_map(|(key, value)| {
        let key = key.strip_prefix("resourceTags/")?;
        Some((format!("user_{}", key.to_lowercase().replace('-', "_")), value.clone()))
    });
    row.insert("resource_tags", Value::Map(resource_tags.collect()));
    row
}

/// Sets the interval of a row's usage.
pub(super) fn interval(row: &mut Row, start: DateTime<Utc>, end: DateTime<Utc>) {
    let text = format!("{}/{}", start.format("%Y-%m-%dT%H:%M:%SZ"), end.format("%Y-%m-%dT%H:%M:%SZ"));
    row.insert("identity_time_interval", text.into());
    row.insert("line_item_usage_start_date", start.into());
    row.insert("line_item_usage_end_date", end.into());
}

/// Sets a row's amount and costs.
pub(super) fn cost(row: &mut Row, line: &Line) {
    let is_usage = line.kind == Kind::Usage;
    // The enterprise discount is a line of its own, and so the net cost of the discount line itself is nothing: the
    // net costs of all rows sum to the same bill as the unblended ones.
    let saved = if is_usage { line.discount() } else { 0.0 };
    let net = if line.kind == Kind::EdpDiscount { 0.0 } else { line.cost - saved };
    row.insert("line_item_usage_amount", line.amount.into());
    row.insert("line_item_unblended_cost", line.cost.into());
    row.insert("line_item_net_unblended_cost", net.into());
    if line.kind != Kind::EdpDiscount {
        row.insert("line_item_blended_cost", line.cost.into());
    }
    if is_usage {
        // Marketplace rows have no list price, as observed in live exports.
        let list = if line.sku.seller == Seller::Aws { line.cost } else { 0.0 };
        row.insert("pricing_public_on_demand_cost", list.into());
        row.insert("discount_bundled_discount", 0.0.into());
        row.insert("discount_total_discount", saved.into());
        let discount = if saved > 0.0 { vec![("edp_discount".to_owned(), saved)] } else { Vec::new() };
        row.insert("discount", Value::Numbers(discount));
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Usage => "Usage",
        Kind::EdpDiscount => "EdpDiscount",
        Kind::Credit => "Credit",
        Kind::Tax => "Tax",
    }
}

fn of_bill(Bill { period, is_invoiced }: Bill, seller: Seller) -> Row {
    let (entity, legal_entity) = match seller {
        Seller::Aws => ("AWS", "Amazon Web Services, Inc."),
        Seller::Marketplace(name) => ("AWS Marketplace", name),
    };
    let mut row = Row::from([
        ("bill_bill_type", "Anniversary".into()),
        ("bill_billing_entity", entity.into()),
        ("bill_billing_period_start_date", period.start().into()),
        ("bill_billing_period_end_date", period.end().into()),
        ("bill_invoicing_entity", "Amazon Web Services, Inc.".into()),
        ("bill_payer_account_id", PAYER.into()),
        ("bill_payer_account_name", "example-payer".into()),
        ("line_item_legal_entity", legal_entity.into()),
    ]);
    if is_invoiced {
        let number = if seller == Seller::Aws { 1 } else { 2 };
        let month = period.to_string().replace('-', "");
        row.insert("bill_invoice_id", format!("EUINUS{month}-{number:06}").into());
    }
    row
}

fn of_product(row: &mut Row, sku: &Sku) {
    let is_aws = sku.seller == Seller::Aws;
    let stock_number = stock_number(sku);
    let mut text = |column, text: &str| {
        if !text.is_empty() {
            row.insert(column, text.into());
        }
    };
    text("line_item_product_code", sku.product_code);
    text("line_item_usage_type", &sku.usage_type);
    text("product_product_family", sku.family);
    text("product_servicecode", sku.service_code);
    text("product_usagetype", &sku.usage_type);
    text("product_sku", &stock_number);
    text("pricing_rate_code", &format!("{stock_number}.JRTCKXETXF.6YS6EN2CT7"));
    text("pricing_rate_id", &format!("7{:010}", stock_number.bytes().map(u64::from).sum::<u64>()));
    text("product_region_code", "us-east-1");
    text("product_location", "US East (N. Virginia)");
    text("product_location_type", "AWS Region");
    if is_aws {
        text("product_operation", sku.operation.unwrap_or_default());
        text("pricing_public_on_demand_rate", &format!("{:.10}", sku.rate));
    }
    row.insert("product", Value::Map(sku.product.clone()));
}

/// Sixteen capitals and digits that depend on what is sold.
fn stock_number(sku: &Sku) -> String {
    let path: Vec<u64> = sku.product_code.bytes().chain(sku.usage_type.bytes()).map(u64::from).collect();
    super::rng::Rng::of(0, &path).text(b"ABCDEFGHJKMNPQRSTUVWXYZ23456789", 16)
}

fn resource(line: &Line) -> String {
    let resource = line.sku.resource;
    let service = match line.sku.product_code {
        "AmazonS3" => return format!("arn:aws:s3::{resource}"),
        "AmazonEC2" => "ec2",
        "AWSLambda" => "lambda",
        "AmazonCloudWatch" => "logs",
        "AmazonBedrockAgentCore" => "bedrock-agentcore",
        _ => "bedrock",
    };
    match resource.strip_prefix(':') {
        _ if resource.is_empty() => String::new(),
        Some(resource) => format!("arn:aws:{service}:us-east-1::{resource}"),
        None => format!("arn:aws:{service}:us-east-1:{}:{resource}", line.account.id()),
    }
}
