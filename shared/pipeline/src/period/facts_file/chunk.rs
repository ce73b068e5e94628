//! A column chunk of a Parquet file: its dictionary, its pages, and what its metadata says of them.
//!
//! The crate's own column writers take values and hash each of them for a dictionary. Here the codes are known.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, EncodingMask, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use crate::period::facts_file::hybrid;

/// What pages are compressed with.
pub(super) fn compressor() -> Result<Compressor<'static>, ParquetError> {
    Ok(Compressor::new(ZstdLevel::default().compression_level())?)
}

/// The values of a page.
pub(super) enum Values<'a> {
    /// Places in the dictionary, from 0, in so many bits.
    Codes { codes: &'a [u32], width: u32 },
    /// As the encoding PLAIN has them.
    Plain(&'a [u8]),
}

/// A page of a column. A column that has no levels of a kind does not look at them.
pub(super) struct DataPage<'a> {
    pub(super) rows: usize,
    pub(super) repetitions: &'a [u32],
    pub(super) definitions: &'a [u32],
    pub(super) values: Values<'a>,
}

/// A column chunk that is being written.
pub(super) struct ChunkWriter<'a> {
    column: ColumnDescPtr,
    compressor: &'a mut Compressor<'static>,
    sink: TrackedWrite<Vec<u8>>,
    body: Vec<u8>,
    has_dictionary: bool,
    /// Where the first page of values begins.
    first_page: i64,
    /// How many pages have codes, and how many plain values.
    coded: i32,
    plain: i32,
    rows: u64,
    entries: i64,
    uncompressed: u64,
    places: OffsetIndexBuilder,
}

impl<'a> ChunkWriter<'a> {
    pub(super) fn new(column: ColumnDescPtr, compressor: &'a mut Compressor<'static>) -> Self {
        Self {
            column,
            compressor,
            sink: TrackedWrite::new(Vec::new()),
            body: Vec::new(),
            has_dictionary: false,
            first_page: 0,
            coded: 0,
            plain: 0,
            rows: 0,
            entries: 0,
            uncompressed: 0,
            places: OffsetIndexBuilder::new(),
        }
    }

    /// Whether a row may have no value.
    pub(super) fn is_nullable(&self) -> bool {
        self.column.max_def_level() > 0
    }

    /// The dictionary, before any page: so many values as the encoding PLAIN has them.
    pub(super) fn dictionary(&mut self, plain: &[u8], values: usize) -> Result<(), ParquetError> {
        let buf = self.compressor.compress(plain)?.into();
        let num_values = checked(values)?;
        // Not said to be sorted: no reader makes use of it, and amounts are not.
        let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
        self.write(page, plain.len())?;
        self.has_dictionary = true;
        self.first_page = checked(self.sink.bytes_written())?;
        Ok(())
    }

    /// The next page.
    pub(super) fn page(&mut self, page: &DataPage<'_>) -> Result<(), ParquetError> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        levels(page.repetitions, self.column.max_rep_level(), &mut body)?;
        levels(page.definitions, self.column.max_def_level(), &mut body)?;
        let encoding = match page.values {
            Values::Codes { codes, width } => {
                body.push(checked(width)?);
                hybrid::encode(codes, width, &mut body);
                self.coded += 1;
                Encoding::RLE_DICTIONARY
            }
            Values::Plain(plain) => {
                body.extend_from_slice(plain);
                self.plain += 1;
                Encoding::PLAIN
            }
        };
        let entries = if self.is_nullable() { page.definitions.len() } else { page.rows };
        let data = Page::DataPage {
            buf: self.compressor.compress(&body)?.into(),
            num_values: checked(entries)?,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let (offset, length) = self.write(data, body.len())?;
        self.places.append_row_count(checked(page.rows)?);
        self.places.append_offset_and_size(checked(offset)?, checked(length)?);
        self.rows += checked::<_, u64>(page.rows)?;
        self.entries += checked::<_, i64>(entries)?;
        self.body = body;
        Ok(())
    }

    /// Where a page begins, and its length with its header.
    fn write(&mut self, page: Page, uncompressed: usize) -> Result<(u64, usize), ParquetError> {
        let page = CompressedPage::new(page, uncompressed);
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.uncompressed += checked::<_, u64>(written.uncompressed_size)?;
        Ok((written.offset, written.compressed_size))
    }

    /// The chunk's bytes, and what a row group must know to take it.
    pub(super) fn close(
        self,
        statistics: Statistics,
        index: Option<ColumnIndexBuilder>,
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        let bytes = self.sink.into_inner()?;
        let of = |page_type, encoding, count| PageEncodingStats { page_type, encoding, count };
        let mut pages = vec![
            of(PageType::DICTIONARY_PAGE, Encoding::PLAIN, i32::from(self.has_dictionary)),
            of(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, self.coded),
            of(PageType::DATA_PAGE, Encoding::PLAIN, self.plain),
        ];
        pages.retain(|pages| pages.count > 0);
        let levels = [Encoding::RLE];
        let encodings = pages.iter().map(|pages| &pages.encoding).chain(&levels);
        let metadata = ColumnChunkMetaData::builder(self.column)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings))
            .set_page_encoding_stats(pages)
            .set_total_compressed_size(checked(bytes.len())?)
            .set_total_uncompressed_size(checked(self.uncompressed)?)
            .set_num_values(self.entries)
            .set_dictionary_page_offset(self.has_dictionary.then_some(0))
            .set_data_page_offset(self.first_page)
            .set_statistics(statistics)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: checked(bytes.len())?,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index: index.map(ColumnIndexBuilder::build).transpose()?,
            offset_index: Some(self.places.build()),
        };
        Ok((bytes.into(), close))
    }
}

/// Appends the levels of a page of version 1: their length in four bytes, and the hybrid. Where all levels are zero,
/// there are none.
fn levels(levels: &[u32], largest: i16, body: &mut Vec<u8>) -> Result<(), ParquetError> {
    if largest == 0 {
        return Ok(());
    }
    let from = body.len();
    body.extend_from_slice(&[0; 4]);
    hybrid::encode(levels, hybrid::width(checked(largest)?), body);
    let length: u32 = checked(body.len() - from - 4)?;
    if let Some(place) = body.get_mut(from..from + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

/// A number as the format has it.
pub(super) fn checked<N: TryInto<M>, M>(number: N) -> Result<M, ParquetError> {
    number.try_into().map_err(|_| ParquetError::General("a part of the file is too large".to_owned()))
}
