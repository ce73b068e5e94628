//! The pages of a column chunk, and what is in one: its levels, and its values decompressed.

use std::borrow::Cow;
use std::io::{self, Read as _};

use flate2::bufread::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::parquet_file::page_header::{Holds, Levels, PageHeader};
use crate::parquet_file::unfit::Unfit;

/// The pages of a column chunk.
pub(crate) struct Pages<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, number: 0 }
    }
}

impl<'a> Iterator for Pages<'a> {
    type Item = Result<(usize, PageHeader, &'a [u8]), Unfit>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let number = self.number;
        self.number += 1;
        let corrupt = |reason: String| Some(Err(Unfit::Corrupt(reason).of_page(number)));
        let Ok((header, after)) = PageHeader::read(self.rest) else {
            return corrupt("has a header that cannot be read".to_owned());
        };
        let Some((page, after)) = after.split_at_checked(header.compressed) else {
            let (said, left) = (header.compressed, after.len());
            return corrupt(format!("claims {said} bytes where {left} are left"));
        };
        self.rest = after;
        Some(Ok((number, header, page)))
    }
}

/// The compressed part of a page, decompressed. Pages of version 1 have their levels in it, pages of version 2 before it.
pub(crate) fn body_of<'a>(
    column: &ColumnChunkMetaData,
    header: &PageHeader,
    page: &'a [u8],
) -> io::Result<Cow<'a, [u8]>> {
    let (before, is_compressed) = compressed_part(header);
    let inside = header.uncompressed.saturating_sub(before);
    let codec = if is_compressed && inside > 0 { column.compression() } else { Compression::UNCOMPRESSED };
    decompress(codec, page.get(before..).unwrap_or_default(), inside)
}

/// As [`body_of`], with `buffer` for what is decompressed. It comes to exactly what the header says, or is an error.
pub(crate) fn body_into<'a>(
    column: &ColumnChunkMetaData,
    header: &PageHeader,
    page: &'a [u8],
    buffer: &'a mut Vec<u8>,
) -> io::Result<&'a [u8]> {
    let (before, is_compressed) = compressed_part(header);
    let body = page.get(before..).unwrap_or_default();
    let inside = header.uncompressed.saturating_sub(before);
    if !is_compressed || inside == 0 || column.compression() == Compression::UNCOMPRESSED {
        return Ok(body);
    }
    if buffer.len() < inside {
        buffer.resize(inside, 0);
    }
    let into = buffer.get_mut(..inside).unwrap_or_default();
    let length = match column.compression() {
        Compression::SNAPPY => snap::raw::Decoder::new().decompress(body, into)?,
        Compression::GZIP(_) => {
            MultiGzDecoder::new(body).read_exact(into)?;
            inside
        }
        Compression::ZSTD(_) => zstd::bulk::decompress_to_buffer(body, into)?,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    if length == inside { Ok(into) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Where the compressed part of a page begins, and whether it may be compressed.
fn compressed_part(header: &PageHeader) -> (usize, bool) {
    match header.holds {
        Holds::Data { levels: Levels::Before { all, .. }, is_compressed, .. } => (all, is_compressed),
        Holds::Data { .. } | Holds::Dictionary { .. } | Holds::Index => (0, true),
    }
}

/// What follows the levels in what [`body_of`] a page is.
pub(crate) fn after_levels<'a>(column: &ColumnChunkMetaData, header: &PageHeader, body: &'a [u8]) -> Option<&'a [u8]> {
    let mut bytes = body;
    if let Holds::Data { levels: Levels::Inside { definition, repetition }, .. } = header.holds {
        let descriptor = column.column_descr();
        for (most, encoding) in [(descriptor.max_rep_level(), repetition), (descriptor.max_def_level(), definition)] {
            if most > 0 {
                bytes = split_levels(encoding, bytes)?.1;
            }
        }
    }
    Some(bytes)
}

/// Splits off levels that are encoded as runs with their length before them. The older, bit-packed encoding is not read: no
/// writer of maps or of delta-encoded texts uses it.
pub(crate) fn split_levels(encoding: i32, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    const RLE: i32 = 3;
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if encoding == RLE { rest.split_at_checked(length) } else { None }
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
