//! What a file may come to and how long a text may be: what an attacker would write is refused, with its row or its claim
//! and never with its text; what AWS may write is read.

use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter};
use spend_core::bill::line::LineField;
use spend_core::bill::line::limits::MOST_ENTRIES;
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;

use super::lies::{PLAIN, data_page, dictionary_page, footer_start, with_pages};
use super::*;
use crate::limits;
use crate::write::{Compression, PageVersion};

/// A mark that would be found wherever a value is shown.
const MARK: &str = "SECRET";

fn long(length: usize) -> String {
    format!("{MARK}{}", "x".repeat(length - MARK.len()))
}

/// A row with other values, after one that is fine and one that is not Bedrock's and has the same values.
fn rows(columns: &[(&'static str, Value)]) -> Vec<Row> {
    let mut bad = call(3, "arn:aws:iam::444455556666:user/alice", 1.5);
    bad.extend(columns.iter().cloned());
    let mut elsewhere = other(3, 1.0);
    let of_others = ["tags", "cost_category", "product", "line_item_usage_type", "pricing_unit"];
    elsewhere.extend(columns.iter().filter(|(column, _)| of_others.contains(column)).cloned());
    vec![call(2, "arn:aws:iam::444455556666:user/bob", 1.0), elsewhere, bad]
}

fn both(rows: &[Row]) -> [(Vec<u8>, &'static str); 2] {
    let shape = FileShape::default();
    [(file(rows, &shape), "row 2 (row group 0)"), (text(rows, &shape), "row 2 (line 4)")]
}

#[test]
fn texts_and_tags_beyond_their_limit_are_refused_with_their_row_and_without_the_text() {
    let tag = |key: &str, value: &str| map(&[(key, value)]);
    let longest = "😀".repeat(512);
    let cases: Vec<(&'static str, Value, Value)> = vec![
        ("line_item_iam_principal", long(2_048).into(), long(2_049).into()),
        ("line_item_usage_type", long(2_048).into(), long(110 << 10).into()),
        ("line_item_currency_code", long(2_048).into(), long(2_049).into()),
        ("bill_payer_account_id", long(2_048).into(), long(2_049).into()),
        ("pricing_unit", long(2_048).into(), long(2_049).into()),
        ("product", tag("model", &long(2_048)), tag("model", &long(2_049))),
        ("tags", tag("iamPrincipal/team", &longest), tag("iamPrincipal/team", &format!("{longest}😀"))),
        ("tags", tag("iamPrincipal/team", &long(512)), tag("iamPrincipal/team", &long(513))),
        ("tags", tag(&format!("iamPrincipal/{}", long(499)), "a"), tag(&format!("iamPrincipal/{}", long(500)), "a")),
        ("cost_category", tag("team", &long(512)), tag("team", &long(513))),
        ("cost_category", tag(&long(499), "a"), tag(&long(500), "a")),
    ];
    for (column, fine, bad) in cases {
        for (bytes, _) in both(&rows(&[(column, fine)])) {
            assert_eq!(reduce(bytes).unwrap().counts.bedrock_rows, 2, "{column}");
        }
        for (bytes, place) in both(&rows(&[(column, bad)])) {
            let error = reduce(bytes).unwrap_err();
            let text = error.to_string();
            assert_eq!((error.kind(), error.class()), ("export.too_long", Class::Operator), "{text}");
            assert!(text.starts_with(&format!("{NAME}: {place}: column {column} has a t")), "{text}");
            assert!(text.contains("this delivery is not published") && text.contains("copy it again"), "{text}");
            assert!(!text.contains(MARK) && text.len() < 600, "{text}");
        }
    }
}

#[test]
fn only_what_is_kept_of_a_resource_must_be_short() {
    let id = |name: String| [("line_item_resource_id", Value::from(format!("arn:aws:bedrock:us-east-1:1:{name}")))];
    for (bytes, _) in both(&rows(&id(format!("guardrail/{}", long(5_000))))) {
        let lines = reduce(bytes).unwrap().lines;
        assert!(lines.rows().any(|line| line.get(LineField::Resource) == "guardrail"));
    }
    for (bytes, place) in both(&rows(&id(format!("inference-profile/{}", long(5_000))))) {
        let error = reduce(bytes).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{NAME}: {place}: column line_item_resource_id has a text of 5018 ")),
            "{error}"
        );
    }
}

#[test]
fn maps_with_more_entries_than_a_row_can_have_are_refused_with_their_row() {
    for (column, prefix) in [("tags", "iamPrincipal/"), ("cost_category", ""), ("product", "")] {
        let entries = |count: usize| {
            let entries = (0..count).map(|index| (format!("{prefix}{MARK}{index}"), "v".to_owned()));
            [(column, Value::Map(entries.collect()))]
        };
        for (bytes, _) in both(&rows(&entries(MOST_ENTRIES))) {
            assert_eq!(reduce(bytes).unwrap().counts.bedrock_rows, 2, "{column}");
        }
        let mut bad = rows(&entries(MOST_ENTRIES + 1));
        bad[1] = other(3, 1.0);
        for (bytes, place) in both(&bad) {
            let error = reduce(bytes).unwrap_err();
            let said =
                format!("{NAME}: {place}: column {column} has more than 1024 entries in one row, and no more are");
            assert!(error.to_string().starts_with(&said), "{error}");
            assert!(error.kind() == "export.too_long" && !error.to_string().contains(MARK), "{error}");
        }
    }
}

#[test]
fn values_that_cannot_be_read_are_not_echoed() {
    let header = "line_item_unblended_cost,line_item_usage_start_date,line_item_line_item_type,line_item_product_code,\
                  line_item_currency_code,tags\n";
    for record in [
        format!("{MARK},2026-11-03T07:00:00Z,Usage,AmazonBedrock,USD,\n"),
        format!("1,{MARK},Usage,AmazonBedrock,USD,\n"),
        format!("1,2026-11-03T07:00:00Z,Usage,AmazonBedrock,USD,{MARK}\n"),
        format!("1,2026-11-03T07:00:00Z,Usage,AmazonBedrock,USD,\"\"\"{MARK}\"\"\"\n"),
        format!("1,2026-11-03T07:00:00Z,Usage,AmazonBedrock,USD,\"{{\"\"{MARK}\"\":[]}}\"\n"),
        format!("1,2026-11-03T07:00:00Z,Usage,AmazonBedrock,USD,\"{{\"\"a\"\":{MARK}}}\"\n"),
    ] {
        let error = reduce(gzip(format!("{header}{record}"))).unwrap_err();
        assert_eq!(error.kind(), "export.bad_value");
        assert!(!error.to_string().contains(MARK), "{error}");
    }
}

#[test]
fn names_from_a_file_are_shown_short_and_clean() {
    let name = format!("tags_iamprincipal_{}\u{1b}[31m\n", "x".repeat(1 << 20));
    let header = format!(
        "line_item_unblended_cost,line_item_usage_start_date,line_item_line_item_type,line_item_product_code,\
         line_item_currency_code,\"{name}\"\n"
    );
    let record = b"1,2026-11-03T07:00:00Z,Usage,AmazonBedrock,USD,\xff\n";
    let kept = KeptTags::new([format!("iamPrincipal/{}\u{1b}[31m\n", "x".repeat(1 << 20)).as_str()]);
    let bytes = gzip([header.as_bytes(), record].concat());
    let error = block_on(chunk::reduce(NAME, november(), &kept, Memory::new(bytes))).unwrap_err().to_string();
    assert!(error.contains("is not UTF-8") && error.len() < 500 && !error.contains('\u{1b}'), "{error}");
}

/// A column that tells Bedrock rows from others, so that its pages are read first.
const COLUMN: &str = "line_item_product_code";

fn narrow(compression: Compression) -> Vec<u8> {
    let columns = wanted().into_iter().collect();
    file(&bill(), &FileShape { columns, compression, dictionary: false, ..FileShape::default() })
}

/// 40 nulls, as levels alone.
const NULLS: &[u8] = &[2, 0, 0, 0, 80, 0];

/// Parquet's number for values that are numbers of a dictionary.
const DICTIONARY_CODES: i32 = 8;

#[test]
fn a_dictionary_of_a_million_empty_texts_is_a_bomb() {
    let values = limits::DICTIONARY_VALUES + 1;
    let pages = |values: usize| {
        let dictionary = dictionary_page(4, i32::try_from(values).unwrap(), &vec![0; 4 * values]);
        with_pages(&narrow(Compression::None), COLUMN, &[dictionary, data_page(6, 40, PLAIN, NULLS)].concat(), 8 << 20)
    };
    let error = reduce(pages(values)).unwrap_err();
    assert_eq!(error.kind(), "export.bomb");
    let said = format!(
        "{NAME}: row group 0: column {COLUMN}: page 0 is a dictionary of 1048577 values, and at most 1048576 are"
    );
    assert!(error.to_string().starts_with(&said), "{error}");
    assert_eq!(reduce(pages(values - 1)).unwrap().counts.rows, 40);
}

/// The file with its one row group said to be there so many times.
fn with_row_groups(whole: &[u8], groups: usize) -> Vec<u8> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(whole)).unwrap();
    let (said, group) = (metadata.file_metadata(), metadata.row_group(0));
    let rows = group.num_rows() * i64::try_from(groups).unwrap();
    let file = FileMetaData::new(said.version(), rows, None, None, said.schema_descr_ptr(), None);
    let mut footer = Vec::new();
    let metadata = ParquetMetaData::new(file, vec![group.clone(); groups]);
    ParquetMetaDataWriter::new(&mut footer, &metadata).finish().unwrap();
    [&whole[..footer_start(whole)], &footer].concat()
}

