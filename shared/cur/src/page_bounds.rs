//! Column chunks checked page by page before the decoder has them, which allocates what a page's header says.
//!
//! A header may say 2 GiB of a page of ten bytes, and a page compressed with gzip may come to more than its header
//! says. A file of a few bytes must not cost gigabytes, nor end the process because they are not there.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use parquet::arrow::ProjectionMask;
use parquet::basic::{Compression, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use crate::chunk_bytes::ChunkBytes;
use crate::delta;
use crate::error::CurError;
use crate::inflate::{ALWAYS_FINE, MOST_RATIO};
use crate::page_header::{Holds, Levels, PageHeader};
use crate::source::ChunkSource;
use crate::thrift::Reader;

/// The largest page that is decompressed. Writers end a page at about 1 MB; AWS's largest hold a few.
const PAGE_LIMIT: usize = 256 * 1024 * 1024;

/// The most that the decoder holds at a time: a dictionary and a page of every column that is read.
const HELD_LIMIT: usize = 1024 * 1024 * 1024;

/// What a column chunk's pages may come to beyond twice the size that the footer says. Spark's and AWS's own files never
/// come to more than that size; the slack is for writers that forget the dictionary or the headers in it. It bounds
/// nothing, since whoever lies in a page's header can lie in the footer too: that they agree shows that nothing was
/// damaged.
const SIZE_SLACK: usize = 1024 * 1024;

/// Snappy's longest copy turns three bytes into 64.
const SNAPPY_RATIO: usize = 22;

/// What a column chunk comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sizes {
    /// Its dictionary.
    dictionary: usize,
    /// Its largest page of data.
    largest: usize,
    /// All of its pages, and what texts that share their beginnings come to beyond them.
    total: usize,
}

/// The column chunks of one row group, of which each is checked once.
#[derive(Default)]
pub(crate) struct PageBounds {
    checked: HashMap<usize, Sizes>,
}

impl PageBounds {
    /// Checks the column chunks of `columns` that `projection` asks for. They are read for it, and kept.
    pub(crate) async fn check<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        row_group: usize,
        columns: &[ColumnChunkMetaData],
        projection: &ProjectionMask,
    ) -> Result<(), CurError> {
        let name = chunk.name();
        let asked = || columns.iter().enumerate().filter(|(leaf, _)| projection.leaf_included(*leaf));
        let ranges: Vec<_> = asked()
            .map(|(_, column)| {
                let (start, length) = column.byte_range();
                start..start + length
            })
            .collect();
        let bytes = chunk.get(&ranges).await?;
        let (mut held, mut total) = (0_usize, 0_usize);
        for ((leaf, column), bytes) in asked().zip(bytes) {
            let sizes = if let Some(sizes) = self.checked.get(&leaf) {
                *sizes
            } else {
                let sizes = walk(column, &bytes).map_err(|unfit| unfit_column(name, row_group, column, unfit))?;
                *self.checked.entry(leaf).or_insert(sizes)
            };
            held = held.saturating_add(sizes.dictionary).saturating_add(sizes.largest);
            total = total.saturating_add(sizes.total);
        }
        let oversized = |reason| CurError::Oversized { file: name.to_owned(), row_group, reason };
        if held > HELD_LIMIT {
            let reason = format!("a page of each column that is read comes to {held} bytes, and {HELD_LIMIT} are held");
            return Err(oversized(reason));
        }
        let most = chunk.size().saturating_mul(MOST_RATIO).max(ALWAYS_FINE);
        if u64::try_from(total).is_ok_and(|total| total > most) {
            let size = chunk.size();
            return Err(oversized(format!("the columns that are read come to {total} bytes in a file of {size}")));
        }
        Ok(())
    }
}

/// Why a column chunk is not decoded.
enum Unfit {
    Corrupt(String),
    Oversized(String),
}

fn unfit_column(file: &str, row_group: usize, column: &ColumnChunkMetaData, unfit: Unfit) -> CurError {
    let (file, path) = (file.to_owned(), column.column_path().string());
    match unfit {
        Unfit::Corrupt(reason) => {
            CurError::Corrupt { file, row_group: Some(row_group), reason: format!("column {path}: {reason}") }
        }
        Unfit::Oversized(reason) => CurError::Oversized { file, row_group, reason: format!("column {path}: {reason}") },
    }
}

