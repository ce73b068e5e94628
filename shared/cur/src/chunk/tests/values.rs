//! What the values of a row come to.

use proptest::prelude::*;
use spend_core::bill::bedrock_line::Rule;
use spend_core::bill::line::{LineField, LineKey};
use spend_core::facts::derivation::Derivation;
use spend_core::table::field::Field as _;
use spend_core::table::measures::Measures;

use super::*;
use crate::columns::names::{INVOICE_ID, LIST_COST, NET_UNBLENDED_COST, UNBLENDED_COST, USAGE_END};

const ALICE: &str = "arn:aws:iam::444455556666:user/alice";

fn with(mut row: Row, column: &'static str, value: impl Into<Value>) -> Row {
    row.insert(column, value.into());
    row
}

fn without(mut row: Row, columns: &[&str]) -> Row {
    row.retain(|column, _| !columns.contains(column));
    row
}

fn reduction(rows: &[Row]) -> Reduction {
    reduce(file(rows, &FileShape::default())).unwrap()
}

fn only_line(row: Row) -> (LineKey, Measures) {
    let lines = reduction(&[row]).lines;
    assert_eq!(lines.len(), 1);
    (lines.row(0).key(), lines.row(0).measures())
}

#[test]
fn a_line_has_the_fields_of_its_row() {
    let (key, sums) = only_line(call(17, ALICE, 1.5));
    assert_eq!(key.usage_date.to_string(), "2026-11-17");
    let fields: Vec<_> = LineField::ALL.into_iter().map(|field| (field.name(), key.get(field))).collect();
    let expected = [
        ("payer_account_id", "111122223333"),
        ("account_id", "444455556666"),
        ("principal", ALICE),
        ("bill_type", "Anniversary"),
        ("billing_entity", "AWS"),
        ("line_item_type", "Usage"),
        ("product_code", "AmazonBedrock"),
        ("service_code", "AmazonBedrock"),
        ("product_name", ""),
        ("provider", "Anthropic"),
        ("model", "Claude Sonnet 4.6"),
        ("inference_type", ""),
        ("feature", ""),
        ("usage_type", "USE1-Claude4.6Sonnet-input-tokens"),
        ("operation", "InvokeModelInference"),
        ("resource", "foundation-model/anthropic.claude-sonnet-4-6-v1:0"),
        ("region", "us-east-1"),
        ("pricing_unit", "1K tokens"),
        ("currency", "USD"),
    ];
    assert_eq!(fields, expected);
    let tags: Vec<_> = key.tags.iter().map(|(tag, value)| (tag.as_ref(), value.as_ref())).collect();
    assert_eq!(tags, [("iamPrincipal/team", "search")], "resource tags are nobody's dimension");
    let texts = [sums.usage_amount, sums.unblended_cost, sums.net_unblended_cost].map(|sum| sum.to_string());
    assert_eq!(texts, ["450", "1.5", "1.35"]);
    assert_eq!(sums.list_cost.unwrap().to_string(), "1.5");
    assert_eq!((sums.tokens, sums.line_items, sums.lines_without_net), (None, 1, 0));
}

#[test]
fn the_product_map_fills_its_fields() {
    for (entries, name, feature) in [
        (&[("product_name", "A"), ("servicename", "B"), ("feature", "F")][..], "A", "F"),
        (&[("servicename", "B"), ("product_name", "")], "B", ""),
        (&[("servicename", "B")], "B", ""),
        (&[("product_name", "first"), ("product_name", "last"), ("feature", "F"), ("feature", "")], "last", ""),
        (&[], "", ""),
    ] {
        let (key, _) = only_line(with(call(1, ALICE, 1.0), "product", map(entries)));
        assert_eq!((key.get(LineField::ProductName), key.get(LineField::Feature)), (name, feature), "{entries:?}");
    }
    let (key, _) = only_line(with(call(1, ALICE, 1.0), "product", map(&[("inference_type", "Output tokens")])));
    assert_eq!(key.get(LineField::InferenceType), "Output tokens");
}

#[test]
fn the_last_of_two_equal_tag_keys_counts_and_empty_ones_are_dropped() {
    let tags = map(&[
        ("iamPrincipal/team", "first"),
        ("iamPrincipal/team", "last"),
        ("userAttribute/Department", "R&D"),
        ("userAttribute/Department", ""),
        ("accountTag/env", ""),
        ("costCategory/Unit", "ml"),
        ("iamprincipal/team", "another key"),
    ]);
    let (key, _) = only_line(with(call(1, ALICE, 1.0), "tags", tags));
    let tags: Vec<_> = key.tags.iter().map(|(tag, value)| (tag.as_ref(), value.as_ref())).collect();
    assert_eq!(tags, [("costCategory/Unit", "ml"), ("iamPrincipal/team", "last")]);
}

