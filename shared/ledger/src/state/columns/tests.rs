use std::time::Instant;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, day).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> Arc<Tags> {
    Arc::new(pairs.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect())
}

/// A bill line of which the principal, the currency and the cost differ from others.
fn line(date: u32, principal: &str, cost: &str, tags: Arc<Tags>) -> (LineKey, Measures) {
    let fields = LineField::ALL.map(|field| match field {
        LineField::Principal => Arc::from(principal),
        LineField::Currency => Arc::from("USD"),
        _ => Arc::from(""),
    });
    let measures = Measures {
        usage_amount: decimal("1.5"),
        unblended_cost: decimal(cost),
        net_unblended_cost: decimal(cost),
        line_items: 2,
        lines_without_net: 2,
        ..Measures::default()
    };
    (LineKey { usage_date: day(date), fields, tags }, measures)
}

fn two_lines() -> Vec<(LineKey, Measures)> {
    let mut lines = vec![
        line(1, "alice", "0.1", tags(&[("iamPrincipal/team", "search")])),
        line(2, "bob", "-12", tags(&[("iamPrincipal/team", "search")])),
    ];
    lines[1].1.list_cost = Some(decimal("3"));
    lines
}

fn stored(columns: &Columns) -> Value {
    serde_json::to_value(columns).unwrap()
}

fn read(value: &Value) -> Result<Vec<(LineKey, Measures)>, String> {
    let columns: Columns = serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())?;
    columns.into_lines().map_err(|error| error.to_string())
}

#[test]
fn the_stored_form_is_the_one_documented() {
    let mut value = stored(&Columns::of_lines(&two_lines()));
    let columns = value["columns"].as_object_mut().unwrap();
    assert_eq!(columns.len(), LineField::ALL.len());
    columns.retain(|name, _| ["principal", "currency"].contains(&name.as_str()));
    assert_eq!(
        value,
        json!({
            "rows": 2,
            "days": {"values": ["2026-10-01", "2026-10-02"], "codes": [0, 1]},
            "columns": {
                "currency": {"values": ["USD"], "codes": [0, 0]},
                "principal": {"values": ["alice", "bob"], "codes": [0, 1]},
            },
            "tags": {"values": [{"iamPrincipal/team": "search"}], "codes": [0, 0]},
            "usage_amount": ["1.5", "1.5"],
            "tokens": [null, null],
            "unblended_cost": ["0.1", "-12"],
            "net_unblended_cost": ["0.1", "-12"],
            "list_cost": [null, "3"],
            "line_items": [2, 2],
            "lines_without_net": [2, 2],
        })
    );
}

#[test]
fn no_rows_read_back_as_no_rows() {
    let columns = Columns::of_lines(&[]);
    assert!(columns.is_empty());
    assert_eq!(read(&stored(&columns)), Ok(Vec::new()));
    assert_eq!(Columns::of_facts(&[]).into_facts(), Ok(Vec::new()));
}

#[test]
fn equal_texts_are_shared() {
    let lines = read(&stored(&Columns::of_lines(&two_lines()))).unwrap();
    let currency = |row: usize| &lines[row].0.fields[LineField::Currency as usize];
    assert!(Arc::ptr_eq(currency(0), currency(1)));
    assert!(Arc::ptr_eq(&lines[0].0.tags, &lines[1].0.tags));
}

#[test]
fn rows_in_another_order_give_the_same_columns() {
    let mut lines = two_lines();
    let sorted = Columns::of_lines(&lines);
    lines.reverse();
    assert_eq!(Columns::of_lines(&lines), sorted);
}

#[test]
fn facts_and_bill_lines_are_not_taken_for_each_other() {
    let columns = Columns::of_lines(&two_lines());
    assert_eq!(columns.into_facts(), Err(ColumnsError::Missing { column: "identity" }));
    let error = Columns::of_facts(&[]).into_lines().unwrap_err();
    assert_eq!(error, ColumnsError::Missing { column: "bill_type" });
}