/// Walks the pages of a column chunk.
fn walk(column: &ColumnChunkMetaData, bytes: &[u8]) -> Result<Sizes, Unfit> {
    let mut sizes = Sizes::default();
    let (mut rest, mut values, mut has_dictionary, mut written) = (bytes, 0_u64, false, 0_usize);
    for number in 0_usize.. {
        if rest.is_empty() {
            break;
        }
        let corrupt = |reason: &str| Unfit::Corrupt(format!("page {number} {reason}"));
        let (header, after) = PageHeader::read(rest).map_err(|_| corrupt("has a header that cannot be read"))?;
        let (page, after) = after.split_at_checked(header.compressed).ok_or_else(|| {
            let (said, left) = (header.compressed, after.len());
            corrupt(&format!("is said to have {said} bytes where {left} are left"))
        })?;
        rest = after;
        let numbered = |wrong| match wrong {
            Unfit::Corrupt(reason) => Unfit::Corrupt(format!("page {number} {reason}")),
            Unfit::Oversized(reason) => Unfit::Oversized(format!("page {number} {reason}")),
        };
        let size = size_of(column.compression(), &header, page).map_err(numbered)?;
        written = written.saturating_add(size);
        let size = size.max(texts_of(column, &header, page).map_err(numbered)?);
        sizes.total = sizes.total.saturating_add(size);
        match header.holds {
            Holds::Index => {}
            Holds::Data { values: of_page, .. } => {
                values = values.saturating_add(of_page as u64);
                sizes.largest = sizes.largest.max(size);
            }
            Holds::Dictionary { values } => {
                if has_dictionary {
                    return Err(corrupt("is a second dictionary"));
                }
                if values.saturating_mul(least_width(column.column_type())) > size {
                    return Err(corrupt(&format!("is said to be a dictionary of {values} values in {size} bytes")));
                }
                has_dictionary = true;
                sizes.dictionary = size;
            }
        }
    }
    let said = column.num_values();
    if u64::try_from(said) != Ok(values) {
        return Err(Unfit::Corrupt(format!("its pages are said to hold {values} values, and the footer says {said}")));
    }
    let said = usize::try_from(column.uncompressed_size()).unwrap_or(0);
    if written > said.saturating_mul(2).saturating_add(SIZE_SLACK) {
        return Err(Unfit::Corrupt(format!(
            "its pages are said to come to {written} bytes, and the footer says {said}"
        )));
    }
    Ok(sizes)
}

/// How many bytes a page takes in memory: what its header says, if the page can come to that and to no more.
fn size_of(codec: Compression, header: &PageHeader, page: &[u8]) -> Result<usize, Unfit> {
    let corrupt = |reason: String| Err(Unfit::Corrupt(reason));
    let said = header.uncompressed;
    let (levels, is_compressed) = match header.holds {
        Holds::Data { levels: Levels::Before(levels), is_compressed, .. } => (levels, is_compressed),
        Holds::Data { .. } | Holds::Dictionary { .. } => (0, true),
        Holds::Index => return Ok(0),
    };
    // What is not compressed is taken as it lies in the file, whatever the header says.
    if !is_compressed || codec == Compression::UNCOMPRESSED {
        return Ok(page.len());
    }
    if said > PAGE_LIMIT {
        return Err(Unfit::Oversized(format!("is said to come to {said} bytes, and {PAGE_LIMIT} are read")));
    }
    let (Some(body), Some(inside)) = (page.get(levels..), said.checked_sub(levels)) else {
        return corrupt(format!("is said to begin with {levels} bytes of levels"));
    };
    // What holds nulls alone is not decompressed.
    if inside == 0 {
        return Ok(said);
    }
    match codec {
        Compression::SNAPPY => {
            let own = Reader::new(body).varint().ok();
            if own.and_then(|own| usize::try_from(own).ok()) != Some(inside) {
                return corrupt(format!("is said to come to {inside} bytes, and its own beginning says otherwise"));
            }
            if inside / SNAPPY_RATIO > body.len() {
                return corrupt(format!("is said to come to {inside} bytes, which {} cannot", body.len()));
            }
        }
        // The library decompresses all there is, and only then compares.
        Compression::GZIP(_) => {
            let most = u64::try_from(inside).unwrap_or(u64::MAX).saturating_add(1);
            let mut inflated = MultiGzDecoder::new(body).take(most);
            match io::copy(&mut inflated, &mut io::sink()) {
                Ok(length) if length == most - 1 => {}
                Ok(length) if length == most => {
                    return corrupt(format!("is said to come to {inside} bytes, and comes to more"));
                }
                Ok(length) => return corrupt(format!("is said to come to {inside} bytes, and comes to {length}")),
                Err(error) => return corrupt(format!("cannot be decompressed: {error}")),
            }
        }
        // Zstandard is given the room that the header says, and no more. Others were refused with the footer.
        _ => {}
    }
    Ok(said)
}

