use bytes::Bytes;
use chrono::{DateTime, TimeZone, Utc};
use parquet::basic::{Encoding, Repetition, Type};
use parquet::column::page::Page;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use spend_core::calendar::period::BillingPeriod;

use super::*;
use crate::columns::schema::COLUMNS;

fn time(hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 17, hour, 30, 5).unwrap()
}

/// One row with a cell of each kind, one with empty maps, one of nulls, one before 1970.
fn rows() -> Vec<Row> {
    let tags = [("iamPrincipal/team", "search"), ("userAttribute/Department", "R&D, \"ümlaut\"")];
    vec![
        Row::from([
            ("line_item_usage_type", "USE1-NovaLite-input-tokens".into()),
            ("line_item_unblended_cost", 0.000_123_456_789_012_345_6.into()),
            ("line_item_usage_start_date", time(23).into()),
            ("tags", Value::Map(tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())),
            ("discount", Value::Numbers(vec![("EDP".to_owned(), -0.25)])),
        ]),
        Row::from([("tags", Value::Map(Vec::new())), ("line_item_unblended_cost", (-7.25).into())]),
        Row::new(),
        Row::from([
            ("line_item_usage_start_date", Utc.with_ymd_and_hms(1969, 12, 31, 23, 59, 59).unwrap().into()),
            ("tags", Value::Map(vec![(String::new(), String::new())])),
        ]),
    ]
}

/// Every pair of page kind, timestamps and grouping, with each compression in turn.
fn shapes() -> Vec<FileShape> {
    let mut compressions =
        [Compression::None, Compression::Snappy, Compression::Gzip, Compression::Zstd].iter().cycle();
    let mut shapes = Vec::new();
    for timestamps in [Timestamps::Int96, Timestamps::Millis, Timestamps::Micros, Timestamps::Nanos] {
        for page_version in [PageVersion::V1, PageVersion::V2] {
            for dictionary in [true, false] {
                for (required, rows_per_group) in [(false, 1_000_000), (false, 3), (true, 0)] {
                    shapes.push(FileShape {
                        timestamps,
                        required,
                        page_version,
                        dictionary,
                        compression: *compressions.next().unwrap(),
                        rows_per_group,
                        ..FileShape::default()
                    });
                }
            }
        }
    }
    shapes
}

fn open(file: Vec<u8>) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::from(file)).unwrap()
}

/// A field as another program's reader sees it, as text; times in milliseconds since 1970.
fn text(field: &Field) -> String {
    let map = |entries: &[(Field, Field)]| {
        entries.iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect::<Vec<_>>().join(";")
    };
    match field {
        Field::Null => "null".to_owned(),
        Field::Str(text) => text.clone(),
        Field::Double(number) => number.to_string(),
        Field::TimestampMillis(millis) => millis.to_string(),
        Field::TimestampMicros(micros) => (micros / 1_000).to_string(),
        Field::Long(nanos) => (nanos / 1_000_000).to_string(),
        Field::MapInternal(entries) => format!("{{{}}}", map(entries.entries())),
        other => panic!("{other:?}"),
    }
}

fn expected(value: Option<&Value>, kind: Kind, required: bool) -> String {
    match (value, kind) {
        (Some(Value::Text(text)), _) => text.clone(),
        (Some(Value::Number(number)), _) => number.to_string(),
        (Some(Value::Time(time)), _) => time.timestamp_millis().to_string(),
        (Some(Value::Map(map)), _) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{{{}}}", entries.join(";"))
        }
        (Some(Value::Numbers(map)), _) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{{{}}}", entries.join(";"))
        }
        (None, _) if !required => "null".to_owned(),
        (None, Kind::Text) => String::new(),
        (None, Kind::Number | Kind::Time) => "0".to_owned(),
        (None, Kind::TextMap | Kind::NumberMap) => "{}".to_owned(),
    }
}

