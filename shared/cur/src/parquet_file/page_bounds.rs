//! Column chunks checked page by page before the decoder has them, which allocates what a page's header says.
//!
//! A header may say 2 GiB of a page of ten bytes, and a page compressed with gzip may come to more than its header
//! says. A file of a few bytes must not cost gigabytes, nor end the process because they are not there.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use parquet::arrow::ProjectionMask;
use parquet::basic::{Compression, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::source::ChunkSource;
use crate::error::CurError;
use crate::limits::{self, BATCH, DICTIONARY_VALUES, PAGE};
use crate::parquet_file::delta_lengths;
use crate::parquet_file::footer::path_of;
use crate::parquet_file::levels::Entries;
use crate::parquet_file::page_header::{Holds, Levels, PageHeader};
use crate::parquet_file::thrift::Reader;

/// What a column chunk's pages may come to beyond twice the size that the footer says. Spark's and AWS's own files never
/// come to more than that size; the slack is for writers that forget the dictionary or the headers in it. It bounds
/// nothing, since whoever lies in a page's header can lie in the footer too: that they agree shows that nothing was
/// damaged.
const SIZE_SLACK: usize = 1024 * 1024;

/// Parquet's numbers for values that are numbers of a dictionary.
const DICTIONARY_CODES: [i32; 2] = [2, 8];

/// Snappy's longest copy turns three bytes into 64.
const SNAPPY_RATIO: usize = 22;

/// What a batch of rows should come to; a smaller number of rows is decoded at a time where it would be more.
const BATCH_BYTES: u64 = 32 * 1024 * 1024;

/// The fewest rows that are decoded at a time.
const FEWEST_ROWS: usize = 32;

/// Up to so many entries of a map, and bytes of texts without a dictionary, a row group is not looked through for the
/// longest of them: all of them may be of one batch.
const ENTRIES_UNSEEN: u64 = 256 * 1024;
const TEXTS_UNSEEN: u64 = 8 * 1024 * 1024;

/// What a value takes in a batch beside its text: its code, its levels, and the room that vectors grow by.
const BYTES_A_VALUE: u64 = 24;

/// What a value of a dictionary takes beside its text: where it begins, and what was found for it.
const BYTES_A_DICTIONARY_VALUE: u64 = 56;

/// What a column chunk comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sizes {
    /// As it lies in the file.
    compressed: u64,
    /// Its dictionary, and how many values that has.
    dictionary: u64,
    dictionary_values: u64,
    /// Its largest page of data.
    largest: u64,
    /// Its pages of texts that are not numbers of a dictionary, and what texts that share their beginnings come to.
    plain_texts: u64,
    /// The longest text, where there may be texts beside the dictionary's and they were looked at.
    longest: Option<u64>,
    /// All of its pages, and what texts that share their beginnings come to beyond them.
    total: u64,
    /// How many values it has.
    values: u64,
    /// The most values of a row: one, but for maps.
    most_of_a_row: u64,
}

impl Sizes {
    /// What the decoder holds whatever the number of rows in a batch: the column chunk, its dictionary while it is decoded,
    /// and a page while the next one is.
    fn held(&self) -> u64 {
        let dictionary = self.dictionary.saturating_mul(2);
        let values = self.dictionary_values.saturating_mul(BYTES_A_DICTIONARY_VALUE);
        let pages = self.largest.saturating_mul(2);
        self.compressed.saturating_add(dictionary).saturating_add(values).saturating_add(pages)
    }

    /// What a batch of so many rows comes to. Texts are there twice, as they were read and as a dictionary of their own.
    fn batch(&self, rows: usize) -> u64 {
        let values = self.values.min(self.most_of_a_row.saturating_mul(rows as u64));
        let longest = self.longest.map_or(u64::MAX, |longest| longest.saturating_mul(values));
        let texts = match (self.plain_texts, self.dictionary) {
            (0, _) => 0,
            (plain, 0) => plain.min(longest).saturating_mul(2),
            // Texts of a dictionary that stand beside others in a batch are copied.
            (..) => longest.saturating_mul(2),
        };
        values.saturating_mul(BYTES_A_VALUE).saturating_add(texts)
    }
}

/// What decoding columns of a row group takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// How much memory.
    pub(crate) bytes: u64,
    /// How many rows are to be decoded at a time.
    pub(crate) batch: usize,
}

/// The column chunks of a file, row group by row group, of which each is checked once.
pub(crate) struct PageBounds {
    checked: HashMap<usize, Sizes>,
    /// What all pages came to so far.
    decoded: u64,
    /// How much memory may be used.
    memory: u64,
}

