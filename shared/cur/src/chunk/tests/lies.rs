//! Files that lie: good ones, with a footer or a page of our own making. Tests of memory share this.

use bytes::Bytes;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};

/// Parquet's number for plain values.
pub(super) const PLAIN: i32 = 0;

/// Parquet's number for texts with their lengths before them.
pub(super) const DELTA_LENGTH: i32 = 6;

/// Parquet's number for texts with the lengths of their shared beginnings before them.
pub(super) const DELTA_BYTE_ARRAY: i32 = 7;

/// A page of 40 texts that are encoded so, which claims to hold the lengths of `values`.
pub(super) fn delta_claim(encoding: i32, values: u64) -> Vec<u8> {
    let mut body = vec![2, 0, 0, 0, 80, 1]; // levels: 40 times not null
    body.extend([0x80, 0x01, 4]); // blocks of 128, in four parts
    varint(&mut body, values);
    body.push(0); // the first length
    data_page(i32::try_from(body.len()).unwrap(), 40, encoding, &body)
}

/// Where a file's metadata begins.
pub(super) fn footer_start(file: &[u8]) -> usize {
    let length = file[file.len() - 8..].first_chunk().copied().map(u32::from_le_bytes).unwrap();
    file.len() - 8 - usize::try_from(length).unwrap()
}

/// The file's first row group with what `change` makes of its columns, and `rows`.
fn with_footer(
    whole: &[u8],
    rows: i64,
    between: &[u8],
    change: impl Fn(&ColumnChunkMetaData) -> ColumnChunkMetaData,
) -> Vec<u8> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(whole)).unwrap();
    let said = metadata.file_metadata();
    let by = said.created_by().map(str::to_owned);
    let file = FileMetaData::new(said.version(), rows, by, None, said.schema_descr_ptr(), None);
    let group: &RowGroupMetaData = metadata.row_group(0);
    let columns = group.columns().iter().map(change).collect();
    let group = group.clone().into_builder().set_num_rows(rows).set_column_metadata(columns).build().unwrap();
    let mut bytes = [&whole[..footer_start(whole)], between].concat();
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &ParquetMetaData::new(file, vec![group])).finish().unwrap();
    bytes.extend(footer);
    bytes
}

/// The file with a footer that says other numbers: of rows, and of values in the columns that are no maps.
pub(super) fn with_counts(whole: &[u8], rows: i64, values: i64) -> Vec<u8> {
    with_footer(whole, rows, &[], |column| {
        let values = if column.column_descr().max_rep_level() == 0 { values } else { column.num_values() };
        column.clone().into_builder().set_num_values(values).build().unwrap()
    })
}

/// The file with a footer that says another number of values in the columns that are maps.
pub(super) fn with_entries(whole: &[u8], entries: i64) -> Vec<u8> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(whole)).unwrap();
    with_footer(whole, metadata.file_metadata().num_rows(), &[], |column| {
        let values = if column.column_descr().max_rep_level() == 0 { column.num_values() } else { entries };
        column.clone().into_builder().set_num_values(values).build().unwrap()
    })
}

/// The file with other pages in a column, which the footer says come to `uncompressed` bytes.
pub(super) fn with_pages(whole: &[u8], column: &str, pages: &[u8], uncompressed: i64) -> Vec<u8> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(whole)).unwrap();
    with_footer(whole, metadata.file_metadata().num_rows(), pages, |found| {
        if found.column_path().string() != column {
            return found.clone();
        }
        let builder = found.clone().into_builder().set_dictionary_page_offset(None);
        let builder = builder.set_data_page_offset(i64::try_from(footer_start(whole)).unwrap());
        let builder = builder.set_total_compressed_size(i64::try_from(pages.len()).unwrap());
        builder.set_total_uncompressed_size(uncompressed).build().unwrap()
    })
}

/// A page of data whose header says that it comes to `uncompressed` bytes and holds `values`.
pub(super) fn data_page(uncompressed: i32, values: i32, encoding: i32, body: &[u8]) -> Vec<u8> {
    let compressed = i32::try_from(body.len()).unwrap();
    let mut page = header(0, uncompressed, compressed);
    page.push(0x2c); // field 5, a structure
    for number in [values, encoding, RLE, RLE] {
        integer(&mut page, number);
    }
    page.extend([0, 0]);
    [&page, body].concat()
}

/// A dictionary whose header says that it comes to `uncompressed` bytes and holds `values`.
pub(super) fn dictionary_page(uncompressed: i32, values: i32, body: &[u8]) -> Vec<u8> {
    let mut page = header(2, uncompressed, i32::try_from(body.len()).unwrap());
    page.push(0x4c); // field 7, a structure
    for number in [values, PLAIN] {
        integer(&mut page, number);
    }
    page.extend([0, 0]);
    [&page, body].concat()
}

/// Parquet's number for runs and packed bits.
const RLE: i32 = 3;

fn header(kind: i32, uncompressed: i32, compressed: i32) -> Vec<u8> {
    let mut header = Vec::new();
    for number in [kind, uncompressed, compressed] {
        integer(&mut header, number);
    }
    header
}

/// The next field, an integer of 32 bits.
fn integer(bytes: &mut Vec<u8>, number: i32) {
    bytes.push(0x15);
    varint(bytes, u64::from(((number << 1) ^ (number >> 31)).cast_unsigned()));
}

/// Seven bits a byte, the lowest first.
pub(super) fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// A file of metadata alone: the bytes of a footer, and where it ends.
pub(super) fn footer_alone(metadata: &[u8]) -> Vec<u8> {
    let length = u32::try_from(metadata.len()).unwrap().to_le_bytes();
    [b"PAR1", metadata, &length, b"PAR1"].concat()
}

/// Metadata whose schema is a chain of so many groups, each said to have `children`.
pub(super) fn nested_schema(groups: usize, children: i32) -> Vec<u8> {
    let mut metadata = vec![0x15, 0x02, 0x19, 0xfc]; // version 1; a list of structures, its length follows
    varint(&mut metadata, groups as u64);
    for _ in 0..groups {
        metadata.extend([0x35, 0x00, 0x18, 0x01, b'g']); // required, called g
        integer(&mut metadata, children);
        metadata.push(0);
    }
    metadata.extend([0x16, 0x00, 0x19, 0x0c, 0x00]); // no rows, no row groups
    metadata
}