#[test]
fn every_cell_survives_in_every_shape() {
    let rows = rows();
    for shape in shapes() {
        let reader = open(parquet(&rows, &shape).unwrap());
        assert_eq!(reader.num_row_groups(), rows.len().div_ceil(shape.rows_per_group.max(1)), "{shape:?}");
        let mut count = 0;
        for (read, row) in reader.get_row_iter(None).unwrap().zip(&rows) {
            for ((name, field), column) in read.unwrap().get_column_iter().zip(COLUMNS) {
                assert_eq!(name, column.name);
                let expected = expected(row.get(column.name), column.kind, shape.required);
                assert_eq!(text(field), expected, "{name} in row {count} of {shape:?}");
            }
            count += 1;
        }
        assert_eq!(count, rows.len());
    }
}

#[test]
fn the_default_shape_is_what_aws_writes() {
    let reader = open(parquet(&rows(), &FileShape::default()).unwrap());
    let metadata = reader.metadata();
    let file = metadata.file_metadata();
    assert_eq!(file.schema().get_fields().len(), 131);
    assert!(file.schema().get_fields().iter().all(|field| field.get_basic_info().repetition() == Repetition::OPTIONAL));
    assert!(file.created_by().unwrap().starts_with("parquet-mr version 1.13.1"));
    let times = file.schema_descr().columns().iter().filter(|column| column.physical_type() == Type::INT96);
    assert_eq!(times.count(), 4);
    let paths: Vec<_> = file.schema_descr().columns().iter().map(|column| column.path().string()).collect();
    assert!(paths.contains(&"tags.key_value.key".to_owned()) && paths.contains(&"discount.key_value.value".to_owned()));
    let group = reader.get_row_group(0).unwrap();
    for index in 0..group.num_columns() {
        assert_eq!(group.metadata().column(index).compression(), parquet::basic::Compression::SNAPPY);
        let mut pages = group.get_column_page_reader(index).unwrap();
        while let Some(page) = pages.get_next_page().unwrap() {
            match page {
                Page::DataPage { encoding, .. } => assert_eq!(encoding, Encoding::RLE_DICTIONARY),
                Page::DataPageV2 { .. } => panic!("a v2 page"),
                Page::DictionaryPage { .. } => {}
            }
        }
    }
}

#[test]
fn other_shapes_change_what_they_say() {
    let shape = FileShape {
        timestamps: Timestamps::Millis,
        required: true,
        page_version: PageVersion::V2,
        dictionary: false,
        compression: Compression::Zstd,
        ..FileShape::default()
    };
    let reader = open(parquet(&rows(), &shape).unwrap());
    let schema = reader.metadata().file_metadata().schema();
    assert!(schema.get_fields().iter().all(|field| field.get_basic_info().repetition() == Repetition::REQUIRED));
    let group = reader.get_row_group(0).unwrap();
    for index in 0..group.num_columns() {
        assert!(matches!(group.metadata().column(index).compression(), parquet::basic::Compression::ZSTD(_)));
        assert_eq!(group.metadata().column(index).dictionary_page_offset(), None);
        let mut pages = group.get_column_page_reader(index).unwrap();
        assert!(matches!(pages.get_next_page().unwrap(), Some(Page::DataPageV2 { .. })));
    }
}

#[test]
fn a_file_without_rows_has_columns_and_no_row_group() {
    let reader = open(parquet(&[], &FileShape::default()).unwrap());
    assert_eq!(reader.num_row_groups(), 0);
    assert_eq!(reader.metadata().file_metadata().schema().get_fields().len(), 131);
}

#[test]
fn columns_follow_the_selection_and_other_cells_are_left_out() {
    let columns = vec!["tags", "line_item_unblended_cost"];
    let reader = open(parquet(&rows(), &FileShape { columns, ..FileShape::default() }).unwrap());
    let read: Vec<_> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(read[1], "{tags: {}, line_item_unblended_cost: -7.25E0}");
    let without = FileShape::default().without(&["line_item_iam_principal", "tags"]);
    assert_eq!(without.columns.len(), 129);
}

