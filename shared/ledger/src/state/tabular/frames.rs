//! Numbers as bytes, and bytes as zstd frames.

use std::io;

use serde::de::Error as _;
use spend_core::table::codes::Codes;
use spend_core::table::decimals::Decimals;
use zstd::bulk::Compressor;

use crate::state::contexts;
use crate::state::tabular::outline::{Amounts, Numbers};

/// The quickest: a higher level takes twice the time for a tenth of the size.
const LEVEL: i32 = 1;

/// The most that a byte of a zstd frame comes to. A block has at most 128 KiB and takes at least four bytes: three of its
/// header and the one that is repeated (RFC 8878, 3.1.1.2).
const MOST_OF_A_BYTE: u64 = (128 << 10) / 4;

/// Whether a frame of so many bytes can come to `length` when it is decompressed.
pub(super) fn can_hold(frame: usize, length: u64) -> bool {
    length <= (frame as u64).saturating_mul(MOST_OF_A_BYTE)
}

/// An error of the document that says this.
pub(super) fn damage(said: impl std::fmt::Display) -> serde_json::Error {
    serde_json::Error::custom(said)
}

/// Writes frames, one after the other.
pub(super) struct Writer {
    compressor: Compressor<'static>,
    frames: Vec<u8>,
    written: u64,
}

impl Writer {
    pub(super) fn new() -> Result<Self, serde_json::Error> {
        let mut compressor = Compressor::new(LEVEL).map_err(damage)?;
        compressor.include_checksum(true).map_err(damage)?;
        Ok(Self { compressor, frames: Vec::new(), written: 0 })
    }

    /// How many bytes there are, before they are compressed.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.frames
    }

    /// A frame of its own.
    pub(super) fn compressed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        self.compressor.compress(bytes).map_err(damage)
    }

    /// Writes a frame; its length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<usize, serde_json::Error> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let frame = self.compressed(bytes)?;
        self.written = self.written.saturating_add(bytes.len() as u64);
        self.frames.extend_from_slice(&frame);
        Ok(frame.len())
    }

    pub(super) fn codes(&mut self, codes: &Codes) -> Result<Numbers, serde_json::Error> {
        let (width, bytes) = match codes {
            Codes::Zeros(_) => (0, 0),
            Codes::Bytes(codes) => (1, self.bytes(codes)?),
            Codes::Shorts(codes) => (2, self.bytes(&flat(codes, u16::to_le_bytes))?),
            Codes::Words(codes) => (4, self.bytes(&flat(codes, u32::to_le_bytes))?),
        };
        Ok(Numbers { width, bytes })
    }

    pub(super) fn decimals(&mut self, decimals: &Decimals) -> Result<Amounts, serde_json::Error> {
        let (unit, width, bytes) = match decimals {
            Decimals::Zeros(_) => (0, 0, 0),
            Decimals::Counts { unit, counts } => {
                (*unit, size_of::<i64>(), self.bytes(&flat(counts, i64::to_le_bytes))?)
            }
            Decimals::Units(units) => (1, size_of::<i128>(), self.bytes(&flat(units, i128::to_le_bytes))?),
        };
        Ok(Amounts { unit, width, bytes })
    }
}

fn flat<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut flat = vec![0; values.len() * N];
    flat.as_chunks_mut::<N>().0.iter_mut().zip(values).for_each(|(slot, value)| *slot = bytes(*value));
    flat
}

fn numbers<T, const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
}

fn is_power_of_ten(unit: i64) -> bool {
    unit.checked_ilog10().and_then(|power| 10_i64.checked_pow(power)) == Some(unit)
}