#[test]
fn row_groups_that_share_their_pages_are_a_bomb() {
    let shared = with_row_groups(&narrow(Compression::Snappy), 3);
    let error = reduce(shared).unwrap_err();
    assert_eq!(error.kind(), "export.bomb");
    let said = format!("{NAME}: row group 1: column bill_bill_type claims to begin at byte ");
    let text = error.to_string();
    assert!(text.starts_with(&said) && text.contains(", within column bill_bill_type of row group 0"), "{text}");
    let columns = crate::columns::names::REQUIRED.to_vec();
    let many = with_row_groups(&file(&bill(), &FileShape { columns, ..FileShape::default() }), limits::ROW_GROUPS + 1);
    let error = reduce(many).unwrap_err();
    let said = format!("{NAME}: its footer says 10001 row groups, and at most 10000 are read. No bill needs that");
    assert!(error.kind() == "export.bomb" && error.to_string().starts_with(&said), "{error}");
}

#[test]
fn what_a_file_decodes_to_is_counted_over_all_its_row_groups() {
    // Each row group has pages of its own, of which one claims 50 MiB: together they are too much of a file so small.
    let whole = narrow(Compression::Zstd);
    let page = data_page(50 << 20, 40, DICTIONARY_CODES, NULLS);
    let plain = data_page(6, 40, PLAIN, NULLS);
    let (bodies, starts): (Vec<_>, Vec<_>) = {
        let mut at = 0;
        let pages = [&page, &page, &plain];
        pages
            .into_iter()
            .map(|page| {
                at += page.len();
                (page.clone(), at - page.len())
            })
            .unzip()
    };
    let base = footer_start(&whole);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::from(whole.clone())).unwrap();
    let mut bounds = crate::parquet_file::page_bounds::PageBounds::within(limits::MEMORY);
    let bytes: Bytes = [&whole[..base], &bodies.concat(), b"PAR1"].concat().into();
    let leaf =
        metadata.row_group(0).columns().iter().position(|column| column.column_path().string() == COLUMN).unwrap();
    let mut chunk = ChunkBytes::new(NAME, Memory::new(bytes));
    let mut refused = None;
    for (group, (body, start)) in bodies.iter().zip(&starts).enumerate() {
        let column = metadata.row_group(0).column(leaf).clone().into_builder();
        let column = column.set_dictionary_page_offset(None).set_total_uncompressed_size(50 << 20);
        let column = column.set_data_page_offset(i64::try_from(base + start).unwrap());
        let column = column.set_total_compressed_size(i64::try_from(body.len()).unwrap()).build().unwrap();
        let all = parquet::arrow::ProjectionMask::all();
        bounds.next_row_group();
        if let Err(error) = block_on(bounds.check(&mut chunk, group, &[column], &all, 0)) {
            refused = Some((group, error));
            break;
        }
    }
    let (group, error) = refused.unwrap();
    assert_eq!((group, error.kind()), (1, "export.bomb"), "{error}");
    let said = format!("{NAME}: row group 1: the columns that are read come to 104857600 bytes so far in a file of ");
    assert!(error.to_string().starts_with(&said), "{error}");
}

