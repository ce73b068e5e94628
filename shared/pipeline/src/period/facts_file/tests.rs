use parquet::record::Row;
use spend_core::facts::fact::{FactField, FactKey, FactTable};
use spend_core::table::field::Field as _;
use spend_core::table::measures::Measures;

use super::*;

mod stored;

fn of() -> FactsOf {
    FactsOf { delivery_id: "d".to_owned(), revision: 2, derivation: "x".to_owned() }
}

/// A fact whose fields are all `field`, with these tags.
fn fact(day: &str, field: &str, tags: &[(&str, &str)], measures: Measures) -> (FactKey, Measures) {
    let fields = FactField::ALL.map(|_| Arc::from(field));
    let tags: Tags = tags.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    (FactKey { usage_date: day.parse().unwrap(), fields, tags: Arc::new(tags) }, measures)
}

/// The table of rows that stand alone.
fn table(rows: impl IntoIterator<Item = (FactKey, Measures)>) -> FactTable {
    FactTable::of(rows).unwrap()
}

/// What a reader that knows nothing of this package makes of the file: each row's columns, as texts.
fn read(file: Bytes) -> Vec<Vec<(String, String)>> {
    let reader = SerializedFileReader::new(file).unwrap();
    let row = |row: Row| row.get_column_iter().map(|(name, field)| (name.clone(), field.to_string())).collect();
    reader.get_row_iter(None).unwrap().map(|read| row(read.unwrap())).collect()
}

#[test]
fn a_row_reads_as_it_was_and_what_it_lacks_is_null() {
    let whole = Measures {
        usage_amount: "1234.5".parse().unwrap(),
        tokens: Some("1234500".parse().unwrap()),
        unblended_cost: "-0.000000000000000001".parse().unwrap(),
        net_unblended_cost: "12345678901234567890.5".parse().unwrap(),
        list_cost: Some("3".parse().unwrap()),
        line_items: 7,
        lines_without_net: 2,
    };
    let tags = [("iamPrincipal/team", "search"), ("resourceTags/env", "")];
    let rows = read(
        write(
            &table([fact("2026-11-30", "Ünïcode", &tags, whole), fact("1969-12-31", "", &[], Measures::default())]),
            &of(),
        )
        .unwrap(),
    );
    let [full, empty] = rows.as_slice() else { panic!("{rows:?}") };
    let fields = FactField::ALL.map(FactField::as_str);
    let names: Vec<_> = ["usage_date"].into_iter().chain(fields).collect();
    assert_eq!(full.iter().map(|(name, _)| name.as_str()).take(names.len()).collect::<Vec<_>>(), names);
    let of = |row: &[(String, String)], name: &str| row.iter().find(|(has, _)| has == name).unwrap().1.clone();
    for name in fields {
        let nothing = if ["principal", "unattributed_reason"].contains(&name) { "null" } else { "\"\"" };
        assert_eq!((of(full, name), of(empty, name)), ("\"Ünïcode\"".to_owned(), nothing.to_owned()), "{name}");
    }
    let rest = [
        ("usage_date", "2026-11-30", "1969-12-31"),
        ("tags", r#"{"iamPrincipal/team" -> "search", "resourceTags/env" -> ""}"#, "{}"),
        ("usage_amount", "1234.5", "0E0"),
        ("tokens", "1234500.000000000000000000", "null"),
        ("unblended_cost", "-0.000000000000000001", "0.000000000000000000"),
        ("net_unblended_cost", "12345678901234567890.500000000000000000", "0.000000000000000000"),
        ("list_cost", "3.000000000000000000", "null"),
        ("line_items", "7", "0"),
        ("lines_without_net", "2", "0"),
    ];
    for (name, whole, nothing) in rest {
        assert_eq!((of(full, name).as_str(), of(empty, name).as_str()), (whole, nothing), "{name}");
    }
    assert_eq!(full.len(), fields.len() + rest.len());
}

/// The rows are more than are handed to the writer at once.
#[test]
fn each_row_keeps_its_own_tags_and_sums_however_many_rows_there_are() {
    let rows = 2 * BATCH + 1;
    let fact = |row: usize| {
        let tags: Vec<_> = (0..row % 4).map(|tag| (format!("tag{tag}"), row.to_string())).collect();
        let tags: Vec<_> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let tokens = (!row.is_multiple_of(3)).then(|| row.to_string().parse().unwrap());
        let field = if row.is_multiple_of(5) { String::new() } else { row.to_string() };
        fact("2026-11-01", &field, &tags, Measures { tokens, ..Measures::default() })
    };
    let facts: Vec<_> = (0..rows).map(fact).collect();
    let read = read(write(&table(facts), &of()).unwrap());
    assert_eq!(read.len(), rows);
    for (row, columns) in read.iter().enumerate() {
        let of = |name: &str| columns.iter().find(|(has, _)| has == name).unwrap().1.as_str();
        let tags: Vec<_> = (0..row % 4).map(|tag| format!("\"tag{tag}\" -> \"{row}\"")).collect();
        assert_eq!(of("tags"), format!("{{{}}}", tags.join(", ")));
        assert_eq!(of("tokens"), if row.is_multiple_of(3) { "null".to_owned() } else { format!("{row}.{:018}", 0) });
        assert_eq!(of("principal"), if row.is_multiple_of(5) { "null".to_owned() } else { format!("\"{row}\"") });
    }
}

#[test]
fn a_file_says_whose_facts_it_holds_even_if_there_are_none() {
    let file = write(&FactTable::default(), &of()).unwrap();
    assert_eq!((facts_of(&file), read(file).len()), (Some(of()), 0));
    assert_eq!(facts_of(&Bytes::from_static(b"PAR1 not quite PAR1")), None);
}

#[test]
fn the_map_of_tags_has_the_names_of_the_parquet_specification() {
    let reader = SerializedFileReader::new(write(&FactTable::default(), &of()).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let paths: Vec<_> = schema.columns().iter().map(|column| column.path().string()).collect();
    let tags: Vec<_> = paths.iter().filter(|path| path.starts_with("tags")).collect();
    assert_eq!(tags, ["tags.key_value.key", "tags.key_value.value"]);
}