impl PageBounds {
    /// For a file whose reading may use so many bytes of memory.
    pub(crate) fn within(memory: u64) -> Self {
        Self { checked: HashMap::new(), decoded: 0, memory }
    }

    /// Goes on to the next row group.
    pub(crate) fn next_row_group(&mut self) {
        self.checked.clear();
    }

    /// Checks the column chunks of `columns` that `projection` asks for. They are read for it, and kept. `held` is how much
    /// memory is used already.
    pub(crate) async fn check<S: ChunkSource>(
        &mut self,
        chunk: &mut ChunkBytes<'_, S>,
        row_group: usize,
        columns: &[ColumnChunkMetaData],
        projection: &ProjectionMask,
        held: u64,
    ) -> Result<Needs, CurError> {
        let name = chunk.name();
        let (size, memory) = (chunk.size(), self.memory);
        let oversized = |reason| CurError::Oversized { file: name.to_owned(), row_group: Some(row_group), reason };
        let asked = || columns.iter().enumerate().filter(|(leaf, _)| projection.leaf_included(*leaf));
        let ranges: Vec<_> = asked()
            .map(|(_, column)| {
                let (start, length) = column.byte_range();
                start..start.saturating_add(length)
            })
            .collect();
        let compressed = ranges.iter().map(|range| range.end - range.start).fold(0, u64::saturating_add);
        // A store may hold a range twice until it is whole.
        if compressed.saturating_mul(2).saturating_add(held) > memory {
            return Err(oversized(format!(
                "the columns that are read take {compressed} bytes of the file, which are held twice while they are read, and \
                 {memory} are held at a time, of which \
                 {held} are used"
            )));
        }
        chunk.grow(compressed.saturating_mul(2).saturating_add(held)).await;
        let bytes = chunk.get(&ranges).await?;
        let mut read = Vec::new();
        for ((leaf, column), bytes) in asked().zip(bytes) {
            let sizes = match self.checked.entry(leaf) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => {
                    let unfit = |unfit| unfit_column(name, row_group, column, unfit);
                    let mut sizes = walk(column, &bytes).map_err(unfit)?;
                    self.decoded = self.decoded.saturating_add(sizes.total);
                    let (most, total) = (limits::decoded(size), self.decoded);
                    if total > most {
                        return Err(oversized(format!(
                            "the columns that are read come to {total} bytes so far in a file of {size}, and {most} are read"
                        )));
                    }
                    look_through(column, &bytes, &mut sizes).map_err(unfit)?;
                    *unknown.insert(sizes)
                }
            };
            read.push(sizes);
        }
        let of_batch = |rows| read.iter().map(|sizes| sizes.batch(rows)).fold(0, u64::saturating_add);
        let mut batch = BATCH;
        while batch > FEWEST_ROWS && of_batch(batch) > BATCH_BYTES {
            batch /= 2;
        }
        let fixed = read.iter().map(Sizes::held).fold(0, u64::saturating_add);
        let bytes = fixed.saturating_add(of_batch(batch));
        if bytes.saturating_add(held) > memory {
            let of_batch = of_batch(batch);
            return Err(oversized(format!(
                "the columns that are read, with a dictionary and a page of each, take {fixed} bytes and a batch of rows \
                 {of_batch}, and {memory} are held at a time, of which {held} are used"
            )));
        }
        chunk.grow(bytes.saturating_add(held)).await;
        Ok(Needs { bytes, batch })
    }
}

/// Why a column chunk is not decoded.
enum Unfit {
    Corrupt(String),
    Oversized(String),
}

impl Unfit {
    /// The same, of a page.
    fn of_page(self, number: usize) -> Self {
        match self {
            Self::Corrupt(reason) => Self::Corrupt(format!("page {number} {reason}")),
            Self::Oversized(reason) => Self::Oversized(format!("page {number} {reason}")),
        }
    }
}

fn unfit_column(file: &str, row_group: usize, column: &ColumnChunkMetaData, unfit: Unfit) -> CurError {
    let (file, path, row_group) = (file.to_owned(), path_of(column), Some(row_group));
    match unfit {
        Unfit::Corrupt(reason) => CurError::Corrupt { file, row_group, reason: format!("column {path}: {reason}") },
        Unfit::Oversized(reason) => CurError::Oversized { file, row_group, reason: format!("column {path}: {reason}") },
    }
}

/// The pages of a column chunk.
struct Pages<'a> {
    rest: &'a [u8],
    number: usize,
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
            return corrupt(format!("is said to have {said} bytes where {left} are left"));
        };
        self.rest = after;
        Some(Ok((number, header, page)))
    }
}