#[test]
fn texts_that_fill_a_batch_are_read_in_smaller_ones() {
    let rows: Vec<_> = (0..1_300_u32)
        .map(|index| {
            let mut row = if index % 100 == 0 { call(2, "alice", 1.0) } else { other(2, 1.0) };
            row.insert("line_item_resource_id", format!("{index}{}", "x".repeat(16 << 10)).into());
            row
        })
        .collect();
    for compression in [Compression::None, Compression::Snappy] {
        for page_version in [PageVersion::V1, PageVersion::V2] {
            let shape = FileShape {
                columns: wanted().into_iter().collect(),
                compression,
                dictionary: false,
                page_version,
                ..FileShape::default()
            };
            let reduction = reduce(file(&rows, &shape)).unwrap();
            assert_eq!((reduction.counts.rows, reduction.counts.bedrock_rows), (1_300, 13));
            assert_eq!(reduction.lines.row(0).line_items(), 13);
        }
    }
}

#[test]
fn maps_that_fill_a_batch_are_read_in_smaller_ones() {
    let entries = (0..600).map(|index| (format!("resourceTags/{index}"), "v".to_owned())).collect::<Vec<_>>();
    let rows: Vec<_> = (0..500_u32)
        .map(|index| {
            let mut row = if index % 100 == 0 { call(2, "alice", 1.0) } else { other(2, 1.0) };
            row.insert("tags", Value::Map(entries.clone()));
            row
        })
        .collect();
    for page_version in [PageVersion::V1, PageVersion::V2] {
        let columns = wanted().into_iter().collect();
        let reduction = reduce(file(&rows, &FileShape { columns, page_version, ..FileShape::default() })).unwrap();
        assert_eq!((reduction.counts.rows, reduction.counts.bedrock_rows), (500, 5));
        assert_eq!(reduction.counts.resource_tags.len(), 100);
    }
}

