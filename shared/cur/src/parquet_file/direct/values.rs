//! Values as they lie in a dictionary or in a plain page, one after the other.

use std::collections::HashMap;

use crate::parquet_file::direct::odd::Odd;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Physical {
    Text,
    Double,
    /// 96 bits: the nanosecond of the day, and the Julian day.
    Int96,
    /// 64 bits, of so many to the second.
    Time(i64),
}

/// Texts, each behind its length in 32 bits. Answers the first and what follows it.
pub(crate) fn split_text(bytes: &[u8]) -> Result<(&[u8], &[u8]), Odd> {
    let (length, rest) = bytes.split_first_chunk().ok_or(Odd)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Odd)?;
    rest.split_at_checked(length).ok_or(Odd)
}

/// What follows `count` texts.
pub(crate) fn skip_texts(mut bytes: &[u8], count: usize) -> Result<&[u8], Odd> {
    for _ in 0..count {
        bytes = split_text(bytes)?.1;
    }
    Ok(bytes)
}

/// Texts that were met, those of the dictionary first. Others are there once each.
#[derive(Default)]
pub(crate) struct TextValues {
    pub(crate) bytes: Vec<u8>,
    /// Where each ends, and 0 before them.
    pub(crate) ends: Vec<i32>,
    others: HashMap<Box<[u8]>, u32>,
}

/// What a text besides the dictionary's takes beyond its bytes, which are there twice.
const BYTES_AN_OTHER: usize = 96;

impl TextValues {
    /// The texts of a dictionary.
    pub(crate) fn of(values: usize, mut bytes: &[u8]) -> Result<Self, Odd> {
        let mut texts = Self { bytes: Vec::with_capacity(bytes.len()), ends: vec![0], others: HashMap::new() };
        for _ in 0..values {
            let (text, rest) = split_text(bytes)?;
            texts.push(text)?;
            bytes = rest;
        }
        Ok(texts)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    pub(crate) fn get(&self, code: usize) -> Option<&[u8]> {
        let end = |at: usize| self.ends.get(at).and_then(|end| usize::try_from(*end).ok());
        self.bytes.get(end(code)?..end(code + 1)?)
    }

    /// How much memory they take.
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity() * 2 + self.ends.capacity() * 4 + self.others.len() * BYTES_AN_OTHER
    }

    /// The code of a text of a plain page.
    pub(crate) fn code(&mut self, text: &[u8]) -> Result<u32, Odd> {
        if let Some(code) = self.others.get(text) {
            return Ok(*code);
        }
        if self.ends.is_empty() {
            self.ends.push(0);
        }
        let code = u32::try_from(self.len()).map_err(|_| Odd)?;
        self.push(text)?;
        self.others.insert(text.into(), code);
        Ok(code)
    }

    fn push(&mut self, text: &[u8]) -> Result<(), Odd> {
        self.bytes.extend_from_slice(text);
        self.ends.push(i32::try_from(self.bytes.len()).map_err(|_| Odd)?);
        Ok(())
    }
}

/// How many bytes a value takes that is no text.
pub(crate) fn width(physical: Physical) -> usize {
    if physical == Physical::Int96 { 12 } else { 8 }
}

pub(crate) fn double(bytes: &[u8]) -> Result<f64, Odd> {
    bytes.first_chunk().copied().map(f64::from_le_bytes).ok_or(Odd)
}

/// Seconds since 1970, of which parts are cut off.
pub(crate) fn seconds(physical: Physical, bytes: &[u8]) -> Result<i64, Odd> {
    const EPOCH: i64 = 2_440_588;
    let number = bytes.first_chunk().copied().map(i64::from_le_bytes).ok_or(Odd)?;
    match physical {
        Physical::Time(to_the_second) => number.checked_div_euclid(to_the_second).ok_or(Odd),
        Physical::Int96 => {
            let day =
                bytes.get(8..).and_then(|bytes| bytes.first_chunk()).copied().map(i32::from_le_bytes).ok_or(Odd)?;
            // As the library does it, which cuts off towards zero.
            Ok((i64::from(day) - EPOCH).wrapping_mul(86_400).wrapping_add(number / 1_000_000_000))
        }
        Physical::Text | Physical::Double => Err(Odd),
    }
}
