//! Where tags and products come from when an export spells them otherwise.

use spend_core::bill::line::LineField;

use super::*;

const LISTED: [&str; 4] =
    ["resourceTags/Team Name", "resourceTags/aws:createdBy", "iamPrincipal/team", "costCategory/Business Unit"];

fn line(row: Row, shape: &FileShape, listed: &[&str]) -> spend_core::bill::line::LineKey {
    let kept = KeptTags::new(listed.iter().copied());
    let reduce = |bytes: Vec<u8>| block_on(chunk::reduce(NAME, november(), &kept, Memory::new(bytes))).unwrap();
    let rows = [other(1, 1.0), row];
    let reduction = reduce(file(&rows, shape));
    assert_eq!(reduce(text(&rows, shape)), reduction, "text says the same");
    assert_eq!(reduction.lines.len(), 1);
    reduction.lines.row(0).key()
}

fn tags(row: Row, shape: &FileShape, listed: &[&str]) -> Vec<String> {
    line(row, shape, listed).tags.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

fn tagged(maps: &[(&'static str, &[(&str, &str)])]) -> Row {
    let mut row = call(3, "arn:aws:iam::444455556666:user/alice", 1.5);
    row.remove("tags");
    row.extend(maps.iter().map(|(column, entries)| (*column, map(entries))));
    row
}

#[test]
fn whole_keys_come_first_and_are_kept_if_they_are_listed() {
    let row = tagged(&[
        ("tags", &[("iamPrincipal/team", "search"), ("resourceTags/Team Name", "a"), ("resourceTags/x", "y")]),
        ("resource_tags", &[("user_team_name", "b"), ("aws_createdby", "c")]),
        ("cost_category", &[("business_unit", "d"), ("env", "prod")]),
    ]);
    let shape = FileShape::default();
    assert_eq!(
        tags(row.clone(), &shape, &LISTED),
        [
            "costCategory/Business Unit=d",
            "costCategory/env=prod",
            "iamPrincipal/team=search",
            "resourceTags/Team Name=a",
            "resourceTags/aws:createdBy=c",
        ]
    );
    assert_eq!(
        tags(row, &shape, &[]),
        ["costCategory/business_unit=d", "costCategory/env=prod", "iamPrincipal/team=search"]
    );
}

#[test]
fn a_cost_category_that_the_tags_have_is_there_once() {
    let row = tagged(&[
        ("tags", &[("costCategory/Business Unit", "d"), ("costCategory/Env", "")]),
        ("cost_category", &[("business_unit", "other"), ("env", "prod")]),
    ]);
    assert_eq!(tags(row, &FileShape::default(), &[]), ["costCategory/Business Unit=d", "costCategory/env=prod"]);
}

#[test]
fn resource_tags_are_read_in_both_spellings() {
    for key in ["user_team_name", "user:Team Name"] {
        let row = tagged(&[("resource_tags", &[(key, "search"), ("user_other", "x")])]);
        assert_eq!(tags(row, &FileShape::default(), &LISTED), ["resourceTags/Team Name=search"], "{key}");
    }
}

#[test]
fn flattened_columns_stand_in_for_maps() {
    let row = tagged(&[
        ("tags", &[("iamPrincipal/team", "search")]),
        ("resource_tags", &[("user_team_name", "b")]),
        ("cost_category", &[("business_unit", "d")]),
        ("product", &[("product_name", "Claude (Amazon Bedrock Edition)"), ("model", "Claude"), ("feature", "Batch")]),
    ]);
    let flat = FileShape::default()
        .without(&["tags", "resource_tags", "cost_category", "product"])
        .with_flattened("tags", "iamPrincipal/team", "tags_iamprincipal_team")
        .with_flattened("resource_tags", "user_team_name", "resource_tags_user_team_name")
        .with_flattened("cost_category", "business_unit", "cost_category_business_unit")
        .with_flattened("product", "product_name", "product_product_name")
        .with_flattened("product", "model", "product_model")
        .with_flattened("product", "feature", "product_feature");
    assert_eq!(line(row.clone(), &flat, &LISTED), line(row.clone(), &FileShape::default(), &LISTED));
    assert_eq!(line(row.clone(), &flat, &LISTED).get(LineField::Model), "Claude");
    // The product's name alone tells that this is Bedrock.
    let mut unnamed = other(4, 2.0);
    unnamed.insert("product", row["product"].clone());
    assert_eq!(line(unnamed, &flat, &LISTED).get(LineField::ProductCode), "AmazonEC2");
    // Nothing that has a stand-in is missing.
    let kept = KeptTags::new(LISTED);
    let reduction = block_on(chunk::reduce(NAME, november(), &kept, Memory::new(file(&[row], &flat)))).unwrap();
    assert!(reduction.counts.missing_columns.is_empty(), "{:?}", reduction.counts.missing_columns);
}

#[test]
fn the_product_map_comes_before_flattened_columns() {
    let row = tagged(&[("product", &[("model", "Claude")]), ("resource_tags", &[("m", "Nova")])]);
    let both = FileShape::default().with_flattened("resource_tags", "m", "product_model");
    assert_eq!(line(row, &both, &[]).get(LineField::Model), "Claude");
}

#[test]
fn split_cost_allocation_is_never_counted_twice() {
    let parent = tagged(&[]);
    let split = |cost: Option<f64>| {
        let mut row = parent.clone();
        row.insert("split_line_item_split_cost", 1.5.into());
        row.insert("split_line_item_parent_resource_id", "parent".into());
        match cost {
            Some(cost) => drop(row.insert("line_item_unblended_cost", cost.into())),
            None => drop(row.remove("line_item_unblended_cost")),
        }
        row.remove("line_item_net_unblended_cost");
        row
    };
    let rows = [parent.clone(), split(Some(0.0)), split(None)];
    for bytes in [file(&rows, &FileShape::default()), text(&rows, &FileShape::default())] {
        let reduction = reduce(bytes).unwrap();
        let sums: Vec<_> = reduction.lines.rows().map(|line| line.unblended_cost().to_string()).collect();
        assert_eq!((sums, reduction.counts.rows_without_cost), (vec!["1.5".to_owned()], 1));
    }
}

#[test]
fn a_discount_map_that_is_there_or_not_changes_nothing() {
    let mut row = tagged(&[]);
    row.insert("discount", Value::Numbers(vec![("EDP".to_owned(), -0.25)]));
    let without = FileShape::default().without(&["discount", "discount_total_discount"]);
    assert_eq!(line(row.clone(), &FileShape::default(), &[]), line(row, &without, &[]));
}

#[test]
fn rows_of_a_day_or_a_month_are_of_the_day_on_which_they_start() {
    for (from, to, day) in [(at(17, 0), at(18, 0), "2026-11-17"), (at(1, 0), at(30, 0), "2026-11-01")] {
        let mut row = tagged(&[]);
        row.insert("line_item_usage_start_date", from.into());
        row.insert("line_item_usage_end_date", to.into());
        assert_eq!(line(row.clone(), &FileShape::default(), &[]).usage_date.to_string(), day);
        let counts = reduce(text(&[row], &FileShape::default())).unwrap().counts;
        assert_eq!(counts.latest_usage_end, Some(to));
    }
}
