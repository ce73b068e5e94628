use std::sync::Arc;

use chrono::NaiveDate;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};
use spend_core::bill::line::{LineField, LineKey, LineTable, ScanCounts};
use spend_core::facts::fact::{FactKey, FactTable};
use spend_core::facts::folding::Folded;
use spend_core::money::decimal::Decimal;
use spend_core::table::measures::Measures;
use spend_core::table::tags::Tags;

use super::*;
use crate::state::period::{EarlierState, PeriodState};
use crate::state::reduction::{EarlierReduction, StoredReduction};
use crate::store::ETag;

const KEY: &str = "reductions/export=e/period=2026-11/v1/0a.json.zst";

fn reduction(lines: LineTable) -> StoredReduction {
    let counts = ScanCounts { rows: 3, ..ScanCounts::default() };
    StoredReduction { chunk: "cur/data/ü.parquet".to_owned(), etag: ETag("1".to_owned()), counts, lines }
}

fn state(facts: FactTable) -> PeriodState {
    PeriodState {
        export_id: "finops".to_owned(),
        period: "2026-11".parse().unwrap(),
        deliveries: Vec::new(),
        counts: ScanCounts::default(),
        unknown_usage_rows: 7,
        folded: Folded::default(),
        derivation: "d".to_owned(),
        facts,
    }
}

/// Texts as bills have them and as nobody expects them; few, so that they repeat.
fn some_text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![Just(""), Just("a"), Just("b"), Just("\"\\\u{0}\né\u{10ffff}"), Just("arn:aws:iam::1:user/x")]
        .prop_map(Arc::from)
}

fn some_tags() -> impl Strategy<Value = Arc<Tags>> {
    btree_map(some_text(), some_text(), 0..3).prop_map(Arc::new)
}

fn some_decimal() -> impl Strategy<Value = Decimal> {
    let limit = 10_i128.pow(38);
    prop_oneof![Just(0), -1000..1000_i128, (1 - limit)..limit].prop_map(|units| Decimal::from_units(units).unwrap())
}

fn some_measures() -> impl Strategy<Value = Measures> {
    let optional = || proptest::option::of(some_decimal());
    let counts = (any::<u32>(), 0..3_u32);
    (some_decimal(), optional(), some_decimal(), some_decimal(), optional(), counts).prop_map(
        |(usage_amount, tokens, unblended_cost, net_unblended_cost, list_cost, (line_items, lines_without_net))| {
            Measures {
                usage_amount,
                tokens,
                unblended_cost,
                net_unblended_cost,
                list_cost,
                line_items: line_items.into(),
                lines_without_net: lines_without_net.into(),
            }
        },
    )
}

fn some_day() -> impl Strategy<Value = NaiveDate> {
    (1..4_u32).prop_map(|day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap())
}

fn some_lines() -> impl Strategy<Value = Vec<(LineKey, Measures)>> {
    let fields = proptest::array::uniform19(some_text());
    let key =
        (some_day(), fields, some_tags()).prop_map(|(usage_date, fields, tags)| LineKey { usage_date, fields, tags });
    btree_map(key, some_measures(), 0..12).prop_map(|lines| lines.into_iter().collect())
}

fn some_facts() -> impl Strategy<Value = Vec<(FactKey, Measures)>> {
    let fields = proptest::array::uniform24(some_text());
    let key =
        (some_day(), fields, some_tags()).prop_map(|(usage_date, fields, tags)| FactKey { usage_date, fields, tags });
    btree_map(key, some_measures(), 0..12).prop_map(|facts| facts.into_iter().collect())
}

/// Lines whose columns have numbers of every width but the widest.
fn lines() -> LineTable {
    let line = |row: u32| {
        let mut fields = LineField::ALL.map(|_| Arc::<str>::default());
        fields[LineField::Principal as usize] = Arc::from(format!("p{}", row % 3));
        fields[LineField::Currency as usize] = Arc::from("USD");
        let tags = Tags::from([(Arc::from("iamPrincipal/team"), Arc::from(format!("t{}", row % 2)))]);
        let units = |units: i128| Decimal::from_units(units).unwrap();
        let measures = Measures {
            usage_amount: units(i128::from(row) * 10_i128.pow(18)),
            unblended_cost: units(10_i128.pow(37) + i128::from(row)),
            list_cost: (row == 1).then(|| units(5)),
            line_items: u64::from(row) * 300,
            ..Measures::default()
        };
        let day = NaiveDate::from_ymd_opt(2026, 11, 1 + row).unwrap();
        (LineKey { usage_date: day, fields, tags: Arc::new(tags) }, measures)
    };
    LineTable::of((0..4).map(line)).unwrap()
}

