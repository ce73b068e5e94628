//! Which ranges of a file are read.

use parquet::file::metadata::ParquetMetaDataReader;

use super::*;
use crate::columns::names::PRODUCT_CODE;

/// What is read of a file: which columns each range has something of.
fn reads(bytes: &[u8]) -> Vec<Vec<String>> {
    let source = Memory::new(bytes.to_vec());
    block_on(chunk::reduce(NAME, november(), &KeptTags::default(), source.clone())).unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(bytes)).unwrap();
    let reads = source.reads.lock().unwrap().clone();
    let touched = |read: &Range<u64>| {
        let columns = metadata.row_groups().iter().flat_map(parquet::file::metadata::RowGroupMetaData::columns);
        let touched = columns.filter(|column| {
            let (start, length) = column.byte_range();
            start < read.end && read.start < start + length
        });
        touched.map(|column| column.column_path().string()).collect()
    };
    reads.iter().map(touched).collect()
}

/// Rows whose columns are large: few texts are there twice, so that most of the file lies between what is read first.
fn rows(share: u32) -> Vec<Row> {
    (0..20_000_u32)
        .map(|index| {
            let noise = index.wrapping_mul(2_654_435_761) ^ index.wrapping_mul(40_503).rotate_left(9);
            let mut row = if index % 1000 < share { call(3, "alice", 0.5) } else { other(3, 0.5) };
            row.insert("line_item_resource_id", format!("i-{}", index % 50).into());
            row.insert("line_item_line_item_description", format!("{noise:08x} of {index}").into());
            row.insert("identity_line_item_id", format!("{noise:08x}{index}").into());
            row.insert("line_item_unblended_cost", (f64::from(noise) / 1e9).into());
            row.insert("line_item_net_unblended_cost", (f64::from(noise) / 2e9).into());
            row.insert("line_item_usage_amount", (f64::from(noise) / 3e9).into());
            row
        })
        .collect()
}

#[test]
fn of_a_row_group_without_a_bedrock_value_only_dictionaries_are_read() {
    let bytes = file(&rows(0), &FileShape::default());
    let reads = reads(&bytes);
    let read: Vec<_> = reads.iter().skip(1).flatten().map(String::as_str).collect();
    for column in ["line_item_unblended_cost", "line_item_usage_amount", "tags.key_value.key"] {
        assert!(!read.contains(&column), "{reads:?}");
    }
    assert!(read.contains(&PRODUCT_CODE) && reads.len() <= 6, "{reads:?}");
}

#[test]
fn of_a_row_group_with_bedrock_rows_few_ranges_are_read() {
    let bytes = file(&rows(10), &FileShape::default());
    let reads = reads(&bytes);
    assert!(reads.len() <= 10, "{reads:?}");
    assert_eq!(reads.get(1), Some(&vec![PRODUCT_CODE.to_owned()]));
    assert!(!reads.iter().skip(1).flatten().any(|column| column == "identity_line_item_id"), "{reads:?}");
}