#[test]
fn mistakes_are_errors_and_name_the_column() {
    let error = |rows: &[Row], shape: &FileShape| parquet(rows, shape).unwrap_err().to_string();
    let shape = FileShape::default();
    let wrong = [Row::new(), Row::from([("line_item_unblended_cost", Value::from("1"))])];
    assert_eq!(
        error(&wrong, &shape),
        "writing a chunk: row 1, column line_item_unblended_cost: a double cannot hold a string"
    );
    let unknown = [Row::from([("line_item_cost", Value::from(1.0))])];
    assert_eq!(error(&unknown, &shape), "writing a chunk: CUR 2.0 has no column line_item_cost");
    let selected = |columns: Vec<&'static str>| FileShape { columns, ..FileShape::default() };
    assert_eq!(error(&[], &selected(vec!["team"])), "writing a chunk: CUR 2.0 has no column team");
    assert_eq!(error(&[], &selected(vec!["tags", "tags"])), "writing a chunk: column tags is selected twice");
    let far = [Row::from([("line_item_usage_start_date", Utc.with_ymd_and_hms(3000, 1, 1, 0, 0, 0).unwrap().into())])];
    let nanos = FileShape { timestamps: Timestamps::Nanos, ..FileShape::default() };
    assert_eq!(error(&far, &nanos), "writing a chunk: 3000-01-01 00:00:00 UTC cannot be stored as Nanos");
    assert!(parquet(&far, &shape).is_ok());
}

#[test]
fn a_manifest_lists_columns_files_and_period() {
    let period = BillingPeriod::of(time(0).date_naive());
    let keys = ["p/x/data/BILLING_PERIOD=2026-11/x-00001.snappy.parquet".to_owned()];
    let with = |id| manifest("arn:aws:x", "x", id, &["line_item_unblended_cost", "team"], "bucket", &keys, period);
    let read: serde_json::Value = serde_json::from_slice(&with(Some("e-1"))).unwrap();
    let expected = serde_json::json!({
        "exportArn": "arn:aws:x",
        "exportName": "x",
        "executionId": "e-1",
        "columns": [
            { "name": "line_item_unblended_cost", "type": "double" },
            { "name": "team", "type": "string" },
        ],
        "dataFiles": ["s3://bucket/p/x/data/BILLING_PERIOD=2026-11/x-00001.snappy.parquet"],
        "billingPeriod": "2026-11",
    });
    assert_eq!(read, expected);
    let read: serde_json::Value = serde_json::from_slice(&with(None)).unwrap();
    assert!(read.get("executionId").is_none());
}

#[test]
fn text_is_written_as_aws_writes_it() {
    let columns =
        vec!["line_item_usage_type", "line_item_unblended_cost", "line_item_usage_start_date", "tags", "discount"];
    let shape = FileShape { columns, ..FileShape::default() }.with_flattened(
        "tags",
        "userAttribute/Department",
        "tags_department",
    );
    let bytes = csv_gz(&rows(), &shape).unwrap();
    assert_eq!(bytes, csv_gz(&rows(), &shape).unwrap());
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes.as_slice()), &mut text).unwrap();
    let expected = [
        "line_item_usage_type,line_item_unblended_cost,line_item_usage_start_date,tags,discount,tags_department",
        "USE1-NovaLite-input-tokens,0.0001234567890123456,2026-11-17T23:30:05.000Z,\
         \"{\"\"iamPrincipal/team\"\":\"\"search\"\",\"\"userAttribute/Department\"\":\"\"R&D, \\\"\"ümlaut\\\"\"\"\"}\",\
         \"{\"\"EDP\"\":-0.25}\",\"R&D, \"\"ümlaut\"\"\"",
        ",-7.25,,{},{},",
        ",,,{},{},",
        ",,1969-12-31T23:59:59.000Z,\"{\"\"\"\":\"\"\"\"}\",{},",
        "",
    ];
    assert_eq!(text, expected.join("\n"));
}

#[test]
fn a_flattened_column_needs_a_name_of_its_own() {
    let twice = FileShape::default().with_flattened("tags", "a", "line_item_operation");
    let message = "writing a chunk: column line_item_operation is selected twice";
    assert_eq!(parquet(&[], &twice).unwrap_err().to_string(), message);
    assert_eq!(csv_gz(&[], &twice).unwrap_err().to_string(), message);
}
