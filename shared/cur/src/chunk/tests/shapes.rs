//! However a file is laid out, its rows mean the same.

use std::collections::HashSet;

use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};

use super::*;
use crate::columns::names::UNBLENDED_COST;
use crate::write::{Compression, PageVersion, Timestamps};

fn narrow() -> FileShape {
    FileShape { columns: wanted().into_iter().collect(), ..FileShape::default() }
}

/// Whether columns are required, and have dictionaries, and how many bytes these may take: what follows is not coded.
const MIXES: [(bool, bool, usize); 6] =
    [(false, false, 0), (false, true, 0), (false, true, 40), (true, false, 0), (true, true, 0), (true, true, 40)];

#[test]
fn every_physical_shape_is_the_same_reduction() {
    let rows = bill();
    let expected = reduce(file(&rows, &narrow())).unwrap();
    assert_eq!((expected.counts.rows, expected.counts.bedrock_rows), (40, 25));
    for timestamps in [Timestamps::Int96, Timestamps::Millis, Timestamps::Micros, Timestamps::Nanos] {
        for compression in [Compression::None, Compression::Snappy, Compression::Gzip, Compression::Zstd] {
            for page_version in [PageVersion::V1, PageVersion::V2] {
                for (required, dictionary, dictionary_bytes) in MIXES {
                    for rows_per_group in [1, 7, 1_000_000] {
                        let shape = FileShape {
                            timestamps,
                            required,
                            page_version,
                            dictionary,
                            compression,
                            rows_per_group,
                            dictionary_bytes,
                            ..narrow()
                        };
                        // A group per row is slow to write and says little about the codec. What is not coded is written
                        // alike for all timestamps, and compressed alike.
                        let is_told = rows_per_group > 1 || compression == Compression::Snappy;
                        let is_usual = dictionary_bytes == 0 && compression == Compression::Snappy;
                        if is_told && (is_usual || timestamps == Timestamps::Int96) {
                            assert_eq!(reduce(file(&rows, &shape)).unwrap(), expected, "{shape:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_order_of_columns_and_columns_without_use_change_nothing() {
    let rows = bill();
    let backwards = FileShape { columns: narrow().columns.into_iter().rev().collect(), ..FileShape::default() };
    assert_eq!(reduce(file(&rows, &FileShape::default())).unwrap(), reduce(file(&rows, &backwards)).unwrap());
}

#[test]
fn more_rows_than_a_batch_are_read_to_the_last() {
    let rows: Vec<Row> = (0..BATCH + 100)
        .map(
            |index| {
                if index % 2000 == 1 { call(3, "arn:aws:iam::444455556666:user/alice", 0.5) } else { other(3, 1.0) }
            },
        )
        .chain([call(4, "arn:aws:iam::444455556666:user/alice", 0.25)])
        .collect();
    let reduction = reduce(file(&rows, &narrow())).unwrap();
    assert_eq!(reduction.counts.rows, rows.len() as u64);
    let costs: Vec<_> = reduction.lines.rows().map(|line| line.unblended_cost().to_string()).collect();
    assert_eq!(costs, ["2.5", "0.25"]);
}

#[test]
fn a_file_without_rows_is_an_empty_reduction() {
    for shape in [FileShape::default(), FileShape { required: true, ..FileShape::default() }] {
        assert_eq!(reduce(file(&[], &shape)).unwrap(), Reduction::default());
    }
}

/// Rows whose columns without use are as wide as those of a large chunk.
fn wide_rows() -> Vec<Row> {
    let used = wanted();
    let texts =
        crate::columns::schema::COLUMNS.iter().filter(|column| column.kind == crate::columns::schema::Kind::Text);
    let unused: Vec<_> = texts.map(|column| column.name).filter(|name| !used.contains(name)).collect();
    let mut rows: Vec<Row> = (0..800).map(|_| other(2, 0.125)).collect();
    rows.extend((0..20).map(|index| call(2, "arn:aws:iam::444455556666:user/alice", f64::from(index))));
    for (index, row) in rows.iter_mut().enumerate() {
        row.extend(unused.iter().map(|name| (*name, format!("{name} {index:0>100}").into())));
    }
    rows
}

/// Where the leaves lie in a file, by the name of their column.
fn leaves(file: &[u8]) -> Vec<(String, Range<u64>)> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(file)).unwrap();
    let columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let range = |(start, length): (u64, u64)| start..start + length;
    columns.map(|column| (column.column_path().parts()[0].clone(), range(column.byte_range()))).collect()
}

#[test]
fn columns_never_asked_for_are_never_read() {
    let bytes =
        file(&wide_rows(), &FileShape { compression: Compression::None, dictionary: false, ..Default::default() });
    let source = Memory::new(bytes.clone());
    let reduction = block_on(chunk::reduce(NAME, november(), &KeptTags::default(), source.clone())).unwrap();
    assert_eq!(reduction.counts.bedrock_rows, 20);

    let reads = source.reads.lock().unwrap().clone();
    let fetched: u64 = reads.iter().map(|read| read.end - read.start).sum();
    assert!(fetched * 5 < bytes.len() as u64, "{fetched} of {} bytes", bytes.len());
    let disjoint: HashSet<u64> = reads.iter().map(|read| read.start).collect();
    assert_eq!(disjoint.len(), reads.len(), "nothing is read twice: {reads:?}");

    let tail = bytes.len() as u64 - 64 * 1024;
    for (column, range) in leaves(&bytes).into_iter().filter(|(_, range)| range.end <= tail) {
        let is_read = reads.iter().any(|read| read.start < range.end && range.start < read.end);
        let is_wide = range.end - range.start > 32 * 1024;
        assert_eq!(is_read && is_wide, wanted().contains(column.as_str()) && is_wide, "{column} {range:?}");
    }
}

#[test]
fn a_row_group_without_bedrock_rows_costs_only_the_columns_that_tell() {
    let mut rows = wide_rows();
    rows.truncate(800);
    let bytes = file(&rows, &FileShape { compression: Compression::None, dictionary: false, ..Default::default() });
    let source = Memory::new(bytes.clone());
    let reduction = block_on(chunk::reduce(NAME, november(), &KeptTags::default(), source.clone())).unwrap();
    assert_eq!((reduction.counts.rows, reduction.counts.bedrock_rows), (800, 0));
    let reads = source.reads.lock().unwrap().clone();
    let cost = leaves(&bytes).into_iter().find(|(column, _)| column == UNBLENDED_COST).unwrap().1;
    assert!(!reads.iter().any(|read| read.start < cost.end && cost.start < read.end), "{cost:?} in {reads:?}");
}

#[test]
fn a_small_file_is_read_at_once() {
    let source = Memory::new(file(&bill(), &narrow()));
    block_on(chunk::reduce(NAME, november(), &KeptTags::default(), source.clone())).unwrap();
    assert_eq!(*source.reads.lock().unwrap(), vec![0..source.size(); 1]);
}

#[test]
fn the_future_can_move_between_threads() {
    fn assert_send(_: impl Future<Output = Result<Reduction, CurError>> + Send) {}
    assert_send(chunk::reduce(NAME, november(), &KeptTags::default(), Memory::new(Bytes::new())));
}