#[test]
fn a_resource_says_which_model_it_is_and_nothing_without_bound() {
    for (id, resource) in [
        ("arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0", "foundation-model/amazon.nova-lite-v1:0"),
        ("arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.a.b:0/c", "inference-profile/us.a.b:0/c"),
        (
            "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc123",
            "application-inference-profile",
        ),
        ("arn:aws-us-gov:bedrock:us-gov-west-1:111122223333:guardrail/g1", "guardrail"),
        ("arn:aws:bedrock-agentcore:us-east-1:111122223333:runtime/agent-xyz", "runtime"),
        ("foundation-model/amazon.nova-lite-v1:0", "foundation-model/amazon.nova-lite-v1:0"),
        ("arn:aws:bedrock:us-east-1::foundation-model/", "foundation-model"),
        ("arn:aws:bedrock:us-east-1:111122223333:something", ""),
        ("arn:aws:s3:::bucket/key", ""),
        ("arn:aws:bedrock", ""),
        ("arn:", ""),
        ("i-0abc/1", ""),
        ("", ""),
    ] {
        let (key, _) = only_line(with(call(1, ALICE, 1.0), "line_item_resource_id", id));
        assert_eq!(key.get(LineField::Resource), resource, "{id}");
    }
}

#[test]
fn null_and_empty_are_the_same() {
    let texts: Vec<_> = wanted()
        .into_iter()
        .filter(|name| crate::columns::schema::column(name).unwrap().kind == crate::columns::schema::Kind::Text)
        .filter(|name| !["line_item_product_code", "line_item_currency_code"].contains(name))
        .collect();
    let null = without(call(5, ALICE, 1.0), &texts);
    let empty = texts.iter().fold(call(5, ALICE, 1.0), |row, name| with(row, name, ""));
    assert_eq!(reduction(&[null]), reduction(&[empty]));
    let (null, empty) = (without(call(5, ALICE, 1.0), &["tags"]), with(call(5, ALICE, 1.0), "tags", map(&[])));
    assert_eq!(reduction(&[null]), reduction(&[empty]));
}

#[test]
fn each_rule_is_counted_over_all_rows() {
    let nothing = || other(1, 2.0);
    let rows = [
        nothing(),
        with(nothing(), "product_product_family", "Amazon Bedrock"),
        with(nothing(), "line_item_product_code", "AmazonBedrockAgentCore"),
        with(nothing(), "product_servicecode", "AmazonBedrockFoundationModels"),
        with(nothing(), "product", map(&[("servicename", "Claude (Amazon Bedrock Edition)"), ("model", "x")])),
        with(nothing(), "product", map(&[("model", "Bedrock"), ("product_name", "Bedrock"), ("product_name", "EC2")])),
        with(nothing(), "line_item_operation", "InvokeModelStreamingInference"),
        with(nothing(), "line_item_resource_id", "arn:aws:bedrock:us-east-1::foundation-model/x"),
        with(nothing(), "line_item_iam_principal", ALICE),
        call(1, ALICE, 1.0),
    ];
    let counts = reduction(&rows).counts;
    assert_eq!((counts.rows, counts.bedrock_rows), (10, 8));
    assert_eq!(counts.rules.caught_alone, [1; Rule::ALL.len()]);
    // The full row has no product family and no telling name.
    assert_eq!(counts.rules.caught, [1, 2, 2, 1, 2, 2, 2]);
}

#[test]
fn a_chunk_without_the_principal_column_is_read_and_says_so() {
    let shape = FileShape::default().without(&["line_item_iam_principal", "product", "tags", "line_item_resource_id"]);
    let reduction = reduce(file(&[call(1, ALICE, 1.0)], &shape)).unwrap();
    assert!(reduction.counts.lacks_principal_column());
    let missing: Vec<_> = reduction.counts.missing_columns.iter().map(String::as_str).collect();
    assert_eq!(missing, ["line_item_iam_principal", "line_item_resource_id", "product", "tags"]);
    let line = reduction.lines.row(0);
    assert_eq!((line.get(LineField::Principal), line.unblended_cost().to_string()), ("", "1".to_owned()));
}

#[test]
fn a_chunk_with_the_required_columns_alone_is_read() {
    let columns = vec![
        "line_item_unblended_cost",
        "line_item_line_item_type",
        "line_item_product_code",
        "line_item_usage_start_date",
        "line_item_currency_code",
    ];
    let shape = FileShape { columns, ..FileShape::default() };
    let reduction = reduce(file(&[call(9, ALICE, 1.0), other(9, 2.0)], &shape)).unwrap();
    assert_eq!(reduction.counts.bedrock_rows, 1);
    assert_eq!(reduction.counts.latest_usage_end, Some(at(10, 0)), "without an end, the end of its day");
    assert_eq!(reduction.counts.usage_rows_without_invoice, 1);
}

#[test]
fn a_row_without_net_cost_adds_its_unblended_cost_and_is_counted() {
    let rows = [call(1, ALICE, 2.0), without(call(1, ALICE, 1.0), &[NET_UNBLENDED_COST])];
    let sums = reduction(&rows).lines.row(0).measures();
    assert_eq!((sums.net_unblended_cost.to_string().as_str(), sums.lines_without_net), ("2.8", 1));
    let shape = FileShape::default().without(&[NET_UNBLENDED_COST]);
    let sums = reduce(file(&rows, &shape)).unwrap().lines.row(0).measures();
    assert_eq!((sums.net_unblended_cost.to_string().as_str(), sums.lines_without_net), ("3", 2));
}

