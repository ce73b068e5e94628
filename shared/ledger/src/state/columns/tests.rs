use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use spend_core::bill::line::{LineField, LineTable};
use spend_core::facts::fact::FactTable;

use super::*;

/// Two bill lines as they were stored.
fn two_lines() -> Value {
    let mut columns: Map<String, Value> = LineField::ALL
        .map(|field| (field.as_str().to_owned(), json!({"values": [""], "codes": [0, 0]})))
        .into_iter()
        .collect();
    columns["currency"] = json!({"values": ["USD"], "codes": [0, 0]});
    columns["principal"] = json!({"values": ["alice", "bob"], "codes": [0, 1]});
    json!({
        "rows": 2,
        "days": {"values": ["2026-10-01", "2026-10-02"], "codes": [0, 1]},
        "columns": columns,
        "tags": {"values": [{"iamPrincipal/team": "search"}], "codes": [0, 0]},
        "usage_amount": ["1.5", "2"],
        "tokens": [null, "7"],
        "unblended_cost": ["0.1", "-12"],
        "net_unblended_cost": ["0.2", "-11"],
        "list_cost": [null, "3"],
        "line_items": [2, 4],
        "lines_without_net": [1, 3],
    })
}

fn no_lines() -> Value {
    let nothing = json!({"values": [], "codes": []});
    let columns: Map<_, _> =
        LineField::ALL.map(|field| (field.as_str().to_owned(), nothing.clone())).into_iter().collect();
    json!({
        "rows": 0, "days": nothing, "columns": columns, "tags": nothing, "usage_amount": [], "tokens": [],
        "unblended_cost": [], "net_unblended_cost": [], "list_cost": [], "line_items": [], "lines_without_net": [],
    })
}

fn read(value: &Value) -> Result<LineTable, String> {
    let columns: Columns = serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())?;
    columns.into_table().map_err(|error| error.to_string())
}

#[test]
fn columns_are_read_as_their_rows() {
    let lines = read(&two_lines()).unwrap();
    assert_eq!(lines.len(), 2);
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    for (row, day, principal, measures) in [
        (
            0,
            "2026-10-01",
            "alice",
            Measures {
                usage_amount: decimal("1.5"),
                tokens: None,
                unblended_cost: decimal("0.1"),
                net_unblended_cost: decimal("0.2"),
                list_cost: None,
                line_items: 2,
                lines_without_net: 1,
            },
        ),
        (
            1,
            "2026-10-02",
            "bob",
            Measures {
                usage_amount: decimal("2"),
                tokens: Some(decimal("7")),
                unblended_cost: decimal("-12"),
                net_unblended_cost: decimal("-11"),
                list_cost: Some(decimal("3")),
                line_items: 4,
                lines_without_net: 3,
            },
        ),
    ] {
        let line = lines.row(row);
        assert_eq!((line.day().to_string().as_str(), line.get(LineField::Principal)), (day, principal));
        assert_eq!((line.get(LineField::Currency), line.get(LineField::Region)), ("USD", ""));
        assert_eq!((line.tags().len(), line.tag("iamPrincipal/team")), (1, "search"));
        assert_eq!(line.measures(), measures);
    }
}

#[test]
fn no_rows_are_read_as_no_rows() {
    assert_eq!(read(&no_lines()), Ok(LineTable::default()));
}

#[test]
fn rows_in_another_order_are_the_same_table() {
    let mut turned = two_lines();
    let columns: BTreeSet<String> = turned["columns"].as_object().unwrap().keys().cloned().collect();
    for column in columns {
        turned["columns"][&column]["codes"].as_array_mut().unwrap().reverse();
    }
    for column in ["days", "tags"] {
        turned[column]["codes"].as_array_mut().unwrap().reverse();
    }
    for column in ["usage_amount", "tokens", "unblended_cost", "net_unblended_cost", "list_cost", "line_items"] {
        turned[column].as_array_mut().unwrap().reverse();
    }
    turned["lines_without_net"].as_array_mut().unwrap().reverse();
    assert_eq!(read(&turned), read(&two_lines()));
}

#[test]
fn rows_of_one_key_are_summed() {
    let mut twice = two_lines();
    twice["days"]["codes"] = json!([0, 0]);
    twice["columns"]["principal"]["codes"] = json!([1, 1]);
    let lines = read(&twice).unwrap();
    assert_eq!((lines.len(), lines.row(0).line_items()), (1, 6));
    assert_eq!(lines.row(0).unblended_cost().to_string(), "-11.9");
}

#[test]
fn values_that_are_there_twice_are_one() {
    let mut twice = two_lines();
    twice["columns"]["currency"] = json!({"values": ["USD", "USD"], "codes": [0, 1]});
    assert_eq!(read(&twice), read(&two_lines()));
}

