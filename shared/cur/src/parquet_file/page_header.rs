//! The header of a Parquet page, read before the library reads it.
//!
//! See <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use crate::parquet_file::thrift::{Kind, Malformed, Reader};

/// Where the levels of a page of data stand, which say what is null and where a map begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Levels {
    /// Before what is compressed.
    Before {
        /// How many bytes they take.
        all: usize,
        /// How many of them, the first, say where a map begins.
        repetition: usize,
    },
    /// Before the values and compressed with them; encoded in these ways, as Parquet numbers them.
    Inside {
        /// The levels that say what is null.
        definition: i32,
        /// The levels that say where a map begins.
        repetition: i32,
    },
}

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Values, or the absence of them.
    Data {
        /// How many, with nulls.
        values: usize,
        /// How they are encoded, as Parquet numbers it.
        encoding: i32,
        /// Where its levels stand.
        levels: Levels,
        /// Whether what follows the levels is compressed, if the column is.
        is_compressed: bool,
    },
    /// The dictionary, of so many values.
    Dictionary {
        /// How many.
        values: usize,
    },
    /// An index, which nobody writes and nobody reads.
    Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageHeader {
    pub(crate) holds: Holds,
    /// The length of the page in the file, without this header.
    pub(crate) compressed: usize,
    /// Its length in memory.
    pub(crate) uncompressed: usize,
}

impl PageHeader {
    /// Reads the header at the start of `bytes`; what is left of them begins with the page.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        let (mut kind, mut uncompressed, mut compressed) = (None, None, None);
        let (mut holds, mut number, mut seen) = (Holds::Index, 0, 0);
        reader.structure::<Malformed>(|reader, id, field| {
            match (id, field) {
                (1, Kind::Integer) => kind = Some(reader.int()?),
                (2, Kind::Integer) => uncompressed = Some(length(reader)?),
                (3, Kind::Integer) => compressed = Some(length(reader)?),
                (5..=8, Kind::Struct) => {
                    seen += 1;
                    (number, holds) = match id {
                        5 => (0, data(reader)?),
                        7 => (2, dictionary(reader)?),
                        8 => (3, data_v2(reader)?),
                        _ => return Ok(false),
                    };
                }
                (1..=3 | 5..=8, _) => return Err(Malformed),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let (Some(kind), Some(compressed), Some(uncompressed)) = (kind, compressed, uncompressed) else {
            return Err(Malformed);
        };
        // The header of exactly the kind that the page is said to be.
        let agrees = match kind {
            1 => holds == Holds::Index,
            _ => seen == 1 && kind == number && holds != Holds::Index,
        };
        if agrees { Ok((Self { holds, compressed, uncompressed }, reader.rest())) } else { Err(Malformed) }
    }
}

fn data(reader: &mut Reader<'_>) -> Result<Holds, Malformed> {
    let (mut values, mut encoding, mut definition, mut repetition) = (None, None, None, None);
    reader.structure::<Malformed>(|reader, id, field| {
        match (id, field) {
            (1, Kind::Integer) => values = Some(length(reader)?),
            (2, Kind::Integer) => encoding = Some(reader.int()?),
            (3, Kind::Integer) => definition = Some(reader.int()?),
            (4, Kind::Integer) => repetition = Some(reader.int()?),
            (1..=4, _) => return Err(Malformed),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let (Some(values), Some(encoding)) = (values, encoding) else { return Err(Malformed) };
    let (Some(definition), Some(repetition)) = (definition, repetition) else { return Err(Malformed) };
    Ok(Holds::Data { values, encoding, levels: Levels::Inside { definition, repetition }, is_compressed: true })
}

fn data_v2(reader: &mut Reader<'_>) -> Result<Holds, Malformed> {
    let (mut values, mut encoding, mut definition, mut repetition) = (None, None, None, None);
    let mut is_compressed = true;
    reader.structure::<Malformed>(|reader, id, field| {
        match (id, field) {
            (1, Kind::Integer) => values = Some(length(reader)?),
            (4, Kind::Integer) => encoding = Some(reader.int()?),
            (5, Kind::Integer) => definition = Some(length(reader)?),
            (6, Kind::Integer) => repetition = Some(length(reader)?),
            (7, Kind::True) => is_compressed = true,
            (7, Kind::False) => is_compressed = false,
            (1 | 4..=7, _) => return Err(Malformed),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let (Some(values), Some(encoding)) = (values, encoding) else { return Err(Malformed) };
    let (Some(definition), Some(repetition)) = (definition, repetition) else { return Err(Malformed) };
    let levels = Levels::Before { all: definition.checked_add(repetition).ok_or(Malformed)?, repetition };
    Ok(Holds::Data { values, encoding, levels, is_compressed })
}

fn dictionary(reader: &mut Reader<'_>) -> Result<Holds, Malformed> {
    let mut values = None;
    reader.structure::<Malformed>(|reader, id, field| match (id, field) {
        (1, Kind::Integer) => {
            values = Some(length(reader)?);
            Ok(true)
        }
        (1, _) => Err(Malformed),
        _ => Ok(false),
    })?;
    values.map(|values| Holds::Dictionary { values }).ok_or(Malformed)
}

/// A number of bytes or values, which no sign can be before.
fn length(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    usize::try_from(reader.int()?).map_err(|_| Malformed)
}
