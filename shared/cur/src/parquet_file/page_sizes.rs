//! What the pages of a column chunk come to in memory, checked before the library decodes them.

use std::borrow::Cow;
use std::io::{self, Read as _};

use flate2::bufread::MultiGzDecoder;
use parquet::basic::{Compression, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use crate::limits::{DICTIONARY_VALUES, PAGE};
use crate::parquet_file::delta_lengths;
use crate::parquet_file::levels::Entries;
use crate::parquet_file::page_header::{Holds, Levels, PageHeader};
use crate::parquet_file::pages::{Pages, after_levels, body_of, split_levels};
use crate::parquet_file::thrift::Reader;
use crate::parquet_file::unfit::Unfit;

/// A column chunk's pages may come to twice the size that the footer gives, and so much more. Files by AWS and Spark never
/// exceed the footer's size; some other writers leave the dictionary or the page headers out of it. The check finds damage.
/// It is no protection: whoever forges a page header can forge the footer too.
const SIZE_SLACK: usize = 1024 * 1024;

/// Parquet's numbers for values that are numbers of a dictionary.
const DICTIONARY_CODES: [i32; 2] = [2, 8];

/// Snappy's longest copy turns three bytes into 64.
const SNAPPY_RATIO: usize = 22;

/// Below these sizes nobody looks for the row with the most entries or for the longest text: the estimate puts all entries
/// and all texts of the row group into one batch, and that is small enough.
const ENTRIES_UNSEEN: u64 = 256 * 1024;

const TEXTS_UNSEEN: u64 = 8 * 1024 * 1024;

/// What a value takes in a batch beside its text: its code, its levels, and the room that vectors grow by.
const BYTES_A_VALUE: u64 = 24;

/// What a value of a dictionary takes beside its text: where it begins, and what was found for it.
const BYTES_A_DICTIONARY_VALUE: u64 = 56;

/// What a column chunk comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
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
    pub(crate) total: u64,
    /// How many values it has.
    values: u64,
    /// The most values of a row: one, but for maps.
    most_of_a_row: u64,
}

impl Sizes {
    /// What the decoder holds whatever the number of rows in a batch: the column chunk, its dictionary while it is decoded,
    /// and a page while the next one is.
    pub(crate) fn held(&self) -> u64 {
        let dictionary = self.dictionary.saturating_mul(2);
        let values = self.dictionary_values.saturating_mul(BYTES_A_DICTIONARY_VALUE);
        let pages = self.largest.saturating_mul(2);
        self.compressed.saturating_add(dictionary).saturating_add(values).saturating_add(pages)
    }

    /// What reading its pages one by one takes: the dictionary as it is read and as it is kept, and a page.
    pub(crate) fn page_by_page(&self) -> u64 {
        let values = self.dictionary_values.saturating_mul(BYTES_A_DICTIONARY_VALUE);
        let dictionary = self.dictionary.saturating_mul(2).saturating_add(values);
        dictionary.saturating_add(self.largest.saturating_mul(2))
    }

    /// What a batch of so many rows comes to. Texts are there twice, as they were read and as a dictionary of their own.
    pub(crate) fn batch(&self, rows: usize) -> u64 {
        let values = self.values.min(self.most_of_a_row.saturating_mul(rows as u64));
        let longest = self.longest.map_or(u64::MAX, |longest| longest.saturating_mul(values));
        let texts = match (self.plain_texts, self.dictionary) {
            (0, _) => 0,
            (plain, 0) => plain.min(longest).saturating_mul(2),
            // A batch with plain texts gets a dictionary of its own, and texts of the file's dictionary are copied into it.
            (..) => longest.saturating_mul(2),
        };
        values.saturating_mul(BYTES_A_VALUE).saturating_add(texts)
    }
}