/// Reads within so many bytes of memory.
fn within(memory: u64, bytes: Vec<u8>) -> Result<u64, CurError> {
    let mut rows = 0;
    let visit = |_: BillRow| {
        rows += 1;
        Ok(rows * 320)
    };
    let mut visited = Visited { coder: LineCoder::default(), visit };
    let kept = KeptTags::default();
    block_on(read(NAME, november(), &kept, Memory::new(bytes), memory, &mut visited)).map(|counts| counts.bedrock_rows)
}

#[test]
fn rows_that_all_say_something_else_are_refused_when_they_take_too_much_memory() {
    let rows: Vec<_> = (0..400)
        .map(|index| {
            let mut row = call(3, &format!("arn:aws:iam::444455556666:user/{index}"), 1.0);
            row.insert("tags", map(&[("iamPrincipal/session", &format!("{MARK}{index}"))]));
            row
        })
        .collect();
    let shape = FileShape { columns: wanted().into_iter().collect(), ..FileShape::default() };
    for (bytes, buffers) in [(text(&rows, &shape), limits::TEXT_BUFFERS), (file(&rows, &shape), 0)] {
        assert_eq!(within(buffers + (1 << 20), bytes.clone()).unwrap(), 400);
        let error = within(buffers + (300 << 10), bytes).unwrap_err();
        let text = error.to_string();
        assert_eq!((error.kind(), error.class()), ("export.too_many_lines", Class::Operator), "{text}");
        assert!(text.contains("Bedrock rows before this one take ") && !text.contains(MARK), "{text}");
        assert!(text.contains("(TIME_GRANULARITY)"), "{text}");
    }
}

#[test]
fn columns_that_do_not_fit_in_memory_are_refused_before_they_are_read() {
    let source = Memory::new(narrow(Compression::Snappy));
    let mut visited = Visited { coder: LineCoder::default(), visit: |_: BillRow| Ok(0) };
    let kept = KeptTags::default();
    let error = block_on(read(NAME, november(), &kept, source.clone(), 20_000, &mut visited)).unwrap_err();
    assert_eq!(error.kind(), "export.bomb");
    assert!(error.to_string().contains("the columns that are read"), "{error}");
    assert_eq!(source.reads.lock().unwrap().len(), 1, "the footer alone");
}

#[test]
fn bedrock_rows_in_more_runs_than_are_kept_are_refused() {
    assert!(limits::check_runs(NAME, 0, 1 << 20).is_ok());
    let error = limits::check_runs(NAME, 3, (1 << 20) + 1).unwrap_err();
    let said = format!("{NAME}: row group 3: its Bedrock rows stand in more than 1048576 runs. No bill needs that");
    assert!(error.kind() == "export.bomb" && error.to_string().starts_with(&said), "{error}");
}

#[test]
fn more_rows_than_are_read_of_a_file_so_small_are_refused() {
    assert!(limits::check_rows(NAME, 100, 2 << 20).is_ok() && limits::check_rows(NAME, 1 << 20, 4 << 20).is_ok());
    for (size, rows, most) in [
        (100, (2 << 20) + 1, "2097152 are read of a file so small"),
        (1 << 20, (4 << 20) + 1, "4194304 are read of a file so small"),
        (1 << 30, (32 << 20) + 1, "33554432 are read"),
    ] {
        let error = limits::check_rows(NAME, size, rows).unwrap_err();
        assert!(error.kind() == "export.bomb" && error.to_string().contains(most), "{error}");
    }
}