#[test]
fn a_row_without_cost_is_zero_and_counted() {
    let reduction = reduction(&[without(call(1, ALICE, 1.0), &[UNBLENDED_COST, NET_UNBLENDED_COST])]);
    assert_eq!((reduction.counts.rows_without_cost, reduction.counts.usage_rows_without_invoice), (1, 0));
    assert!(reduction.lines.row(0).unblended_cost().is_zero());
}

#[test]
fn a_list_cost_is_none_only_if_no_row_has_one() {
    let priced = call(1, ALICE, 1.0);
    let unpriced = without(call(1, ALICE, 1.0), &[LIST_COST]);
    assert_eq!(reduction(std::slice::from_ref(&unpriced)).lines.row(0).list_cost(), None);
    assert_eq!(reduction(&[priced, unpriced]).lines.row(0).list_cost().unwrap().to_string(), "1");
}

#[test]
fn usage_with_cost_and_without_invoice_keeps_the_bill_open() {
    let rows = [
        call(1, ALICE, 1.0),
        with(call(1, ALICE, 1.0), INVOICE_ID, "123"),
        with(call(1, ALICE, 1.0), INVOICE_ID, ""),
        call(1, ALICE, 0.0),
        with(call(1, ALICE, 1.0), "line_item_line_item_type", "Tax"),
        other(1, 1.0),
    ];
    assert_eq!(reduction(&rows).counts.usage_rows_without_invoice, 2);
}

#[test]
fn data_reaches_to_the_latest_end_of_bedrock_usage() {
    let rows = [
        call(3, ALICE, 1.0),
        without(call(2, ALICE, 1.0), &[USAGE_END]),
        with(with(call(9, ALICE, 1.0), "line_item_line_item_type", "Tax"), USAGE_END, at(30, 0)),
        with(other(9, 1.0), USAGE_END, at(30, 0)),
    ];
    assert_eq!(reduction(&rows).counts.latest_usage_end, Some(at(3, 8)));
    assert_eq!(reduction(&rows[1..]).counts.latest_usage_end, Some(at(3, 0)));
}

#[test]
fn a_date_beyond_64_bits_of_nanoseconds_stays_what_it_is() {
    let far: DateTime<Utc> = "9999-12-31T00:00:00Z".parse().unwrap();
    let reduction = reduction(&[with(call(3, ALICE, 1.0), USAGE_END, far)]);
    assert_eq!(reduction.counts.latest_usage_end, Some(far));
}

#[test]
fn a_day_is_the_day_in_utc_on_which_usage_starts() {
    for (start, day) in [("2026-11-01T00:00:00Z", "2026-11-01"), ("2026-10-31T23:59:59.999Z", "2026-10-31")] {
        let start: DateTime<Utc> = start.parse().unwrap();
        let (key, _) = only_line(with(call(1, ALICE, 1.0), "line_item_usage_start_date", start));
        assert_eq!(key.usage_date.to_string(), day);
    }
}

#[test]
fn costs_are_summed_as_decimals() {
    let rows: Vec<_> =
        [0.1, 0.2, 1e16, -1e16].into_iter().map(|cost| with(call(1, ALICE, 1.0), UNBLENDED_COST, cost)).collect();
    assert_eq!(reduction(&rows).lines.row(0).unblended_cost().to_string(), "0.3");
}

fn any_row() -> impl Strategy<Value = Row> {
    let cost = prop_oneof![-1e6..1e6_f64, (-1_000_000..1_000_000).prop_map(|n| f64::from(n) / 1e10)];
    (1..28_u32, prop::sample::select(vec![ALICE, "", "arn:aws:sts::444455556666:assumed-role/app/i-0abc"]), cost)
        .prop_flat_map(|(day, principal, cost)| {
            let bedrock = call(day, principal, cost);
            let tax = with(bedrock.clone(), "line_item_line_item_type", "Tax");
            prop::sample::select(vec![bedrock.clone(), tax, without(bedrock, &[NET_UNBLENDED_COST]), other(day, cost)])
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sums_do_not_depend_on_the_order_of_rows_or_their_split_into_chunks(
        rows in prop::collection::vec(any_row(), 0..40).prop_shuffle(),
        chunks in 1..5_usize,
    ) {
        let whole = reduction(&rows);
        let mut turned = rows.clone();
        turned.reverse();
        prop_assert_eq!(&reduction(&turned), &whole);
        let size = turned.len().div_ceil(chunks).max(1);
        let parts: Vec<_> = turned.chunks(size).map(reduction).collect();
        let derivation = Derivation::default();
        prop_assert_eq!(derivation.derive(&parts).unwrap(), derivation.derive(&[whole]).unwrap());
    }
}