/// How many bytes the texts of a page come to that the decoder makes from what they share; 0 for all other pages. Its
/// size was checked.
fn texts_of(column: &ColumnChunkMetaData, header: &PageHeader, page: &[u8]) -> Result<usize, Unfit> {
    let Holds::Data { values, encoding, levels, is_compressed } = header.holds else { return Ok(0) };
    if !matches!(encoding, delta::DELTA_BYTE_ARRAY | delta::DELTA_LENGTH_BYTE_ARRAY) {
        return Ok(0);
    }
    let corrupt = |reason: &str| Unfit::Corrupt(reason.to_owned());
    let before = if let Levels::Before(length) = levels { length } else { 0 };
    let body = page.get(before..).unwrap_or_default();
    let inside = header.uncompressed.saturating_sub(before);
    let codec = if is_compressed && inside > 0 { column.compression() } else { Compression::UNCOMPRESSED };
    let decompressed = decompress(codec, body, inside);
    let mut bytes = decompressed.as_deref().map_err(|error| corrupt(&format!("cannot be decompressed: {error}")))?;
    if let Levels::Inside { definition, repetition } = levels {
        let descriptor = column.column_descr();
        for (most, encoding) in [(descriptor.max_rep_level(), repetition), (descriptor.max_def_level(), definition)] {
            if most > 0 {
                bytes = after_levels(encoding, bytes).ok_or_else(|| corrupt("has levels that cannot be read"))?;
            }
        }
    }
    if bytes.is_empty() {
        return Ok(0);
    }
    let length = delta::texts(encoding, bytes, values).map_err(|_| corrupt("has lengths that cannot be read"))?;
    match usize::try_from(length).ok().filter(|length| *length <= PAGE_LIMIT) {
        Some(length) => Ok(length),
        None => Err(Unfit::Oversized(format!("holds texts of {length} bytes, and {PAGE_LIMIT} are read"))),
    }
}

/// What follows levels that are encoded as runs, with their length before them. No writer encodes texts by what they
/// share and levels in the older way.
fn after_levels(encoding: i32, bytes: &[u8]) -> Option<&[u8]> {
    const RLE: i32 = 3;
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if encoding == RLE { rest.get(length..) } else { None }
}

/// Decompresses what comes to `length` bytes, as was checked, or at least to no more.
fn decompress(codec: Compression, bytes: &[u8], length: usize) -> io::Result<Cow<'_, [u8]>> {
    Ok(match codec {
        Compression::SNAPPY => snap::raw::Decoder::new().decompress_vec(bytes)?.into(),
        Compression::GZIP(_) => {
            let mut inflated = Vec::new();
            MultiGzDecoder::new(bytes).take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut inflated)?;
            inflated.into()
        }
        Compression::ZSTD(_) => zstd::bulk::decompress(bytes, length)?.into(),
        _ => bytes.into(),
    })
}

/// How many bytes the shortest value of a type takes in a dictionary.
fn least_width(physical: Type) -> usize {
    match physical {
        // A text begins with its length.
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::BOOLEAN | Type::FIXED_LEN_BYTE_ARRAY => 1,
    }
}
