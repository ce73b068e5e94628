//! The CUR 2.0 table: every column that an export can have, with its type.
//!
//! Source: AWS Data Exports user guide, "Cost and Usage Report (CUR) 2.0" table dictionary, for the groups that it
//! lists; names and types of the rest as in the tables that AWS's own Cloud Intelligence Dashboards declare over live
//! exports. An export has any subset of these, in the order of its query, and its query may rename them: look
//! columns up by name.

/// A column of the CUR 2.0 table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in files and manifests; case-sensitive.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; all rates, account ids and the times of reservations and savings plans are text too.
    Text,
    /// A double: costs, amounts, fees.
    Number,
    /// A point in time, UTC.
    Time,
    TextMap,
    /// A map from text to doubles.
    NumberMap,
}

impl Kind {
    /// The type as manifests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "double",
            Self::Time => "timestamp",
            Self::TextMap => "map<string,string>",
            Self::NumberMap => "map<string,double>",
        }
    }
}

/// The column called `name`, if CUR 2.0 has one.
pub fn column(name: &str) -> Option<&'static Column> {
    COLUMNS.binary_search_by_key(&name, |column| column.name).ok().and_then(|index| COLUMNS.get(index))
}

/// All 131 columns, alphabetically, as exports with every optional group deliver them: 113 that every export can
/// have, and those of resource ids, IAM principals, workforce users, tags, capacity reservations and split cost
/// allocation.
pub const COLUMNS: &[Column] = &[
    Column { name: "bill_bill_type", kind: Kind::Text },
    Column { name: "bill_billing_entity", kind: Kind::Text },
    Column { name: "bill_billing_period_end_date", kind: Kind::Time },
    Column { name: "bill_billing_period_start_date", kind: Kind::Time },
    Column { name: "bill_invoice_id", kind: Kind::Text },
    Column { name: "bill_invoicing_entity", kind: Kind::Text },
    Column { name: "bill_payer_account_id", kind: Kind::Text },
    Column { name: "bill_payer_account_name", kind: Kind::Text },
    Column { name: "capacity_reservation_capacity_reservation_arn", kind: Kind::Text },
    Column { name: "capacity_reservation_capacity_reservation_status", kind: Kind::Text },
    Column { name: "capacity_reservation_capacity_reservation_type", kind: Kind::Text },
    Column { name: "cost_category", kind: Kind::TextMap },
    Column { name: "discount", kind: Kind::NumberMap },
    Column { name: "discount_bundled_discount", kind: Kind::Number },
    Column { name: "discount_total_discount", kind: Kind::Number },
    Column { name: "identity_line_item_id", kind: Kind::Text },
    Column { name: "identity_time_interval", kind: Kind::Text },
    Column { name: "line_item_availability_zone", kind: Kind::Text },
    Column { name: "line_item_blended_cost", kind: Kind::Number },
    Column { name: "line_item_blended_rate", kind: Kind::Text },
    Column { name: "line_item_currency_code", kind: Kind::Text },
    Column { name: "line_item_iam_principal", kind: Kind::Text },
    Column { name: "line_item_legal_entity", kind: Kind::Text },
    Column { name: "line_item_line_item_description", kind: Kind::Text },
    Column { name: "line_item_line_item_type", kind: Kind::Text },
    Column { name: "line_item_net_unblended_cost", kind: Kind::Number },
    Column { name: "line_item_net_unblended_rate", kind: Kind::Text },
    Column { name: "line_item_normalization_factor", kind: Kind::Number },
    Column { name: "line_item_normalized_usage_amount", kind: Kind::Number },
    Column { name: "line_item_operation", kind: Kind::Text },
    Column { name: "line_item_product_code", kind: Kind::Text },
    Column { name: "line_item_resource_id", kind: Kind::Text },
    Column { name: "line_item_tax_type", kind: Kind::Text },
    Column { name: "line_item_unblended_cost", kind: Kind::Number },
    Column { name: "line_item_unblended_rate", kind: Kind::Text },
    Column { name: "line_item_usage_account_id", kind: Kind::Text },
    Column { name: "line_item_usage_account_name", kind: Kind::Text },
    Column { name: "line_item_usage_amount", kind: Kind::Number },
    Column { name: "line_item_usage_end_date", kind: Kind::Time },
    Column { name: "line_item_usage_start_date", kind: Kind::Time },
    Column { name: "line_item_usage_type", kind: Kind::Text },
    Column { name: "line_item_user_identifier", kind: Kind::Text },
    Column { name: "pricing_currency", kind: Kind::Text },
    Column { name: "pricing_lease_contract_length", kind: Kind::Text },
    Column { name: "pricing_offering_class", kind: Kind::Text },
    Column { name: "pricing_public_on_demand_cost", kind: Kind::Number },
    Column { name: "pricing_public_on_demand_rate", kind: Kind::Text },
    Column { name: "pricing_purchase_option", kind: Kind::Text },
    Column { name: "pricing_rate_code", kind: Kind::Text },
    Column { name: "pricing_rate_id", kind: Kind::Text },
    Column { name: "pricing_term", kind: Kind::Text },
    Column { name: "pricing_unit", kind: Kind::Text },
    Column { name: "product", kind: Kind::TextMap },
    Column { name: "product_comment", kind: Kind::Text },
    Column { name: "product_fee_code", kind: Kind::Text },
    Column { name: "product_fee_description", kind: Kind::Text },
    Column { name: "product_from_location", kind: Kind::Text },
    Column { name: "product_from_location_type", kind: Kind::Text },
    Column { name: "product_from_region_code", kind: Kind::Text },
    Column { name: "product_instance_family", kind: Kind::Text },
    Column { name: "product_instance_type", kind: Kind::Text },
    Column { name: "product_instancesku", kind: Kind::Text },
    Column { name: "product_location", kind: Kind::Text },
    Column { name: "product_location_type", kind: Kind::Text },
    Column { name: "product_operation", kind: Kind::Text },
    Column { name: "product_pricing_unit", kind: Kind::Text },
    Column { name: "product_product_family", kind: Kind::Text },
    Column { name: "product_region_code", kind: Kind::Text },
    Column { name: "product_servicecode", kind: Kind::Text },
    Column { name: "product_sku", kind: Kind::Text },
    Column { name: "product_to_location", kind: Kind::Text },
    Column { name: "product_to_location_type", kind: Kind::Text },
    Column { name: "product_to_region_code", kind: Kind::Text },
    Column { name: "product_usagetype", kind: Kind::Text },
    Column { name: "reservation_amortized_upfront_cost_for_usage", kind: Kind::Number },
    Column { name: "reservation_amortized_upfront_fee_for_billing_period", kind: Kind::Number },
    Column { name: "reservation_availability_zone", kind: Kind::Text },
    Column { name: "reservation_effective_cost", kind: Kind::Number },
    Column { name: "reservation_end_time", kind: Kind::Text },
    Column { name: "reservation_modification_status", kind: Kind::Text },
    Column { name: "reservation_net_amortized_upfront_cost_for_usage", kind: Kind::Number },
    Column { name: "reservation_net_amortized_upfront_fee_for_billing_period", kind: Kind::Number },
    Column { name: "reservation_net_effective_cost", kind: Kind::Number },
    Column { name: "reservation_net_recurring_fee_for_usage", kind: Kind::Number },
    Column { name: "reservation_net_unused_amortized_upfront_fee_for_billing_period", kind: Kind::Number },
    Column { name: "reservation_net_unused_recurring_fee", kind: Kind::Number },
    Column { name: "reservation_net_upfront_value", kind: Kind::Number },
    Column { name: "reservation_normalized_units_per_reservation", kind: Kind::Text },
    Column { name: "reservation_number_of_reservations", kind: Kind::Text },
    Column { name: "reservation_recurring_fee_for_usage", kind: Kind::Number },
    Column { name: "reservation_reservation_a_r_n", kind: Kind::Text },
    Column { name: "reservation_start_time", kind: Kind::Text },
    Column { name: "reservation_subscription_id", kind: Kind::Text },
    Column { name: "reservation_total_reserved_normalized_units", kind: Kind::Text },
    Column { name: "reservation_total_reserved_units", kind: Kind::Text },
    Column { name: "reservation_units_per_reservation", kind: Kind::Text },
    Column { name: "reservation_unused_amortized_upfront_fee_for_billing_period", kind: Kind::Number },
    Column { name: "reservation_unused_normalized_unit_quantity", kind: Kind::Number },
    Column { name: "reservation_unused_quantity", kind: Kind::Number },
    Column { name: "reservation_unused_recurring_fee", kind: Kind::Number },
    Column { name: "reservation_upfront_value", kind: Kind::Number },
    Column { name: "resource_tags", kind: Kind::TextMap },
    Column { name: "savings_plan_amortized_upfront_commitment_for_billing_period", kind: Kind::Number },
    Column { name: "savings_plan_end_time", kind: Kind::Text },
    Column { name: "savings_plan_instance_type_family", kind: Kind::Text },
    Column { name: "savings_plan_net_amortized_upfront_commitment_for_billing_period", kind: Kind::Number },
    Column { name: "savings_plan_net_recurring_commitment_for_billing_period", kind: Kind::Number },
    Column { name: "savings_plan_net_savings_plan_effective_cost", kind: Kind::Number },
    Column { name: "savings_plan_offering_type", kind: Kind::Text },
    Column { name: "savings_plan_payment_option", kind: Kind::Text },
    Column { name: "savings_plan_purchase_term", kind: Kind::Text },
    Column { name: "savings_plan_recurring_commitment_for_billing_period", kind: Kind::Number },
    Column { name: "savings_plan_region", kind: Kind::Text },
    Column { name: "savings_plan_savings_plan_a_r_n", kind: Kind::Text },
    Column { name: "savings_plan_savings_plan_effective_cost", kind: Kind::Number },
    Column { name: "savings_plan_savings_plan_rate", kind: Kind::Number },
    Column { name: "savings_plan_start_time", kind: Kind::Text },
    Column { name: "savings_plan_total_commitment_to_date", kind: Kind::Number },
    Column { name: "savings_plan_used_commitment", kind: Kind::Number },
    Column { name: "split_line_item_actual_usage", kind: Kind::Number },
    Column { name: "split_line_item_net_split_cost", kind: Kind::Number },
    Column { name: "split_line_item_net_unused_cost", kind: Kind::Number },
    Column { name: "split_line_item_parent_resource_id", kind: Kind::Text },
    Column { name: "split_line_item_public_on_demand_split_cost", kind: Kind::Number },
    Column { name: "split_line_item_public_on_demand_unused_cost", kind: Kind::Number },
    Column { name: "split_line_item_reserved_usage", kind: Kind::Number },
    Column { name: "split_line_item_split_cost", kind: Kind::Number },
    Column { name: "split_line_item_split_usage", kind: Kind::Number },
    Column { name: "split_line_item_split_usage_ratio", kind: Kind::Number },
    Column { name: "split_line_item_unused_cost", kind: Kind::Number },
    Column { name: "tags", kind: Kind::TextMap },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_131_columns_in_alphabetical_order_each_once() {
        assert_eq!(COLUMNS.len(), 131);
        assert!(COLUMNS.windows(2).all(|pair| pair[0].name < pair[1].name));
        let of = |kind| COLUMNS.iter().filter(|column| column.kind == kind).count();
        assert_eq!([Kind::Text, Kind::Number, Kind::Time, Kind::TextMap, Kind::NumberMap].map(of), [78, 44, 4, 4, 1]);
    }

    #[test]
    fn columns_are_found_by_their_exact_name() {
        assert_eq!(column("line_item_unblended_cost").map(|column| column.kind), Some(Kind::Number));
        assert_eq!(column("line_item_unblended_rate").map(|column| column.kind), Some(Kind::Text));
        assert_eq!(column("discount").map(|column| column.kind), Some(Kind::NumberMap));
        assert_eq!(column("Tags"), None);
    }
}