#[test]
fn every_damage_is_an_error_that_says_where() {
    let good = stored(&Columns::of_lines(&two_lines()));
    let damaged = |pointer: &str, put: Value| {
        let mut value = good.clone();
        *value.pointer_mut(pointer).unwrap() = put;
        read(&value).unwrap_err()
    };
    for (pointer, put, says) in [
        ("/rows", json!(3), "column account_id has 2 entries for 3 rows"),
        ("/rows", json!(-1), "invalid value"),
        ("/columns/principal/codes", json!([0]), "column principal has 1 entries for 2 rows"),
        ("/columns/principal/codes/1", json!(2), "column principal, row 1: there is no value number 2"),
        ("/columns/principal/values", json!([]), "column principal, row 0: there is no value number 0"),
        ("/days/codes", json!([0]), "column days has 1 entries"),
        ("/days/codes/0", json!(4_294_967_295_u32), "column days, row 0: there is no value number 4294967295"),
        ("/days/values/0", json!("2026-13-01"), "out of range"),
        ("/days/codes", json!([1, 0]), "row 1 does not follow"),
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
        ("/lines_without_net", json!([]), "column lines_without_net has 0 entries"),
    ] {
        let error = damaged(pointer, put);
        assert!(error.contains(says), "{pointer}: {error}");
    }
}

#[test]
fn columns_are_there_once_and_known() {
    let good = stored(&Columns::of_lines(&two_lines()));
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

/// Texts as bills have them and as nobody expects them; few, so that they repeat.
fn some_text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![Just(""), Just("a"), Just("b"), Just("\"\\\u{0}é\u{10ffff}"), Just("arn:aws:iam::1:user/x")]
        .prop_map(Arc::from)
}

fn some_tags() -> impl Strategy<Value = Arc<Tags>> {
    proptest::collection::btree_map(some_text(), some_text(), 0..3).prop_map(Arc::new)
}

fn some_decimal() -> impl Strategy<Value = Decimal> {
    let limit = 10_i128.pow(38);
    prop_oneof![Just(0), -1000..1000_i128, (1 - limit)..limit].prop_map(|units| Decimal::from_units(units).unwrap())
}

fn some_measures() -> impl Strategy<Value = Measures> {
    let options = (proptest::option::of(some_decimal()), proptest::option::of(some_decimal()));
    (some_decimal(), some_decimal(), some_decimal(), options, any::<u64>(), any::<u64>()).prop_map(
        |(usage_amount, unblended_cost, net_unblended_cost, (tokens, list_cost), line_items, lines_without_net)| {
            Measures {
                usage_amount,
                tokens,
                unblended_cost,
                net_unblended_cost,
                list_cost,
                line_items,
                lines_without_net,
            }
        },
    )
}

fn some_day() -> impl Strategy<Value = NaiveDate> {
    (1..4_u32).prop_map(day)
}

fn some_lines() -> impl Strategy<Value = Vec<(LineKey, Measures)>> {
    let fields = proptest::array::uniform19(some_text());
    let key =
        (some_day(), fields, some_tags()).prop_map(|(usage_date, fields, tags)| LineKey { usage_date, fields, tags });
    proptest::collection::btree_map(key, some_measures(), 0..12).prop_map(|lines| lines.into_iter().collect())
}

fn some_facts() -> impl Strategy<Value = Vec<Fact>> {
    let fields = proptest::array::uniform24(some_text());
    let key =
        (some_day(), fields, some_tags()).prop_map(|(usage_date, fields, tags)| FactKey { usage_date, fields, tags });
    let facts = proptest::collection::btree_map(key, some_measures(), 0..12);
    facts.prop_map(|facts| facts.into_iter().map(|(key, measures)| Fact { key, measures }).collect())
}