#[test]
fn facts_and_bill_lines_are_not_taken_for_each_other() {
    let columns: Columns = serde_json::from_value(two_lines()).unwrap();
    assert_eq!(columns.into_table::<FactField>(), Err(ColumnsError::Missing { column: "identity" }));
    let mut facts = no_lines();
    let nothing = json!({"values": [], "codes": []});
    let columns: Map<_, _> =
        FactField::ALL.map(|field| (field.as_str().to_owned(), nothing.clone())).into_iter().collect();
    facts["columns"] = columns.into();
    assert_eq!(read(&facts), Err("column bill_type is missing".to_owned()));
    let facts: Columns = serde_json::from_value(facts).unwrap();
    assert_eq!(facts.into_table::<FactField>(), Ok(FactTable::default()));
}

#[test]
fn every_damage_is_an_error_that_says_where() {
    let damaged = |pointer: &str, put: Value| {
        let mut value = two_lines();
        *value.pointer_mut(pointer).unwrap() = put;
        read(&value).unwrap_err()
    };
    for (pointer, put, says) in [
        ("/rows", json!(3), "column account_id has 2 entries for 3 rows"),
        ("/rows", json!(-1), "invalid value"),
        ("/rows", json!(1_u64 << 60), "column account_id has 2 entries for 1152921504606846976 rows"),
        ("/columns/principal/codes", json!([0]), "column principal has 1 entries for 2 rows"),
        ("/columns/principal/codes/1", json!(2), "column principal, row 1: there is no value number 2"),
        ("/columns/principal/values", json!([]), "column principal, row 0: there is no value number 0"),
        ("/days/codes", json!([0]), "column days has 1 entries"),
        ("/days/codes/0", json!(4_294_967_295_u32), "column days, row 0: there is no value number 4294967295"),
        ("/days/values/0", json!("2026-13-01"), "out of range"),
        ("/columns/principal/codes/0", json!(4_294_967_296_u64), "invalid value"),
        ("/tags/codes", json!([0, 1]), "column tags, row 1: there is no value number 1"),
        ("/tags/codes", json!([0, 0, 0]), "column tags has 3 entries"),
        ("/usage_amount", json!(["1"]), "column usage_amount has 1 entries"),
        ("/tokens", json!([]), "column tokens has 0 entries"),
        ("/unblended_cost", json!([]), "column unblended_cost has 0 entries"),
        ("/unblended_cost/0", json!("1e3"), "`1e3` is not a plain decimal"),
        ("/unblended_cost/0", json!(1.5), "invalid type"),
        ("/unblended_cost/0", Value::Null, "invalid type"),
        ("/net_unblended_cost", json!([]), "column net_unblended_cost has 0 entries"),
        ("/list_cost", json!([]), "column list_cost has 0 entries"),
        ("/line_items", json!([]), "column line_items has 0 entries"),
        ("/line_items/0", json!(-1), "invalid value"),
        ("/line_items/1", json!(1_u64 << 32), "row 1 makes a sum that is out of range"),
        ("/lines_without_net", json!([]), "column lines_without_net has 0 entries"),
    ] {
        let error = damaged(pointer, put);
        assert!(error.contains(says), "{pointer}: {error}");
    }
}

#[test]
fn columns_are_there_once_and_known() {
    let good = two_lines();
    let mut missing = good.clone();
    missing["columns"].as_object_mut().unwrap().remove("region");
    assert_eq!(read(&missing), Err("column region is missing".to_owned()));
    let mut more = good.clone();
    more["columns"]["colour"] = json!({"values": ["x"], "codes": [0, 0]});
    assert_eq!(read(&more), Err("column colour is not known".to_owned()));
    let mut more = good.clone();
    more["colour"] = json!([]);
    assert!(read(&more).unwrap_err().contains("unknown field `colour`"));
    let text = good.to_string();
    for (once, twice) in [
        (r#""region":"#, r#""region":{"values":[],"codes":[]},"region":"#),
        (r#"{"iamPrincipal/team":"search"}"#, r#"{"iamPrincipal/team":"x","iamPrincipal/team":"search"}"#),
        (r#""tokens":"#, r#""tokens":[],"tokens":"#),
    ] {
        let text = text.replace(once, twice);
        let error = serde_json::from_str::<Columns>(&text).unwrap_err().to_string();
        assert!(error.contains("twice") || error.contains("duplicate"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_damage_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = two_lines().to_string().into_bytes();
        *at.get_mut(&mut bytes) = byte;
        if let Ok(columns) = serde_json::from_slice::<Columns>(&bytes) {
            let _ = columns.clone().into_table::<LineField>();
            let _ = columns.into_table::<FactField>();
        }
    }
}