/// Walks the pages of a column chunk.
fn walk(column: &ColumnChunkMetaData, bytes: &[u8]) -> Result<Sizes, Unfit> {
    let mut sizes = Sizes { compressed: bytes.len() as u64, most_of_a_row: 1, ..Sizes::default() };
    let (mut has_dictionary, mut written) = (false, 0_u64);
    for page in (Pages { rest: bytes, number: 0 }) {
        let (number, header, page) = page?;
        let of_page = |unfit: Unfit| unfit.of_page(number);
        let size = size_of(column.compression(), &header, page).map_err(of_page)? as u64;
        written = written.saturating_add(size);
        let texts = delta_texts(column, &header, page).map_err(of_page)?;
        let size = size.max(texts);
        sizes.total = sizes.total.saturating_add(size);
        match header.holds {
            Holds::Index => {}
            Holds::Data { values, encoding, .. } => {
                sizes.values = sizes.values.saturating_add(values as u64);
                sizes.largest = sizes.largest.max(size);
                if column.column_type() == Type::BYTE_ARRAY && !DICTIONARY_CODES.contains(&encoding) {
                    sizes.plain_texts = sizes.plain_texts.saturating_add(size);
                }
            }
            Holds::Dictionary { values } => {
                let corrupt = |reason: &str| Err(Unfit::Corrupt(reason.to_owned()).of_page(number));
                if has_dictionary {
                    return corrupt("is a second dictionary");
                }
                let least = (values as u64).saturating_mul(least_width(column.column_type()));
                if least > size {
                    return corrupt(&format!("is said to be a dictionary of {values} values in {size} bytes"));
                }
                if values > DICTIONARY_VALUES {
                    let reason = format!("is a dictionary of {values} values, and {DICTIONARY_VALUES} are read");
                    return Err(Unfit::Oversized(reason).of_page(number));
                }
                has_dictionary = true;
                (sizes.dictionary, sizes.dictionary_values) = (size, values as u64);
            }
        }
    }
    let (said, values) = (column.num_values(), sizes.values);
    if u64::try_from(said) != Ok(values) {
        return Err(Unfit::Corrupt(format!("its pages are said to hold {values} values, and the footer says {said}")));
    }
    let said = u64::try_from(column.uncompressed_size()).unwrap_or(0);
    if written > said.saturating_mul(2).saturating_add(SIZE_SLACK as u64) {
        return Err(Unfit::Corrupt(format!(
            "its pages are said to come to {written} bytes, and the footer says {said}"
        )));
    }
    Ok(sizes)
}

/// Finds the longest text and the most entries of a row, where they decide how much a batch of rows may take.
fn look_through(column: &ColumnChunkMetaData, bytes: &[u8], sizes: &mut Sizes) -> Result<(), Unfit> {
    let is_map = column.column_descr().max_rep_level() > 0;
    if is_map {
        sizes.most_of_a_row = sizes.values;
    }
    let counts_entries = is_map && sizes.values > ENTRIES_UNSEEN;
    let sees_texts = sizes.plain_texts > TEXTS_UNSEEN || (sizes.plain_texts > 0 && sizes.dictionary_values > 0);
    if !counts_entries && !sees_texts {
        return Ok(());
    }
    let (mut entries, mut longest) = (Entries::default(), 0_u64);
    for page in (Pages { rest: bytes, number: 0 }) {
        let (number, header, page) = page?;
        let of_page = |reason: &str| Unfit::Corrupt(reason.to_owned()).of_page(number);
        let (values, is_plain) = match header.holds {
            Holds::Index => continue,
            Holds::Dictionary { .. } => (0, true),
            Holds::Data { values, encoding, .. } => (values, !DICTIONARY_CODES.contains(&encoding)),
        };
        let is_inside = matches!(header.holds, Holds::Data { levels: Levels::Inside { .. }, .. });
        let body = if (sees_texts && is_plain) || (counts_entries && is_inside) {
            body_of(column, &header, page).map_err(|error| of_page(&format!("cannot be decompressed: {error}")))?
        } else {
            Cow::Borrowed(&[][..])
        };
        let levels = || of_page("has levels that cannot be read");
        if counts_entries {
            let repetition = match header.holds {
                Holds::Data { levels: Levels::Before { repetition, .. }, .. } => {
                    page.get(..repetition).ok_or_else(levels)?
                }
                Holds::Data { levels: Levels::Inside { repetition, .. }, .. } => {
                    split_levels(repetition, &body).ok_or_else(levels)?.0
                }
                Holds::Dictionary { .. } | Holds::Index => &[],
            };
            entries.take(repetition, values).map_err(|_| levels())?;
        }
        if sees_texts && is_plain {
            let found = match header.holds {
                Holds::Data {
                    encoding: encoding @ (delta_lengths::DELTA_BYTE_ARRAY | delta_lengths::DELTA_LENGTH_BYTE_ARRAY),
                    ..
                } => {
                    let texts = after_levels(column, &header, &body).ok_or_else(levels)?;
                    let lengths = || of_page("has lengths that cannot be read");
                    if texts.is_empty() {
                        0
                    } else {
                        delta_lengths::texts(encoding, texts, values).map_err(|_| lengths())?.1
                    }
                }
                _ => longest_text(after_levels(column, &header, &body).ok_or_else(levels)?),
            };
            longest = longest.max(found);
        }
    }
    if counts_entries {
        sizes.most_of_a_row = entries.most();
    }
    if sees_texts {
        sizes.longest = Some(longest);
    }
    Ok(())
}