/// Reads frames, one after the other.
pub(super) struct Reader<'a> {
    frames: &'a [u8],
    /// How many decompressed bytes may still come.
    left: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(frames: &'a [u8], limit: u64) -> Self {
        Self { frames, left: limit }
    }

    /// The next frame, which has so many bytes.
    fn frame(&mut self, bytes: usize) -> Result<&'a [u8], serde_json::Error> {
        let cut = || damage(format!("a frame of {bytes} bytes is said to be where {} are left", self.frames.len()));
        let (frame, rest) = self.frames.split_at_checked(bytes).ok_or_else(cut)?;
        self.frames = rest;
        Ok(frame)
    }

    /// Leaves a frame out.
    pub(super) fn skip(&mut self, bytes: usize) -> Result<(), serde_json::Error> {
        self.frame(bytes).map(drop)
    }

    /// Whether all frames were read.
    pub(super) fn is_at_end(&self) -> bool {
        self.frames.is_empty()
    }

    /// Decompresses the next frame, which comes to at most so many bytes.
    fn decompressed(&mut self, bytes: usize, most: u64) -> Result<Vec<u8>, serde_json::Error> {
        let frame = self.frame(bytes)?;
        if most > self.left {
            return Err(damage(format!("it has more than {} bytes decompressed than are read", self.left)));
        }
        let capacity = usize::try_from(most).map_err(damage)?;
        let said = |error: io::Error| damage(format!("it cannot be decompressed: {error}"));
        let found = contexts::frame(frame, capacity).map_err(said)?;
        self.left = self.left.saturating_sub(found.len() as u64);
        Ok(found)
    }

    /// The next frame, however long it is, up to the limit.
    pub(super) fn json(&mut self, bytes: usize) -> Result<Vec<u8>, serde_json::Error> {
        if bytes == 0 {
            return Ok(Vec::new());
        }
        let frame = self.frame(bytes)?;
        let said = |error: io::Error| damage(format!("it cannot be decompressed: {error}"));
        let found = contexts::stream(frame, self.left.saturating_add(1)).map_err(said)?;
        let length = found.len() as u64;
        self.left =
            self.left.checked_sub(length).ok_or_else(|| damage("it has more bytes decompressed than are read"))?;
        Ok(found)
    }

    /// The next frame, which has `width` bytes for each of `rows` rows.
    fn rows(&mut self, rows: usize, width: usize, bytes: usize) -> Result<Vec<u8>, serde_json::Error> {
        let length = rows.checked_mul(width).ok_or_else(|| damage("it has more rows than fit in memory"))?;
        if !can_hold(bytes, length as u64) {
            return Err(damage(format!("a frame of {bytes} bytes cannot have {rows} rows of {width}")));
        }
        let found = self.decompressed(bytes, length as u64)?;
        if found.len() == length {
            Ok(found)
        } else {
            Err(damage(format!("a column has {} bytes for {rows} rows of {width}", found.len())))
        }
    }

    pub(super) fn codes(&mut self, rows: usize, outline: Numbers) -> Result<Codes, serde_json::Error> {
        Ok(match outline.width {
            0 if outline.bytes == 0 => Codes::Zeros(rows),
            1 => Codes::Bytes(self.rows(rows, 1, outline.bytes)?),
            2 => Codes::Shorts(numbers(&self.rows(rows, 2, outline.bytes)?, u16::from_le_bytes)),
            4 => Codes::Words(numbers(&self.rows(rows, 4, outline.bytes)?, u32::from_le_bytes)),
            width => return Err(damage(format!("numbers of {width} bytes are not known"))),
        })
    }

    pub(super) fn decimals(&mut self, rows: usize, outline: Amounts) -> Result<Decimals, serde_json::Error> {
        Ok(match (outline.width, outline.unit) {
            (0, 0) if outline.bytes == 0 => Decimals::Zeros(rows),
            (8, unit) if is_power_of_ten(unit) => {
                let counts = numbers(&self.rows(rows, 8, outline.bytes)?, i64::from_le_bytes);
                Decimals::Counts { unit, counts }
            }
            (16, 1) => Decimals::Units(numbers(&self.rows(rows, 16, outline.bytes)?, i128::from_le_bytes)),
            (width, unit) => return Err(damage(format!("amounts of {width} bytes in {unit} are not known"))),
        })
    }
}