proptest! {
    #[test]
    fn bill_lines_come_back_and_in_any_order_they_are_equal_bytes(rows in some_lines(), turn in any::<usize>()) {
        let document = reduction(LineTable::of(rows.clone()).unwrap());
        let bytes = encode(&document).unwrap();
        prop_assert_eq!(decode::<StoredReduction>(KEY, &bytes).unwrap(), document);
        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len().max(1));
        prop_assert_eq!(&encode(&reduction(LineTable::of(turned).unwrap())).unwrap(), &bytes);
        let reversed = LineTable::of(rows.into_iter().rev()).unwrap();
        prop_assert_eq!(encode(&reduction(reversed)).unwrap(), bytes);
    }

    #[test]
    fn facts_come_back(rows in some_facts()) {
        let document = state(FactTable::of(rows.clone()).unwrap());
        let read: PeriodState = decode("k", &encode(&document).unwrap()).unwrap();
        prop_assert!(read.facts.rows().map(|fact| (fact.key(), fact.measures())).eq(rows));
        prop_assert_eq!(read, document);
    }

    #[test]
    fn every_text_of_a_document_is_among_its_texts(rows in some_lines()) {
        let found = texts::<StoredReduction>(KEY, &encode(&reduction(LineTable::of(rows.clone()).unwrap())).unwrap());
        let found = String::from_utf8(found.unwrap()).unwrap();
        let tags = rows.iter().flat_map(|(key, _)| key.tags.iter()).flat_map(|(key, value)| [&**key, &**value]);
        let fields = rows.iter().flat_map(|(key, _)| &key.fields).map(|text| &**text);
        for text in tags.chain(fields).chain(["cur/data/ü.parquet"]) {
            prop_assert!(found.contains(&serde_json::to_string(text).unwrap()), "{} is not in {}", text, found);
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_are_an_error(mut bytes in vec(any::<u8>(), 0..99), is_json in any::<bool>()) {
        if is_json {
            bytes.splice(..0, opened_by(r#"{"format":"reduction/3","head":9}"#));
        }
        prop_assert!(decode::<StoredReduction>(KEY, &bytes).is_err());
        prop_assert!(decode_head::<StoredReduction>(KEY, &bytes).is_err());
        prop_assert!(texts::<StoredReduction>(KEY, &bytes).is_err());
    }
}

#[test]
fn a_document_begins_with_a_line_that_says_what_it_is() {
    let bytes = encode(&reduction(lines())).unwrap();
    let line = bytes[8..].split(|byte| *byte == b'\n').next().unwrap();
    let line: Value = serde_json::from_slice(line).unwrap();
    assert_eq!(line["format"], "reduction/3");
    assert_eq!(bytes[..8], opened_by(&line.to_string())[..8]);
}

/// What they read is a document of version 2, which is JSON in zstd.
#[test]
fn releases_before_there_were_columns_say_that_an_object_is_newer() {
    let bytes = encode(&reduction(lines())).unwrap();
    let error = decode_compressed::<EarlierReduction>(KEY, &bytes).map(drop).unwrap_err();
    assert!(matches!(error, DocumentError::Newer { found: 3, reads: 2, .. }), "{error}");
    let bytes = encode(&state(FactTable::default())).unwrap();
    let error = decode_compressed::<EarlierState>(KEY, &bytes).map(drop).unwrap_err();
    assert!(matches!(error, DocumentError::Newer { found: 4, reads: 3, .. }), "{error}");
}

#[test]
fn an_object_whose_first_line_is_in_no_frame_is_read_too() {
    let framed = encode(&reduction(lines())).unwrap();
    let plain = &framed[8..];
    assert!(plain.starts_with(b"{"));
    assert_eq!(decode::<StoredReduction>(KEY, plain).unwrap(), decode(KEY, &framed).unwrap());
    assert_eq!(decode_head::<StoredReduction>(KEY, plain).unwrap(), decode_head(KEY, &framed).unwrap());
}

/// The first frame of an object, with this line.
fn opened_by(line: &str) -> Vec<u8> {
    let length = u32::try_from(line.len() + 1).unwrap();
    [&SKIPPED[..], &length.to_le_bytes(), line.as_bytes(), b"\n"].concat()
}

/// A bit of a zstd frame's first byte says nothing: who turns it changes nothing.
#[test]
fn a_byte_that_is_another_is_an_error_or_no_difference() {
    let document = reduction(lines());
    let good = encode(&document).unwrap();
    let mut errors = 0;
    for at in 0..good.len() {
        for turned in [1_u8 << (at % 8), 0xff] {
            let mut bytes = good.to_vec();
            bytes[at] ^= turned;
            match decode::<StoredReduction>(KEY, &bytes) {
                Ok(read) => assert_eq!(read, document, "byte {at}"),
                Err(error) => {
                    assert!(error.to_string().starts_with(KEY), "{error}");
                    errors += 1;
                }
            }
            // Neither of these may panic; the columns that they leave out may well be damaged.
            let _ = decode_head::<StoredReduction>(KEY, &bytes);
            let _ = texts::<StoredReduction>(KEY, &bytes);
        }
    }
    assert!(errors > good.len() * 2 - 100, "{errors} of {}", good.len() * 2);
}

#[test]
fn a_document_that_is_cut_anywhere_or_goes_on_is_an_error() {
    let mut bytes = encode(&reduction(lines())).unwrap().to_vec();
    for end in 0..bytes.len() {
        let error = decode::<StoredReduction>(KEY, &bytes[..end]).unwrap_err();
        assert!(error.to_string().starts_with(KEY), "{error}");
    }
    bytes.push(0);
    let error = decode::<StoredReduction>(KEY, &bytes).unwrap_err().to_string();
    assert!(error.contains("more bytes than its outline says"), "{error}");
}

/// An object taken apart.
struct Object {
    document: Vec<u8>,
    outline: Value,
    /// Where the outline has the length of each frame, in their order, and the frame.
    frames: Vec<(String, Vec<u8>)>,
}

impl Object {
    fn of(document: &StoredReduction) -> Self {
        let bytes = encode(document).unwrap();
        let opened = open::<StoredReduction>(KEY, &bytes).unwrap().unwrap();
        let outline: Value = serde_json::from_slice(opened.lines().1).unwrap();
        let mut places = Vec::new();
        let mut column = |at: String| places.extend([format!("{at}/values"), format!("{at}/codes/bytes")]);
        column("/days".to_owned());
        outline["columns"].as_object().unwrap().keys().for_each(|name| column(format!("/columns/{name}")));
        column("/tags".to_owned());
        places.extend(
            [
                "/usage_amount/bytes",
                "/tokens/amounts/bytes",
                "/tokens/present/bytes",
                "/unblended_cost/bytes",
                "/net_unblended_cost/bytes",
                "/list_cost/amounts/bytes",
                "/list_cost/present/bytes",
                "/line_items/bytes",
                "/lines_without_net/bytes",
            ]
            .map(str::to_owned),
        );
        let mut rest = opened.frames;
        let mut frame = |place: String| {
            let length = usize::try_from(outline.pointer(&place).unwrap().as_u64().unwrap()).unwrap();
            let (frame, behind) = rest.split_at(length);
            rest = behind;
            (place, frame.to_vec())
        };
        let frames = places.into_iter().map(&mut frame).collect();
        assert!(rest.is_empty());
        Self { document: opened.lines().0.to_vec(), outline, frames }
    }

    /// Another frame in the place of one.
    fn put(&mut self, place: &str, plain: &[u8]) {
        let frame = Writer::new().unwrap().compressed(plain).unwrap();
        self.outline.pointer_mut(place).map(|length| *length = frame.len().into()).unwrap();
        self.frames.iter_mut().find(|(at, _)| at == place).unwrap().1 = frame;
    }

    fn bytes(&self) -> Vec<u8> {
        let head = [&*self.document, self.outline.to_string().as_bytes(), b"\n"].concat();
        let head = Writer::new().unwrap().compressed(&head).unwrap();
        let opening = opened_by(&format!("{{\"format\":\"reduction/3\",\"head\":{}}}", head.len()));
        let frames: Vec<u8> = self.frames.iter().flat_map(|(_, frame)| frame.clone()).collect();
        [opening, head, frames].concat()
    }

    fn error(&self) -> String {
        decode::<StoredReduction>(KEY, &self.bytes()).unwrap_err().to_string()
    }
}

#[test]
fn an_outline_that_lies_is_an_error_that_says_where() {
    let good = reduction(lines());
    assert_eq!(decode::<StoredReduction>(KEY, &Object::of(&good).bytes()).unwrap(), good);
    for (pointer, put, says) in [
        ("/rows", json!(5), "column days has 4 entries for 5 rows|a column has 4 bytes for 5 rows of 1"),
        ("/rows", json!(3), "cannot be decompressed"),
        ("/rows", json!(1_u64 << 60), "it claims 1152921504606846976 rows"),
        ("/rows", json!(1_u64 << 26), "it claims 67108864 rows, which its columns are too short to tell apart"),
        ("/rows", json!(-1), "invalid value"),
        ("/days/codes/width", json!(3), "numbers of 3 bytes are not known"),
        ("/days/codes/width", json!(4), "a column has 4 bytes for 4 rows of 4"),
        ("/days/codes/width", json!(0), "numbers of 0 bytes are not known"),
        ("/columns/principal/values", json!(1_u64 << 40), "a frame of 1099511627776 bytes is said to be where"),
        ("/usage_amount/unit", json!(0), "amounts of 8 bytes in 0 are not known"),
        ("/usage_amount/unit", json!(-10), "amounts of 8 bytes in -10 are not known"),
        ("/usage_amount/width", json!(16), "are not known"),
        ("/unblended_cost/unit", json!(2), "amounts of 16 bytes in 2 are not known"),
        ("/net_unblended_cost/unit", json!(1), "amounts of 0 bytes in 1 are not known"),
        ("/lines_without_net/bytes", json!(7), "numbers of 0 bytes are not known"),
        ("/tags", json!({}), "missing field"),
        ("/columns/principal/colour", json!(1), "unknown field"),
    ] {
        let mut object = Object::of(&good);
        if let Some(slot) = object.outline.pointer_mut(pointer) {
            *slot = put;
        } else {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            object.outline.pointer_mut(parent).unwrap()[name] = put;
        }
        let error = object.error();
        assert!(error.starts_with(KEY) && says.split('|').any(|says| error.contains(says)), "{pointer}: {error}");
    }
}

#[test]
fn columns_that_lie_are_errors_that_say_where() {
    let short = |codes: &[u16]| codes.iter().flat_map(|code| code.to_le_bytes()).collect::<Vec<_>>();
    for (place, plain, says) in [
        ("/columns/principal/values", br#"["a","a","b"]"#.to_vec(), "the values of column principal are not in order"),
        ("/columns/principal/values", br#"["b","a","c"]"#.to_vec(), "the values of column principal are not in order"),
        ("/columns/principal/values", br#"["a","b"]"#.to_vec(), "column principal has no value number 2"),
        ("/columns/principal/values", b"[1]".to_vec(), "invalid type"),
        ("/columns/principal/codes/bytes", vec![0, 9, 1, 2], "column principal has no value number 9"),
        ("/days/values", br#"["2026-13-01"]"#.to_vec(), "out of range"),
        ("/days/codes/bytes", vec![1, 0, 2, 3], "row 1 does not follow"),
        ("/tags/values", br#"[{"a":"1","a":"2"}]"#.to_vec(), "twice"),
        ("/list_cost/present/bytes", vec![0, 2, 0, 0], "column list_cost has no value number 2"),
        ("/line_items/bytes", short(&[1, 2, 3]), "a column has 6 bytes for 4 rows of 2"),
        ("/unblended_cost/bytes", [0xff; 63].to_vec(), "a column has 63 bytes for 4 rows of 16"),
        ("/unblended_cost/bytes", [0x7f; 64].to_vec(), "column unblended_cost has an amount out of range"),
        // What decompresses to more than the outline says is not decompressed.
        ("/days/codes/bytes", vec![0; 64 << 20], "cannot be decompressed"),
    ] {
        let mut object = Object::of(&reduction(lines()));
        object.put(place, &plain);
        let error = object.error();
        assert!(error.starts_with(KEY) && error.contains(says), "{place}: {error}");
    }
}

#[test]
fn a_column_is_there_once_and_known() {
    let good = Object::of(&reduction(lines()));
    let changed = |from: &str, to: &str| {
        let mut head = [&*good.document, good.outline.to_string().replacen(from, to, 1).as_bytes()].concat();
        head.push(b'\n');
        let head = Writer::new().unwrap().compressed(&head).unwrap();
        let opening = opened_by(&format!("{{\"format\":\"reduction/3\",\"head\":{}}}", head.len()));
        let frames: Vec<u8> = good.frames.iter().flat_map(|(_, frame)| frame.clone()).collect();
        let bytes = [opening, head, frames].concat();
        decode::<StoredReduction>(KEY, &bytes).unwrap_err().to_string()
    };
    let nothing = r#"{"values":0,"codes":{"width":0,"bytes":0}}"#;
    let twice = changed("\"region\":", &format!("\"region\":{nothing},\"region\":"));
    assert!(twice.contains("is there twice"), "{twice}");
    let unknown = changed("\"region\":", &format!("\"zzz\":{nothing},\"region\":"));
    assert!(unknown.contains("column zzz is not known"), "{unknown}");
    let missing = changed("\"region\":", "\"regionx\":");
    assert!(missing.contains("column region is missing"), "{missing}");
}

#[test]
fn a_frame_that_decompresses_to_more_than_is_read_is_an_error() {
    let mut writer = Writer::new().unwrap();
    let length = writer.bytes(&vec![b' '; 1 << 20]).unwrap();
    let frames = writer.into_bytes();
    let error = |limit| Reader::new(&frames, limit).json(length).unwrap_err().to_string();
    assert!(error(1000).contains("more bytes decompressed than are read"), "{}", error(1000));
    assert!(Reader::new(&frames, 1 << 20).json(length).is_ok());
    let codes = outline::Numbers { width: 1, bytes: length };
    let error = Reader::new(&frames, 1000).codes(1 << 20, codes).unwrap_err().to_string();
    assert!(error.contains("decompressed than are read"), "{error}");
}

/// The longest that zstd writes of what says least stays within what a frame is taken to hold.
#[test]
fn what_a_frame_can_hold_is_no_less_than_what_it_does() {
    for length in [1, 100, 128 << 10, (128 << 10) + 1, 1 << 24] {
        for byte in [0, 1] {
            let mut writer = Writer::new().unwrap();
            let bytes = writer.bytes(&vec![byte; length]).unwrap();
            assert!(frames::can_hold(bytes, length as u64), "{length}: {bytes}");
            let codes = outline::Numbers { width: 1, bytes };
            assert!(Reader::new(&writer.into_bytes(), 1 << 30).codes(length, codes).is_ok(), "{length}");
        }
    }
    let tiny = outline::Amounts { unit: 1, width: 16, bytes: 9 };
    let error = Reader::new(&[0; 9], 1 << 30).decimals(1 << 26, tiny).unwrap_err().to_string();
    assert!(error.contains("a frame of 9 bytes cannot have 67108864 rows of 16"), "{error}");
}

#[test]
fn every_frame_has_a_checksum_that_is_verified() {
    let good = Object::of(&reduction(lines()));
    let mut checked = 0;
    for at in 0..good.frames.len() {
        let mut object = Object::of(&reduction(lines()));
        let Some(last) = object.frames[at].1.last_mut() else { continue };
        *last ^= 1;
        let error = object.error();
        assert!(error.contains("cannot be decompressed"), "{}: {error}", good.frames[at].0);
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
}

#[test]
fn a_newer_version_and_another_format_are_not_damage() {
    let error = |line: &str| {
        let bytes = [&opened_by(line)[..], b"whatever comes"].concat();
        let all = [
            decode::<StoredReduction>(KEY, &bytes).map(drop).unwrap_err(),
            decode_head::<StoredReduction>(KEY, &bytes).map(drop).unwrap_err(),
            texts::<StoredReduction>(KEY, &bytes).map(drop).unwrap_err(),
        ];
        assert!(all.windows(2).all(|pair| pair[0].to_string() == pair[1].to_string()), "{all:?}");
        all.into_iter().next().unwrap()
    };
    let newer = error(r#"{"format":"reduction/4","layout":["new"]}"#);
    assert!(matches!(newer, DocumentError::Newer { found: 4, reads: 3, .. }), "{newer}");
    let other = error(r#"{"format":"period-state/4","head":9}"#);
    assert!(matches!(other, DocumentError::WrongFormat { .. }), "{other}");
    let damaged = error(r#"{"format":"reduction/3"}"#);
    assert!(matches!(damaged, DocumentError::Damaged { .. }), "{damaged}");
}

#[test]
fn a_head_is_read_without_any_column() {
    let document = reduction(lines());
    let mut object = Object::of(&document);
    object.frames.clear();
    let bytes = object.bytes();
    let head: StoredReduction = decode_head(KEY, &bytes).unwrap();
    assert_eq!(head, reduction(LineTable::default()));
    assert!(decode::<StoredReduction>(KEY, &bytes).is_err());
}
