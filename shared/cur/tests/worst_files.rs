//! Writes the worst files that are accepted, and files that attacked the reader before there were limits, as exports to
//! run the program on: `WORST_FILES=DIR cargo test -p spend-cur --test worst_files -- --ignored`. Each folder of `DIR` is
//! an export of one file. docs/decisions/limits-of-a-file.md says what they cost.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed, which is its job")]

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use spend_cur::write::{Compression, FileShape, Row, Value, parquet};

#[path = "../src/chunk/tests/lies.rs"]
#[expect(dead_code, reason = "other tests use the others")]
mod lies;

use lies::{PLAIN, data_page, dictionary_page, footer_start, varint, with_counts, with_entries, with_pages};

const MI: usize = 1 << 20;

/// Parquet's number for values that are numbers of a dictionary.
const CODES: i32 = 8;

const COLUMNS: [&str; 8] = [
    "line_item_unblended_cost",
    "line_item_usage_start_date",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_currency_code",
    "line_item_iam_principal",
    "line_item_usage_type",
    "tags",
];

/// Where the one file of an export goes.
fn place(dir: &Path, export: &str, ending: &str) -> PathBuf {
    let folder = dir.join(export).join("data/BILLING_PERIOD=2026-11");
    fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{export}-00001.{ending}"))
}

/// Text of so many rows, each with a principal, a usage type and tags of its own making.
fn text(dir: &Path, export: &str, rows: usize, row: impl Fn(usize) -> (String, String, String)) {
    let file = BufWriter::new(fs::File::create(place(dir, export, "csv.gz")).unwrap());
    let mut gzip = GzEncoder::new(file, Level::fast());
    writeln!(gzip, "{}", COLUMNS.join(",")).unwrap();
    for index in 0..rows {
        let (principal, usage_type, tags) = row(index);
        let day = 1 + index % 28;
        let fixed = format!("0.01,2026-11-{day:02}T00:00:00Z,Usage,AmazonBedrock,USD");
        writeln!(gzip, "{fixed},{principal},{usage_type},{tags}").unwrap();
    }
    gzip.finish().unwrap();
}

fn user(index: usize) -> String {
    format!("arn:aws:sts::444455556666:assumed-role/gateway/session-{index:012}")
}

fn tag(index: usize) -> String {
    format!("\"{{\"\"iamPrincipal/session\"\":\"\"{index:020}\"\"}}\"")
}

/// Forty Bedrock rows in Parquet without dictionaries.
fn bill(compression: Compression) -> Vec<u8> {
    let start: chrono::DateTime<chrono::Utc> = "2026-11-03T07:00:00Z".parse().unwrap();
    let row = Row::from([
        ("line_item_product_code", "AmazonBedrock".into()),
        ("line_item_line_item_type", "Usage".into()),
        ("line_item_usage_start_date", start.into()),
        ("line_item_unblended_cost", 0.25.into()),
        ("line_item_currency_code", "USD".into()),
        ("line_item_usage_type", "USE1-input-tokens".into()),
        ("tags", Value::Map(vec![("iamPrincipal/team".to_owned(), "search".to_owned())])),
    ]);
    let shape = FileShape { compression, dictionary: false, columns: COLUMNS.to_vec(), ..FileShape::default() };
    parquet(&vec![row; 40], &shape).unwrap()
}

/// 40 values that are not null, and their codes: all 0.
fn zeros_of_dictionary() -> Vec<u8> {
    data_page(9, 40, CODES, &[2, 0, 0, 0, 80, 1, 1, 80, 0])
}

/// A dictionary of so many texts, of which the first is Bedrock's.
fn dictionary(values: usize, length: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for index in 0..values {
        let text = if index == 0 { "AmazonBedrock".to_owned() } else { format!("{index:0length$}") };
        body.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        body.extend(text.bytes());
    }
    dictionary_page(i32::try_from(body.len()).unwrap(), i32::try_from(values).unwrap(), &body)
}

/// So many columns with a dictionary each.
fn dictionaries(columns: &[&str], values: usize, length: usize) -> Vec<u8> {
    let mut file = bill(Compression::None);
    let pages = [dictionary(values, length), zeros_of_dictionary()].concat();
    for column in columns {
        file = with_pages(&file, column, &pages, i64::try_from(pages.len()).unwrap());
    }
    file
}