/// The longest of texts that each have their length before them. Where they break off, the decoder answers an error.
fn longest_text(mut bytes: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = u32::from_le_bytes(*length);
        let Some(rest) = usize::try_from(length).ok().and_then(|length| rest.get(length..)) else { break };
        longest = longest.max(length);
        bytes = rest;
    }
    longest.into()
}

/// How many bytes a page takes in memory: what its header says, if the page can come to that and to no more.
fn size_of(codec: Compression, header: &PageHeader, page: &[u8]) -> Result<usize, Unfit> {
    let corrupt = |reason: String| Err(Unfit::Corrupt(reason));
    let said = header.uncompressed;
    let (levels, is_compressed) = match header.holds {
        Holds::Data { levels: Levels::Before { all, .. }, is_compressed, .. } => (all, is_compressed),
        Holds::Data { .. } | Holds::Dictionary { .. } => (0, true),
        Holds::Index => return Ok(0),
    };
    // What is not compressed is taken as it lies in the file, whatever the header says.
    if !is_compressed || codec == Compression::UNCOMPRESSED {
        return Ok(page.len());
    }
    if said > PAGE {
        return Err(Unfit::Oversized(format!("is said to come to {said} bytes, and {PAGE} are read")));
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
fn delta_texts(column: &ColumnChunkMetaData, header: &PageHeader, page: &[u8]) -> Result<u64, Unfit> {
    let Holds::Data { values, encoding, .. } = header.holds else { return Ok(0) };
    if !matches!(encoding, delta_lengths::DELTA_BYTE_ARRAY | delta_lengths::DELTA_LENGTH_BYTE_ARRAY) {
        return Ok(0);
    }
    let corrupt = |reason: &str| Unfit::Corrupt(reason.to_owned());
    let body = body_of(column, header, page).map_err(|error| corrupt(&format!("cannot be decompressed: {error}")))?;
    let bytes = after_levels(column, header, &body).ok_or_else(|| corrupt("has levels that cannot be read"))?;
    if bytes.is_empty() {
        return Ok(0);
    }
    let (length, _) =
        delta_lengths::texts(encoding, bytes, values).map_err(|_| corrupt("has lengths that cannot be read"))?;
    if length > PAGE as u64 {
        return Err(Unfit::Oversized(format!("holds texts of {length} bytes, and {PAGE} are read")));
    }
    Ok(length)
}

/// What of a page is compressed, decompressed: with the levels, where they stand inside.
fn body_of<'a>(column: &ColumnChunkMetaData, header: &PageHeader, page: &'a [u8]) -> io::Result<Cow<'a, [u8]>> {
    let (before, is_compressed) = match header.holds {
        Holds::Data { levels: Levels::Before { all, .. }, is_compressed, .. } => (all, is_compressed),
        Holds::Data { .. } | Holds::Dictionary { .. } | Holds::Index => (0, true),
    };
    let inside = header.uncompressed.saturating_sub(before);
    let codec = if is_compressed && inside > 0 { column.compression() } else { Compression::UNCOMPRESSED };
    decompress(codec, page.get(before..).unwrap_or_default(), inside)
}

/// What follows the levels in what [`body_of`] a page is.
fn after_levels<'a>(column: &ColumnChunkMetaData, header: &PageHeader, body: &'a [u8]) -> Option<&'a [u8]> {
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

/// Levels that are encoded as runs with their length before them, and what follows them. No writer of maps, or of texts
/// that are encoded by what they share, encodes levels in the older way.
fn split_levels(encoding: i32, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
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

/// How many bytes the shortest value of a type takes in a dictionary.
fn least_width(physical: Type) -> u64 {
    match physical {
        // A text begins with its length.
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::BOOLEAN | Type::FIXED_LEN_BYTE_ARRAY => 1,
    }
}
