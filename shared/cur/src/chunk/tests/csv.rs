//! Text is read as Parquet is, and refused with its line.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use spend_core::bill::line_coder::LineCoder;
use spend_core::errors::fault::Fault as _;

use super::*;
use crate::bytes::chunk_bytes::ChunkBytes;
use crate::chunk::Visited;
use crate::columns::names::UNBLENDED_COST;
use crate::csv_file;
use crate::limits::MEMORY;

const ALICE: &str = "arn:aws:iam::444455556666:user/alice";

fn narrow() -> FileShape {
    FileShape { columns: wanted().into_iter().collect(), ..FileShape::default() }
}

/// The header of a chunk with these columns, and records as they are written here.
fn csv(header: &str, records: &str) -> Result<Reduction, CurError> {
    reduce(gzip(format!("{header}\n{records}")))
}

const HEADER: &str = "line_item_unblended_cost,line_item_line_item_type,line_item_product_code,\
                      line_item_usage_start_date,line_item_currency_code,tags";

fn record(cost: &str, start: &str, tags: &str) -> String {
    format!("{cost},Usage,AmazonBedrock,{start},USD,{tags}\n")
}

const START: &str = "2026-11-17T03:00:00.000Z";

fn refused(bytes: Vec<u8>) -> String {
    let error = reduce(bytes).unwrap_err();
    assert_eq!(error.kind(), "export.corrupt", "{error}");
    let cure = ": copy the file again, or wait for the next delivery to replace it";
    let message = error.to_string();
    message.strip_prefix(&format!("{NAME}: corrupt: ")).unwrap().strip_suffix(cure).unwrap().to_owned()
}