/// Walks the pages of a column chunk.
pub(crate) fn walk(column: &ColumnChunkMetaData, bytes: &[u8]) -> Result<Sizes, Unfit> {
    let mut sizes = Sizes { compressed: bytes.len() as u64, most_of_a_row: 1, ..Sizes::default() };
    let (mut has_dictionary, mut written) = (false, 0_u64);
    for page in Pages::of(bytes) {
        let (number, header, page) = page?;
        let of_page = |unfit: Unfit| unfit.of_page(number);
        let said = size_of(column.compression(), &header, page).map_err(of_page)? as u64;
        written = written.saturating_add(said);
        let texts = delta_texts(column, &header, page).map_err(of_page)?;
        let size = said.max(texts);
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
                // Each value of a dictionary takes at least the width of its type's shortest value.
                let least = (values as u64).saturating_mul(least_width(column.column_type()));
                if least > size {
                    return corrupt(&format!("claims to be a dictionary of {values} values in {size} bytes"));
                }
                if values > DICTIONARY_VALUES {
                    let reason =
                        format!("is a dictionary of {values} values, and at most {DICTIONARY_VALUES} are read");
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

/// Finds the longest text and the most entries of a row, where they decide how much memory a batch of rows takes. The
/// pages are walked once more for it, and decompressed.
pub(crate) fn look_through(column: &ColumnChunkMetaData, bytes: &[u8], sizes: &mut Sizes) -> Result<(), Unfit> {
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
    for page in Pages::of(bytes) {
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

/// The longest of texts that each have their length before them. Texts that break off are left to the decoder, which
/// answers an error.
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
pub(crate) fn size_of(codec: Compression, header: &PageHeader, page: &[u8]) -> Result<usize, Unfit> {
    let corrupt = |reason: String| Err(Unfit::Corrupt(reason));
    let said = header.uncompressed;
    let (levels, is_compressed) = match header.holds {
        Holds::Data { levels: Levels::Before { all, .. }, is_compressed, .. } => (all, is_compressed),
        Holds::Data { .. } | Holds::Dictionary { .. } => (0, true),
        Holds::Index => return Ok(0),
    };
    // The decoder takes an uncompressed page as it lies in the file, whatever size its header gives.
    if !is_compressed || codec == Compression::UNCOMPRESSED {
        return Ok(page.len());
    }
    if said > PAGE {
        return Err(Unfit::Oversized(format!("claims to decompress to {said} bytes, and at most {PAGE} are read")));
    }
    let (Some(body), Some(inside)) = (page.get(levels..), said.checked_sub(levels)) else {
        return corrupt(format!("claims to begin with {levels} bytes of levels"));
    };
    // A page of nulls alone has no body: the decoder decompresses nothing.
    if inside == 0 {
        return Ok(said);
    }
    match codec {
        Compression::SNAPPY => {
            let own = Reader::new(body).varint().ok();
            if own.and_then(|own| usize::try_from(own).ok()) != Some(inside) {
                return corrupt(format!(
                    "claims to decompress to {inside} bytes, and its own beginning says otherwise"
                ));
            }
            if inside / SNAPPY_RATIO > body.len() {
                return corrupt(format!("claims to decompress to {inside} bytes, which {} cannot", body.len()));
            }
        }
        // The decoder inflates gzip to its end, and only then compares the length with the header. So the length is measured
        // here, and measuring stops one byte beyond it.
        Compression::GZIP(_) => {
            let most = u64::try_from(inside).unwrap_or(u64::MAX).saturating_add(1);
            let mut inflated = MultiGzDecoder::new(body).take(most);
            match io::copy(&mut inflated, &mut io::sink()) {
                Ok(length) if length == most - 1 => {}
                Ok(length) if length == most => {
                    return corrupt(format!("claims to decompress to {inside} bytes, and decompresses to more"));
                }
                Ok(length) => {
                    return corrupt(format!("claims to decompress to {inside} bytes, and decompresses to {length}"));
                }
                Err(error) => return corrupt(format!("cannot be decompressed: {error}")),
            }
        }
        // The decoder gives Zstandard a buffer of the header's size, which bounds it. Other codecs were refused with the
        // footer.
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
        return Err(Unfit::Oversized(format!("holds texts of {length} bytes, and at most {PAGE} are read")));
    }
    Ok(length)
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