proptest! {
    #[test]
    fn lines_read_back_and_equal_lines_have_equal_bytes(lines in some_lines(), seed in any::<usize>()) {
        let bytes = serde_json::to_vec(&Columns::of_lines(&lines)).unwrap();
        let columns: Columns = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(columns.len(), lines.len());
        prop_assert_eq!(columns.into_lines().unwrap(), lines.clone());
        let mut turned = lines.clone();
        turned.rotate_left(seed % lines.len().max(1));
        prop_assert_eq!(serde_json::to_vec(&Columns::of_lines(&turned)).unwrap(), bytes);
    }

    #[test]
    fn facts_read_back(facts in some_facts()) {
        let bytes = serde_json::to_vec(&Columns::of_facts(&facts)).unwrap();
        let columns: Columns = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(columns.into_facts().unwrap(), facts);
    }

    #[test]
    fn no_damage_panics(lines in some_lines(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = serde_json::to_vec(&Columns::of_lines(&lines)).unwrap();
        *at.get_mut(&mut bytes) = byte;
        if let Ok(columns) = serde_json::from_slice::<Columns>(&bytes) {
            let _ = columns.clone().into_lines();
            let _ = columns.into_facts();
        }
    }
}

/// Times a month of many lines: `cargo test --release -p spend-ledger -- --ignored --nocapture a_large_month`.
#[test]
#[ignore = "measures, and tells something only in a release build"]
fn a_large_month_in_a_second() {
    let sets: Vec<_> = (0..200).map(|team| tags(&[("iamPrincipal/team", &format!("team-{team}"))])).collect();
    let mut lines: Vec<_> = (0..300_000_u32)
        .map(|row| {
            let cost = format!("{}.{:09}", row % 97, u64::from(row) * 7_919 % 1_000_000_000);
            let set = Arc::clone(&sets[(row % 200) as usize]);
            line(1 + row / 10_000, &format!("arn:aws:iam::111122223333:user/{}", row % 10_000), &cost, set)
        })
        .collect();
    lines.sort_by(|left, right| left.0.cmp(&right.0));
    // As the readers make them: equal texts are shared.
    let mut interner = Interner::default();
    for (key, _) in &mut lines {
        key.fields = key.fields.each_ref().map(|text| interner.intern(text));
    }
    let start = Instant::now();
    let bytes = serde_json::to_vec(&Columns::of_lines(&lines)).unwrap();
    let encoded = start.elapsed();
    let start = Instant::now();
    let columns: Columns = serde_json::from_slice(&bytes).unwrap();
    let read = columns.into_lines().unwrap();
    let decoded = start.elapsed();
    assert_eq!(read, lines);
    println!("{} bytes, encoded in {encoded:?}, decoded in {decoded:?}", bytes.len());
    assert!(encoded.as_secs_f64() < 1.0 && decoded.as_secs_f64() < 1.0, "{encoded:?} {decoded:?}");
}

#[test]
fn lines_that_are_columns_already_are_stored_as_the_same_bytes() {
    let mut builder = spend_core::bill::reduction::ReductionBuilder::default();
    for (key, measures) in two_lines().into_iter().rev() {
        builder.add(key, &measures).unwrap();
    }
    let coded = Columns::of_coded_lines(builder.finish_coded());
    assert_eq!(coded, Columns::of_lines(&two_lines()));
    let nothing = spend_core::bill::reduction::ReductionBuilder::default().finish_coded();
    assert_eq!(Columns::of_coded_lines(nothing), Columns::of_lines(&[]));
}

#[test]
fn texts_that_no_bill_may_have_are_found_with_their_column() {
    assert_eq!(Columns::of_lines(&two_lines()).check_texts(), Ok(()));
    let long = |length: usize| "x".repeat(length);
    let found = |line| Columns::of_lines(&[line]).check_texts().map_err(|(column, error)| format!("{column} {error}"));
    let error = found(line(1, &long(110 << 10), "1", tags(&[]))).unwrap_err();
    assert!(error.starts_with("principal has a text of 112640 bytes"), "{error}");
    for (key, value) in [(long(513), "a".to_owned()), ("a".to_owned(), long(513))] {
        let error = found(line(1, "a", "1", tags(&[(&key, &value)]))).unwrap_err();
        assert!(error.starts_with("tags has a tag with a key or value of 513 characters"), "{error}");
    }
}