#[test]
fn text_is_the_same_reduction_as_parquet() {
    let mut rows = bill();
    for (index, row) in (0_u32..).zip(&mut rows) {
        row.insert("line_item_line_item_description", format!("line {index},\nwith \"quotes\"\r\nand ü").into());
        row.insert("line_item_unblended_cost", (1.0 / (f64::from(index) + 3.0)).into());
    }
    for shape in [FileShape::default(), narrow(), narrow().without(&["product", "tags", "line_item_resource_id"])] {
        let expected = reduce(file(&rows, &shape)).unwrap();
        assert_eq!(expected.counts.bedrock_rows > 10, shape.columns.contains(&"line_item_iam_principal"));
        assert_eq!(reduce(text(&rows, &shape)).unwrap(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_and_number_is_the_same_in_both_formats(
        cells in prop::collection::vec((any::<String>(), any::<String>(), any::<String>(), -1e15..1e15), 1..8),
    ) {
        let rows: Vec<Row> = cells
            .into_iter()
            .map(|(usage_type, name, value, cost)| {
                let mut row = call(3, ALICE, cost);
                row.insert("line_item_usage_type", usage_type.into());
                row.insert("tags", map(&[(&format!("iamPrincipal/{name}"), &value), ("x", &name)]));
                row
            })
            .collect();
        let shape = FileShape { columns: wanted().into_iter().collect(), ..FileShape::default() };
        prop_assert_eq!(reduce(text(&rows, &shape)).unwrap(), reduce(file(&rows, &shape)).unwrap());
    }
}

#[test]
fn visited_rows_of_text_are_those_of_parquet() {
    let visited = |bytes: Vec<u8>| {
        let mut rows = Vec::new();
        let kept = KeptTags::default();
        let mut visit = |row| {
            rows.push(row);
            Ok(())
        };
        block_on(chunk::visit(NAME, november(), &kept, Memory::new(bytes), &mut visit)).unwrap();
        rows
    };
    assert_eq!(visited(text(&bill(), &narrow())), visited(file(&bill(), &narrow())));
}

#[test]
fn more_rows_than_are_looked_at_together_are_read_to_the_last() {
    let row = |index| if index % 7 == 1 { call(3, ALICE, 0.5) } else { other(3, 1.0) };
    let rows: Vec<Row> = (0..9000).map(row).chain([call(4, ALICE, 0.25)]).collect();
    let reduction = reduce(text(&rows, &narrow())).unwrap();
    assert_eq!((reduction.counts.rows, reduction.counts.bedrock_rows), (9001, 1287));
    assert_eq!(reduction, reduce(file(&rows, &narrow())).unwrap());
}

#[test]
fn a_byte_order_mark_and_other_line_ends_change_nothing() {
    let whole = gunzip(&text(&bill(), &narrow()));
    let expected = reduce(gzip(&whole)).unwrap();
    assert_eq!(reduce(gzip(format!("\u{feff}{whole}"))).unwrap(), expected);
    assert_eq!(reduce(gzip(whole.replace('\n', "\r\n"))).unwrap(), expected);
    assert_eq!(reduce(gzip(whole.trim_end())).unwrap(), expected, "without the last line's end");
    assert_eq!(reduce(gzip(format!("{whole}\n\r\n"))).unwrap(), expected, "empty lines are no rows");
    // As tools that compress in blocks write it, and with a member of nothing.
    let (head, tail) = whole.split_at(whole.len() / 3);
    assert_eq!(reduce([gzip(head), gzip(""), gzip(tail)].concat()).unwrap(), expected);
}

#[test]
fn a_chunk_without_rows_is_an_empty_reduction() {
    assert_eq!(reduce(text(&[], &narrow())).unwrap(), Reduction::default());
    assert_eq!(reduce(gzip("")).unwrap(), Reduction::default(), "surplus chunks may lack even the header");
    assert!(
        reduce(text(&[], &narrow().without(&["line_item_iam_principal"]))).unwrap().counts.lacks_principal_column()
    );
}

#[test]
fn times_are_read_in_every_spelling() {
    for start in [
        START,
        "2026-11-17T03:00:00Z",
        "2026-11-17T03:00:00",
        "2026-11-17 03:00:00",
        "2026-11-17 03:00:00.000",
        "2026-11-17 03:00:00 UTC",
        "2026-11-17 03:00:00Z",
        "2026-11-17T05:00:00+02:00",
        "2026-11-17 03:00",
        "2026-11-17",
    ] {
        let reduction = csv(HEADER, &record("1.5", start, "{}")).unwrap_or_else(|error| panic!("{start}: {error}"));
        assert_eq!(reduction.lines.row(0).day().to_string(), "2026-11-17", "{start}");
    }
}

#[test]
fn maps_are_json_objects_of_texts() {
    for (tags, found) in [
        ("", ""),
        ("{}", ""),
        (r#""{""iamPrincipal/team"":""search, \""and\"" more\n""}""#, "search, \"and\" more\n"),
        (r#""{ ""iamPrincipal/team"" : ""a"", ""iamPrincipal/team"" : ""\u00fc"" }""#, "ü"),
        (r#""{""iamPrincipal/team"":null}""#, ""),
        (r#""{""iamPrincipal/team"":""""}""#, ""),
        (r#""{""iamPrincipal/team"":7,""x"":true}""#, "7"),
    ] {
        let reduction = csv(HEADER, &record("1", START, tags)).unwrap();
        let value = reduction.lines.row(0).tag("iamPrincipal/team");
        assert_eq!(value, found, "{tags}");
    }
}

#[test]
fn costs_are_the_decimals_that_their_doubles_are_the_shortest_form_of() {
    for (cost, sum) in [
        ("0.1", "0.1"),
        ("1.0E-7", "0.0000001"),
        ("-7.25", "-7.25"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("12", "12"),
    ] {
        let reduction = csv(HEADER, &record(cost, START, "")).unwrap();
        assert_eq!(reduction.lines.row(0).unblended_cost().to_string(), sum, "{cost}");
    }
    assert_eq!(csv(HEADER, &record("", START, "")).unwrap().counts.rows_without_cost, 1);
}

#[test]
fn values_that_cannot_be_read_are_errors_with_their_line() {
    let cure = "the row cannot be counted; check what wrote the file, or report the line item to AWS Support";
    let long = "\"quoted\nover\nlines\"";
    for (bad, message) in [
        (record("1,5", START, "").replace("1,5", "\"1,5\""), "column line_item_unblended_cost is no number"),
        (record("NaN", START, ""), "column line_item_unblended_cost cannot be added: NaN is not a finite number"),
        (
            record("1", "11/17/2026", ""),
            "column line_item_usage_start_date is no time such as 2026-11-01T00:00:00.000Z",
        ),
        (record("1", "", ""), "column line_item_usage_start_date is empty"),
        (record("1", START, "{\"\"a\"\":"), "column tags is no JSON object of texts, as its character 4 shows"),
        (record("1", START, "[]"), "column tags is no JSON object of texts"),
    ] {
        let elsewhere = bad.replace("AmazonBedrock", "AmazonEC2");
        let header = format!("{HEADER},line_item_line_item_description");
        let records =
            [record("1", START, ""), elsewhere, bad].map(|record| record.replace('\n', &format!(",{long}\n")));
        let error = csv(&header, &records.concat()).unwrap_err();
        assert_eq!(error.kind(), "export.bad_value");
        assert_eq!(error.to_string(), format!("{NAME}: row 2 (line 8): {message}: {cure}"));
        let windows = records.concat().replace('\n', "\r\n");
        assert!(csv(&header, &windows).unwrap_err().to_string().contains("row 2 (line 8)"));
    }
    let mut bytes = format!("{HEADER}\n{}", record("1", START, "")).into_bytes();
    let at = bytes.len() - 5;
    bytes[at] = 0xff;
    assert!(
        reduce(gzip(&bytes))
            .unwrap_err()
            .to_string()
            .contains("row 0 (line 2): column line_item_currency_code is not UTF-8")
    );
}

#[test]
fn records_that_do_not_fit_the_header_are_errors_with_their_line() {
    let good = record("1", START, "");
    for (bad, found) in [("1,Usage\n", 2), (&good.replace('\n', ",more\n"), 7)] {
        let reason = format!("the record that begins on line 3 has {found} fields, the header 6");
        assert_eq!(refused(gzip(format!("{HEADER}\n{good}{bad}{good}"))), reason);
    }
    let open = record("1", START, "").replace('\n', "\"{\n");
    assert_eq!(
        refused(gzip(format!("{HEADER}\n{good}{open}{good}"))),
        "a quote in the record that begins on line 3 is never closed"
    );
    let wide = ",".repeat(9000);
    let reason = "the record that begins on line 1 has more than 8192 fields";
    assert_eq!(refused(gzip(format!("{HEADER}{wide}\n"))), reason);
}

#[test]
fn a_column_that_is_there_twice_is_an_error_if_it_is_read() {
    let twice = csv(&format!("{HEADER},tags"), "").unwrap_err();
    assert!(twice.to_string().contains("its schema: column tags is there twice"), "{twice}");
    assert!(csv(&format!("{HEADER},pricing_term,pricing_term"), "").is_ok());
}

#[test]
fn text_cut_off_anywhere_is_an_error() {
    let whole = text(&bill(), &narrow());
    for length in (2..whole.len() - 20).step_by(37).chain(whole.len() - 20..whole.len()) {
        let reason = refused(whole[..length].to_vec());
        assert_eq!(reason, "its gzip ends too early, so it was cut off", "{length}");
    }
}

#[test]
fn flipped_bytes_of_text_end_in_an_error() {
    let whole = text(&bill(), &narrow());
    let expected = reduce(whole.clone()).unwrap();
    for at in (10..whole.len()).step_by(23) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x24;
        // Between the last bit and the checksum there may be bits of no meaning.
        assert!(reduce(bytes).map_or(true, |found| found == expected), "its checksum tells: {at}");
    }
    let mut padded = whole;
    padded.extend([0; 16]);
    assert_eq!(refused(padded), "its gzip: invalid gzip header");
}

#[test]
fn text_lacks_columns_as_parquet_does() {
    let error = csv(&HEADER.replace(UNBLENDED_COST, "line_item_blended_cost"), "").unwrap_err();
    assert_eq!(error.kind(), "export.missing_column");
    assert!(error.to_string().contains("column line_item_unblended_cost is missing"), "{error}");
}

#[test]
fn text_is_described_by_its_header_alone() {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{state:x}")
    };
    let rows: Vec<_> = (0..4000).map(|_| call(1, &(0..32).map(|_| noise()).collect::<String>(), 1.5)).collect();
    let source = Memory::new(text(&rows, &narrow()));
    assert!(source.size() > 1_100_000, "{}", source.size());
    let found = block_on(describe(NAME, source.clone())).unwrap();
    assert_eq!((found.format, found.rows, found.bytes_read()), (Format::Csv, None, None));
    assert!(found.columns.iter().all(|column| column.is_read && column.kind == "text"));
    assert_eq!(found.columns.len(), narrow().columns.len());
    assert!(source.reads.lock().unwrap().iter().all(|read| read.end - read.start <= 1024 * 1024));
    let reads = source.reads.lock().unwrap().len();
    assert_eq!(reads, 3, "the end, the beginning, and its first part");
    let empty = block_on(describe(NAME, Memory::new(gzip("")))).unwrap();
    assert!(empty.columns.is_empty());
}

/// What is read of a text, or why not.
#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<BillRow>,
    end: Result<ScanCounts, String>,
}

fn outcomes(bytes: &[u8]) -> [Outcome; 2] {
    [true, false].map(|passes_over| {
        let mut rows = Vec::new();
        let visit = |row| {
            rows.push(row);
            Ok(0)
        };
        let mut visited = Visited { coder: LineCoder::default(), visit };
        let source = Memory::new(bytes.to_vec());
        let mut chunk = ChunkBytes::new(NAME, source);
        let end = block_on(async {
            if passes_over {
                csv_file::rows::visit(&mut chunk, november(), &KeptTags::default(), MEMORY, &mut visited).await
            } else {
                csv_file::rows::visit_all(&mut chunk, november(), MEMORY, &mut visited).await
            }
        });
        Outcome { rows, end: end.map_err(|error| format!("{} {error}", error.kind())) }
    })
}

/// A record of one field that nobody reads, four that tell, and the five without which nothing is counted: mostly as AWS
/// writes it, here and there as nobody does.
fn some_record() -> impl Strategy<Value = Vec<u8>> {
    let texts =
        ["", "", "a", "\"\"", "\"a,b\"", "\"a\nb\"", "\"a\"\"b\"", "InvokeModelInference", "\"InvokeModel\"", ALICE];
    let odd: [&[u8]; 6] = [b"\xff", b"\"\xff\"", b"a\"b", b"\"a\"b", b"\"a\"b\"", b"\xef\xbb\xbf"];
    let text = prop_oneof![
        12 => prop::sample::select(texts.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::sample::select(odd.to_vec()).prop_map(<[u8]>::to_vec),
    ];
    let maps = [
        "",
        "{}",
        r#""{""product_name"":""Amazon EC2"",""region"":""us-east-1""}""#,
        r#""{""servicename"":""Amazon Bedrock""}""#,
        r#""{""product_name"":""Amazon B\u0065drock""}""#,
        r#""{""product_name"": ""Amazon EC2"", ""x"": null}""#,
        r#""{""product_name"":""a""#,
        r#""{""product_name"":""a"",}""#,
        r#""{""product_name"":[]}""#,
        "{product_name:a}",
    ];
    let map = prop_oneof![
        12 => prop::sample::select(maps[..6].to_vec()).prop_map(|map| map.as_bytes().to_vec()),
        1 => prop::sample::select(maps.to_vec()).prop_map(|map| map.as_bytes().to_vec()),
    ];
    let codes = ["AmazonEC2", "AmazonEC2", "\"AmazonEC2\"", "AmazonBedrock", "\"AmazonBedrock\"", ""];
    let code = prop::sample::select(codes.to_vec()).prop_map(|code| code.as_bytes().to_vec());
    let costs = prop::sample::select(vec!["0.5", "1e-7", "\"2\"", ""]);
    let ends = prop::sample::select(vec!["\n", "\n", "\n", "\n", "\r\n", "\r", "\n\n", ",\n", "", "\"\n"]);
    let fields = (text.clone(), text.clone(), text.clone(), text, map, code, costs, ends);
    fields.prop_map(|(unread, principal, operation, resource, product, code, cost, end)| {
        let (cost, rest) = (cost.as_bytes().to_vec(), format!("Usage,{START},USD").into_bytes());
        let fields = [unread, principal, operation, product, resource, code, cost, rest];
        [fields.join(&b","[..]), end.as_bytes().to_vec()].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn passing_over_rows_changes_nothing(
        records in prop::collection::vec(some_record(), 0..12),
        // So that the end of a buffer falls anywhere.
        filler in prop::option::of(128 * 1024 - 400..128 * 1024_usize),
        is_cut in prop::bool::weighted(0.1),
    ) {
        let header = "line_item_line_item_description,line_item_iam_principal,line_item_operation,product,\
                      line_item_resource_id,line_item_product_code,line_item_unblended_cost,line_item_line_item_type,\
                      line_item_usage_start_date,line_item_currency_code\n";
        let filler = filler.map_or_else(String::new, |length| {
            format!("{},,,,,AmazonEC2,1,Usage,{START},USD\n", "x".repeat(length - header.len()))
        });
        let mut bytes = gzip([header.as_bytes(), filler.as_bytes(), &records.concat()].concat());
        if is_cut {
            bytes.truncate(bytes.len() - 9);
        }
        let [found, expected] = outcomes(&bytes);
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn rows_passed_over_are_counted_where_a_row_is_named() {
    let other = record("1", START, "\"{\"\"a\"\":\"\"b\"\"}\"").replace("AmazonBedrock", "AmazonEC2");
    let bad = record("x", START, "");
    let error = csv(HEADER, &[other.repeat(5000), bad].concat()).unwrap_err();
    assert!(error.to_string().contains("row 5000 (line 5002): "), "{error}");
}

/// Two gigabytes: `head`, and `block` of 16 MiB or so in a member of its own, over and over.
fn bomb(head: &str, block: &[u8]) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::default());
    member.write_all(block).unwrap();
    [gzip(head), member.finish().unwrap().repeat((2 << 30) / block.len())].concat()
}

#[test]
fn a_record_without_end_is_given_up() {
    let zeros = bomb(&format!("{HEADER}\n"), &vec![b'0'; 16 << 20]);
    assert!(zeros.len() > 2_000_000, "{}", zeros.len());
    let source = Memory::new(zeros);
    let error = block_on(chunk::reduce(NAME, november(), &KeptTags::default(), source.clone())).unwrap_err();
    let reason = "corrupt: the record that begins on line 2 is longer than 4 MiB";
    assert!(error.to_string().contains(reason), "{error}");
    let read: u64 = source.reads.lock().unwrap().iter().map(|read| read.end - read.start).sum();
    assert!(read < 1_200_000, "no more than the part that it was found in: {read}");
}

#[test]
fn two_gigabytes_of_one_row_are_given_up() {
    let header = format!("{HEADER},line_item_line_item_description");
    let row = record("1", START, "{}").replace('\n', &format!(",{}\n", "x".repeat(1_000_000)));
    let source = Memory::new(bomb(&format!("{header}\n"), row.repeat(16).as_bytes()));
    let error = block_on(chunk::reduce(NAME, november(), &KeptTags::default(), source.clone())).unwrap_err();
    assert_eq!(error.kind(), "export.bomb");
    let CurError::Bomb { compressed, inflated, .. } = error else { panic!("{error}") };
    assert!(inflated < (64 << 20) + (128 << 10), "given up at once: {inflated}");
    let cure = "copy the file again; if it is the same in the export's bucket, report it to AWS Support";
    assert_eq!(
        error.to_string(),
        format!(
            "{NAME}: the first {compressed} bytes decompress to {inflated}, more than any bill comes to, so reading stopped: {cure}"
        )
    );
}
