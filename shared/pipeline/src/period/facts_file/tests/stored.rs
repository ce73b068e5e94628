//! The facts file as a release wrote it, beside the other formats in `tests/fixtures/formats`.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use parquet::file::reader::FileReader as _;
use parquet::schema::printer::print_schema;
use serde::Deserialize;
use spend_ledger::state::columns::Columns as StoredColumns;

use super::{FORMAT, FactTable, FactsOf, SerializedFileReader, facts_of, read, write};

/// What the fixture must be read as.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    delivery_id: String,
    revision: u64,
    derivation: String,
    facts: StoredColumns,
}

/// The columns by name and type, what the file says of itself, and every row.
fn contents(file: &Bytes) -> String {
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    let metadata = reader.metadata().file_metadata();
    let mut schema = Vec::new();
    print_schema(&mut schema, metadata.schema());
    let schema = String::from_utf8(schema).unwrap();
    format!("{schema}\n{:#?}\n{:#?}", metadata.key_value_metadata(), read(file.clone()))
}

#[test]
fn a_facts_file_of_this_version_is_read_and_written_as_it_was() {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/formats").join(FORMAT.replace('/', "-"));
    let add = format!(
        "a column more or less, or another type, is another version: set FORMAT behind {FORMAT}, put whole.read.json of the \
         facts into a folder of that name, and run `WRITE_FIXTURES=1 cargo test -p spend-pipeline --lib stored`"
    );
    let expected: Read = serde_json::from_slice(&fs::read(fixture.join("whole.read.json")).expect(&add)).unwrap();
    let facts: FactTable = expected.facts.into_table().expect(&add);
    let of =
        FactsOf { delivery_id: expected.delivery_id, revision: expected.revision, derivation: expected.derivation };
    let written = write(&facts, &of).unwrap();
    let path = fixture.join("whole.parquet");
    if std::env::var_os("WRITE_FIXTURES").is_some() && !path.exists() {
        fs::write(&path, &written).unwrap();
    }
    let stored = Bytes::from(fs::read(&path).expect(&add));
    assert_eq!(facts_of(&stored), Some(of), "{add}");
    assert_eq!(read(stored.clone()).len(), facts.len());
    assert_eq!(contents(&written), contents(&stored), "{add}");
}
