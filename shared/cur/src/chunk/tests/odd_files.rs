//! Files that AWS does not write today, and that tools which copy exports do.

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use spend_core::bill::line::LineField;
use spend_core::errors::fault::Fault as _;

use super::*;

/// A leaf of a file: its values, and levels where it is not required and flat.
enum Leaf {
    Text(Vec<&'static str>),
    /// Of a map: the values, their definition levels, their repetition levels.
    Entries(Vec<&'static str>, Vec<i16>, Vec<i16>),
    Double(Vec<f64>),
    Long(Vec<i64>),
    Int(Vec<i32>),
    /// So many nulls.
    Null(usize),
}

/// The columns without which no chunk is read, for one row.
fn required() -> Vec<(&'static str, Leaf)> {
    vec![
        ("required double line_item_unblended_cost", Leaf::Double(vec![1.25])),
        ("required binary line_item_line_item_type (STRING)", Leaf::Text(vec!["Usage"])),
        ("required binary line_item_product_code (STRING)", Leaf::Text(vec!["AmazonBedrock"])),
        (
            "required int64 line_item_usage_start_date (TIMESTAMP(MILLIS,true))",
            Leaf::Long(vec![at(17, 3).timestamp_millis()]),
        ),
        ("required binary line_item_currency_code (STRING)", Leaf::Text(vec!["USD"])),
    ]
}

fn replaced(name: &str, with: Option<(&'static str, Leaf)>) -> Vec<(&'static str, Leaf)> {
    let mut columns = required();
    let index = columns.iter().position(|(field, _)| field.contains(name)).unwrap();
    columns.remove(index);
    columns.extend(with);
    columns
}

/// A file of these columns: the field as Parquet's documentation writes it, and its leaves.
fn odd_file(columns: Vec<(&str, Leaf)>, compression: Compression) -> Vec<u8> {
    let fields: String =
        columns.iter().filter(|(field, _)| !field.is_empty()).map(|(field, _)| with_end(field)).collect();
    let schema = Arc::new(parse_message_type(&format!("message odd {{ {fields} }}")).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (_, leaf) in columns {
        let mut column = group.next_column().unwrap().unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|text| ByteArray::from(*text)).collect::<Vec<_>>();
        match leaf {
            Leaf::Text(values) => column.typed::<ByteArrayType>().write_batch(&texts(&values), None, None),
            Leaf::Entries(values, definition, repetition) => {
                column.typed::<ByteArrayType>().write_batch(&texts(&values), Some(&definition), Some(&repetition))
            }
            Leaf::Double(values) => column.typed::<DoubleType>().write_batch(&values, None, None),
            Leaf::Long(values) => column.typed::<Int64Type>().write_batch(&values, None, None),
            Leaf::Int(values) => column.typed::<Int32Type>().write_batch(&values, None, None),
            Leaf::Null(rows) => column.typed::<Int32Type>().write_batch(&[], Some(&vec![0; rows]), None),
        }
        .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn with_end(field: &str) -> String {
    if field.ends_with('}') { field.to_owned() } else { format!("{field};") }
}

fn reduce_odd(columns: Vec<(&str, Leaf)>) -> Result<Reduction, CurError> {
    reduce(odd_file(columns, Compression::UNCOMPRESSED))
}

#[test]
fn maps_are_read_under_every_name_of_their_groups() {
    for field in [
        "optional group tags (MAP) { repeated group key_value { required binary key (STRING); optional binary value (STRING); } }",
        "optional group tags (MAP) { repeated group map { required binary key (STRING); optional binary value (STRING); } }",
        "optional group tags (MAP_KEY_VALUE) { repeated group map { required binary key (UTF8); optional binary value (UTF8); } }",
        "optional group tags (MAP) { repeated group entries { required binary keys (STRING); optional binary values (STRING); } }",
        "optional group tags (MAP) { repeated group key_value { required binary key; optional binary value; } }",
    ] {
        let mut columns = required();
        columns.push((field, Leaf::Entries(vec!["iamPrincipal/team", "accountTag/none"], vec![2, 2], vec![0, 1])));
        columns.push(("", Leaf::Entries(vec!["search"], vec![3, 2], vec![0, 1])));
        let reduction = reduce_odd(columns).unwrap_or_else(|error| panic!("{field}: {error}"));
        let tags = reduction.lines.row(0).tags();
        assert_eq!(
            tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
            ["iamPrincipal/team=search"]
        );
    }
}

#[test]
fn maps_are_read_as_lists_of_entries() {
    let mut columns = required();
    columns.push((
        "optional group product (LIST) { repeated group list { optional group element { \
         required binary key (STRING); optional binary value (STRING); } } }",
        Leaf::Entries(vec!["model", "provider"], vec![3, 3], vec![0, 1]),
    ));
    columns.push(("", Leaf::Entries(vec!["Nova Lite"], vec![4, 3], vec![0, 1])));
    let lines = reduce_odd(columns).unwrap().lines;
    let line = lines.row(0);
    assert_eq!((line.get(LineField::Model), line.get(LineField::Provider)), ("Nova Lite", ""));
}

#[test]
fn texts_without_the_annotation_are_texts() {
    let columns =
        replaced("product_code", Some(("required binary line_item_product_code", Leaf::Text(vec!["AmazonBedrock"]))));
    assert_eq!(reduce_odd(columns).unwrap().counts.bedrock_rows, 1);
}

#[test]
fn texts_that_are_no_utf8_are_errors() {
    for field in ["required binary line_item_product_code", "required binary line_item_product_code (STRING)"] {
        let columns = replaced("product_code", Some((field, Leaf::Text(vec!["AmazonBedrock\u{e9}"]))));
        let mut bytes = odd_file(columns, Compression::UNCOMPRESSED);
        let accents: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with("\u{e9}".as_bytes())).collect();
        for at in accents {
            bytes[at] = b'x';
        }
        let error = reduce(bytes).unwrap_err();
        assert_eq!(error.kind(), "export.corrupt", "{error}");
    }
}

#[test]
fn a_column_of_nulls_without_a_type_is_null() {
    let mut columns = required();
    columns.push(("optional int32 line_item_iam_principal (UNKNOWN)", Leaf::Null(1)));
    columns.push(("optional int32 line_item_net_unblended_cost (UNKNOWN)", Leaf::Null(1)));
    let reduction = reduce_odd(columns).unwrap();
    assert!(!reduction.counts.lacks_principal_column());
    assert_eq!(reduction.lines.row(0).lines_without_net(), 1);
}

#[test]
fn a_wrong_type_says_which_column_has_which_type() {
    for (column, name, field, leaf, message) in [
        (
            "unblended_cost",
            "line_item_unblended_cost",
            "required binary line_item_unblended_cost (STRING)",
            Leaf::Text(vec!["1.25"]),
            "is BYTE_ARRAY, not a double (DOUBLE)",
        ),
        (
            "unblended_cost",
            "line_item_unblended_cost",
            "required int32 line_item_unblended_cost",
            Leaf::Int(vec![1]),
            "is INT32, not a double (DOUBLE)",
        ),
        (
            "product_code",
            "line_item_product_code",
            "required int64 line_item_product_code",
            Leaf::Long(vec![1]),
            "is INT64, not text (BYTE_ARRAY)",
        ),
        (
            "start_date",
            "line_item_usage_start_date",
            "required int64 line_item_usage_start_date",
            Leaf::Long(vec![1]),
            "is INT64, not a timestamp (INT96, or INT64 with a unit)",
        ),
        (
            "start_date",
            "line_item_usage_start_date",
            "required binary line_item_usage_start_date (STRING)",
            Leaf::Text(vec!["2026"]),
            "is BYTE_ARRAY, not a timestamp (INT96, or INT64 with a unit)",
        ),
    ] {
        let error = reduce_odd(replaced(column, Some((field, leaf)))).unwrap_err();
        assert_eq!(error.kind(), "export.wrong_type");
        let cure = "select it in the export's query as it is, without a cast and not under another column's name";
        assert_eq!(error.to_string(), format!("{NAME}: column {name} {message}: {cure}"));
    }
    let mut columns = required();
    columns.push(("required binary tags (STRING)", Leaf::Text(vec!["{}"])));
    assert_eq!(reduce_odd(columns).unwrap_err().kind(), "export.wrong_type");
}

#[test]
fn a_column_that_is_there_twice_is_an_error() {
    let mut columns = required();
    columns.push(("required double line_item_unblended_cost", Leaf::Double(vec![9.0])));
    let error = reduce_odd(columns).unwrap_err();
    assert_eq!(error.kind(), "export.corrupt");
    assert!(error.to_string().contains("column line_item_unblended_cost is there twice"), "{error}");
}

#[test]
fn a_focus_export_is_named_as_such() {
    let columns = vec![
        ("required double BilledCost", Leaf::Double(vec![1.0])),
        ("required int64 ChargePeriodStart (TIMESTAMP(MILLIS,true))", Leaf::Long(vec![0])),
    ];
    let error = reduce_odd(columns).unwrap_err();
    assert_eq!(error.kind(), "export.focus");
    assert!(error.to_string().starts_with(&format!("{NAME}: this is a FOCUS export (it has the column BilledCost)")));
}

#[test]
fn legacy_reports_are_named_as_such() {
    let mut flat = required();
    for column in [
        "required binary product_product_name (STRING)",
        "required binary identity_line_item_id (STRING)",
        "required binary identity_time_interval (STRING)",
        "required binary bill_invoice_id (STRING)",
        "required binary bill_billing_entity (STRING)",
        "required binary line_item_line_item_description (STRING)",
    ] {
        flat.push((column, Leaf::Text(vec!["Amazon Bedrock"])));
    }
    let slashed = vec![("required double lineItem/UnblendedCost", Leaf::Double(vec![1.0]))];
    for (columns, name) in [(flat, "product_product_name"), (slashed, "lineItem/UnblendedCost")] {
        let error = reduce_odd(columns).unwrap_err();
        assert_eq!(error.kind(), "export.legacy_report");
        assert_eq!(
            error.to_string(),
            format!(
                "{NAME}: this is a legacy Cost and Usage Report (it has the column {name}), which never names the \
                 caller: create a CUR 2.0 export with IAM principal data (INCLUDE_IAM_PRINCIPAL_DATA)"
            )
        );
    }
    // An export whose query lays the product flat is CUR 2.0 all the same.
    let mut flattened = required();
    flattened.push(("required binary product_product_name (STRING)", Leaf::Text(vec!["Amazon Bedrock"])));
    assert!(reduce_odd(flattened).is_ok());
}