/// So many columns with a page of 40 texts each, of so many bytes in all.
fn long_pages(columns: &[&str], bytes: usize) -> Vec<u8> {
    let mut file = bill(Compression::None);
    let text = vec![b'x'; bytes / 40];
    let mut body = vec![2, 0, 0, 0, 80, 1];
    for _ in 0..40 {
        body.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        body.extend(&text);
    }
    let page = data_page(i32::try_from(body.len()).unwrap(), 40, PLAIN, &body);
    for column in columns {
        file = with_pages(&file, column, &page, i64::try_from(page.len()).unwrap());
    }
    file
}

/// A run of the same level or code, of up to eight bits.
fn run(length: usize, value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(&mut bytes, (length as u64) << 1);
    bytes.push(value);
    bytes
}

/// Levels with their length before them.
fn levels(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

fn page(values: usize, encoding: i32, body: &[u8]) -> Vec<u8> {
    data_page(i32::try_from(body.len()).unwrap(), i32::try_from(values).unwrap(), encoding, body)
}

/// The file with a dictionary and codes of one bit in a column that is no map.
fn coded(file: &[u8], column: &str, values: &[u8], count: i32, rows: usize, codes: &[u8]) -> Vec<u8> {
    let dictionary = dictionary_page(i32::try_from(values.len()).unwrap(), count, values);
    let data = page(rows, CODES, &[levels(&run(rows, 1)), vec![1], codes.to_vec()].concat());
    let pages = [dictionary, data].concat();
    with_pages(file, column, &pages, i64::try_from(pages.len()).unwrap())
}

fn texts(texts: &[&str]) -> Vec<u8> {
    texts
        .iter()
        .flat_map(|text| [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat())
        .collect()
}

/// So many rows, of which every other one is Bedrock's, in as many bytes as codes of one bit take; each row has the maps'
/// entries that `repetition` and `tags` say.
fn many_rows(
    rows: usize,
    products: &[u8],
    entries: usize,
    repetition: &[u8],
    keys: &[u8],
    count: i32,
    codes: &[u8],
) -> Vec<u8> {
    let first = run(rows, 0);
    let mut file = bill(Compression::None);
    file = coded(&file, "line_item_product_code", &texts(&["AmazonEC2", "AmazonBedrock"]), 2, rows, products);
    file = coded(&file, "line_item_unblended_cost", &0.25_f64.to_le_bytes(), 1, rows, &first);
    // Julian day 2461348 is 3 November 2026.
    let start = [&0_u64.to_le_bytes()[..], &2_461_348_u32.to_le_bytes()].concat();
    file = coded(&file, "line_item_usage_start_date", &start, 1, rows, &first);
    file = coded(&file, "line_item_line_item_type", &texts(&["Usage"]), 1, rows, &first);
    file = coded(&file, "line_item_currency_code", &texts(&["USD"]), 1, rows, &first);
    file = coded(&file, "line_item_usage_type", &texts(&["USE1"]), 1, rows, &first);
    file = coded(&file, "line_item_iam_principal", &texts(&["a"]), 1, rows, &first);
    let null = levels(&run(entries, 0));
    for (column, defined) in [("tags.key_value.key", 2), ("tags.key_value.value", 3)] {
        let body = if count == 0 {
            page(entries, PLAIN, &[null.clone(), null.clone()].concat())
        } else {
            let values = if defined == 2 { keys.to_vec() } else { texts(&["v"]) };
            let (count, codes) = if defined == 2 { (count, codes.to_vec()) } else { (1, run(entries, 0)) };
            let width = if defined == 2 { 10 } else { 1 };
            let body = [levels(repetition), levels(&run(entries, defined)), vec![width], codes].concat();
            [dictionary_page(i32::try_from(values.len()).unwrap(), count, &values), page(entries, CODES, &body)]
                .concat()
        };
        file = with_pages(&file, column, &body, i64::try_from(body.len()).unwrap());
    }
    let rows = i64::try_from(rows).unwrap();
    with_entries(&with_counts(&file, rows, rows), i64::try_from(entries).unwrap())
}

/// Rows whose one map has 1,024 entries each.
fn full_maps(rows: usize) -> Vec<u8> {
    let names: Vec<_> = (0..1024).map(|index| format!("iamPrincipal/{index}")).collect();
    let keys = texts(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let repetition = (0..rows).flat_map(|_| [run(1, 0), run(1023, 1)].concat()).collect::<Vec<_>>();
    // The numbers 0 to 1023 in ten bits each, in groups of eight.
    let mut packed = Vec::new();
    varint(&mut packed, (1024 / 8) << 1 | 1);
    for group in 0..128_u128 {
        let bits = (0..8).fold(0_u128, |bits, index| bits | (group * 8 + index) << (10 * index));
        packed.extend(&bits.to_le_bytes()[..10]);
    }
    many_rows(rows, &run(rows, 1), rows * 1024, &repetition, &keys, 1024, &packed.repeat(rows))
}

/// So many row groups of one Bedrock row each.
fn row_groups(groups: usize) -> Vec<u8> {
    let row = |index: usize| {
        Row::from([
            ("line_item_product_code", "AmazonBedrock".into()),
            ("line_item_line_item_type", "Usage".into()),
            (
                "line_item_usage_start_date",
                "2026-11-03T07:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().into(),
            ),
            ("line_item_unblended_cost", 0.25.into()),
            ("line_item_currency_code", "USD".into()),
            ("line_item_iam_principal", user(index).into()),
        ])
    };
    let rows: Vec<_> = (0..groups).map(row).collect();
    parquet(&rows, &FileShape { columns: COLUMNS.to_vec(), rows_per_group: 1, ..FileShape::default() }).unwrap()
}

/// A footer of so many row groups without rows, of all columns.
fn empty_row_groups(groups: usize) -> Vec<u8> {
    use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
    let whole = parquet(&[], &FileShape::default()).unwrap();
    let one = parquet(&[Row::new()], &FileShape::default()).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::copy_from_slice(&one)).unwrap();
    let (said, group) = (metadata.file_metadata(), metadata.row_group(0));
    let empty = |column: &parquet::file::metadata::ColumnChunkMetaData| {
        let column = column.clone().into_builder().set_num_values(0).set_total_compressed_size(0);
        column.set_dictionary_page_offset(None).set_data_page_offset(4).build().unwrap()
    };
    let columns = group.columns().iter().map(empty).collect();
    let group = group.clone().into_builder().set_num_rows(0).set_column_metadata(columns).build().unwrap();
    let file = FileMetaData::new(said.version(), 0, None, None, said.schema_descr_ptr(), None);
    let mut footer = Vec::new();
    let metadata = ParquetMetaData::new(file, vec![group; groups]);
    ParquetMetaDataWriter::new(&mut footer, &metadata).finish().unwrap();
    [&whole[..footer_start(&whole)], &footer].concat()
}

#[test]
#[ignore = "writes files to measure the program with, some of which take minutes to read"]
fn writes_the_worst_accepted_files() {
    let dir = PathBuf::from(env::var_os("WORST_FILES").expect("the folder to write to, in WORST_FILES"));
    let parquet = |export: &str, bytes: Vec<u8>| fs::write(place(&dir, export, "snappy.parquet"), bytes).unwrap();
    let none = || String::new();
    // Just below what one file may take, by what takes it.
    text(&dir, "lines", 1_450_000, |index| (user(index % 1_000), format!("USE1-{}", index / 1_000), none()));
    text(&dir, "principals", 880_000, |index| (user(index), "USE1".to_owned(), none()));
    text(&dir, "tag-sets", 455_000, |index| (user(0), "USE1".to_owned(), tag(index)));
    let alternating = |rows: usize| {
        let mut codes = Vec::new();
        varint(&mut codes, (rows as u64 / 8) << 1 | 1);
        codes.resize(codes.len() + rows / 8, 0xaa);
        many_rows(rows, &codes, rows, &[], &[], 0, &[])
    };
    parquet("runs", alternating(MI));
    parquet("attack-runs", alternating(64 * MI));
    parquet("full-maps", full_maps(4_096));
    parquet("row-groups", row_groups(10_000));
    parquet("footer", empty_row_groups(1_900));
    // Beyond it.
    text(&dir, "attack-tag-sets", 1_500_000, |index| (user(index), "USE1".to_owned(), tag(index)));
    parquet(
        "dictionaries",
        dictionaries(&["line_item_product_code", "line_item_iam_principal", "line_item_usage_type"], MI, 24),
    );
    parquet("pages", long_pages(&["line_item_line_item_type", "line_item_usage_type"], 48 * MI));
    parquet("attack-empty-texts", {
        let empty =
            dictionary_page(i32::try_from(4 * 60 * MI).unwrap(), i32::try_from(60 * MI).unwrap(), &vec![0; 240 * MI]);
        let pages = [empty, data_page(6, 40, PLAIN, &[2, 0, 0, 0, 80, 0])].concat();
        let said = i64::try_from(pages.len()).unwrap();
        let file = with_pages(&bill(Compression::None), "line_item_product_code", &pages, said);
        with_pages(&file, "line_item_usage_type", &pages, said)
    });
}
