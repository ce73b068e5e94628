//! Runs and packed bits, which levels and the codes of a dictionary are encoded in.
//!
//! See <https://parquet.apache.org/docs/file-format/data-pages/encodings/>, "Run Length Encoding / Bit-Packing Hybrid".

use crate::parquet_file::direct::bits::{Bits, Marks};
use crate::parquet_file::thrift::{Malformed, Reader};

/// The widest number.
const MOST_BITS: u32 = 32;

/// Numbers that are encoded so, read from the first to the last.
#[derive(Clone)]
pub(crate) struct Hybrid<'a> {
    rest: &'a [u8],
    width: u32,
    run: Run<'a>,
    left: usize,
}

/// Numbers that are encoded together.
#[derive(Clone, Copy)]
pub(crate) enum Run<'a> {
    /// All the same.
    Same(u32),
    /// Packed into bits, from the one at this place on.
    Packed(&'a [u8], usize),
}

impl<'a> Hybrid<'a> {
    pub(crate) fn new(bytes: &'a [u8], width: u32) -> Result<Self, Malformed> {
        if width > MOST_BITS {
            return Err(Malformed);
        }
        Ok(Self { rest: bytes, width, run: Run::Same(0), left: 0 })
    }

    /// How many bits a number has.
    pub(crate) fn width(&self) -> u32 {
        self.width
    }

    /// The next numbers that are encoded together, `most` of them at the most.
    pub(crate) fn next(&mut self, most: usize) -> Result<(Run<'a>, usize), Malformed> {
        if self.left == 0 {
            self.begin()?;
        }
        let (run, count) = (self.run, self.left.min(most));
        if let Run::Packed(_, at) = &mut self.run {
            *at += count;
        }
        self.left -= count;
        Ok((run, count))
    }

    fn begin(&mut self) -> Result<(), Malformed> {
        // Nearly all runs are short enough for a head of one byte.
        let (head, rest) = match self.rest.split_first() {
            Some((head, rest)) if *head < 0x80 => (u64::from(*head), rest),
            _ => {
                let mut reader = Reader::new(self.rest);
                (reader.varint()?, reader.rest())
            }
        };
        let count = usize::try_from(head >> 1).map_err(|_| Malformed)?;
        if count == 0 {
            return Err(Malformed);
        }
        let width = usize::try_from(self.width).map_err(|_| Malformed)?;
        if head & 1 == 0 {
            let (bytes, rest) = rest.split_at_checked(width.div_ceil(8)).ok_or(Malformed)?;
            let number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
            if number >> self.width != 0 {
                return Err(Malformed);
            }
            (self.run, self.left) = (Run::Same(low32(number)), count);
            self.rest = rest;
        } else {
            let (packed, rest) = rest.split_at_checked(count.checked_mul(width).ok_or(Malformed)?).ok_or(Malformed)?;
            self.left = count.checked_mul(8).ok_or(Malformed)?;
            self.run = if width == 0 { Run::Same(0) } else { Run::Packed(packed, 0) };
            self.rest = rest;
        }
        Ok(())
    }

    pub(crate) fn skip(&mut self, mut count: usize) -> Result<(), Malformed> {
        while count > 0 {
            count -= self.next(count)?.1;
        }
        Ok(())
    }

    /// Appends the next `count` numbers to `numbers`.
    pub(crate) fn read(&mut self, mut count: usize, numbers: &mut Vec<u32>) -> Result<(), Malformed> {
        while count > 0 {
            let (run, length) = self.next(count)?;
            match run {
                Run::Same(number) => numbers.resize(numbers.len() + length, number),
                Run::Packed(bytes, at) => unpack(bytes, self.width, at, length, numbers),
            }
            count -= length;
        }
        Ok(())
    }
}

/// Appends `count` numbers from the one at `first` on; the bytes are there.
pub(crate) fn unpack(bytes: &[u8], width: u32, first: usize, count: usize, numbers: &mut Vec<u32>) {
    let bits = usize::try_from(width).unwrap_or(0);
    let mask = u64::MAX >> (64 - width.clamp(1, MOST_BITS));
    numbers.reserve(count);
    let (mut at, end) = (first, first + count);
    while at < end && !at.is_multiple_of(8) {
        numbers.push(one(bytes, bits, mask, at));
        at += 1;
    }
    // Eight numbers take as many bytes as one takes bits.
    let groups = (end - at) / 8;
    if groups > 0 && (1..=MOST_BITS_AT_ONCE).contains(&width) {
        let start = numbers.len();
        numbers.resize(start + groups * 8, 0);
        let into = numbers.get_mut(start..).unwrap_or_default();
        eights(bytes.get(at / 8 * bits..).unwrap_or_default(), width, into);
        at += groups * 8;
    }
    while at < end {
        numbers.push(one(bytes, bits, mask, at));
        at += 1;
    }
}

/// The widest numbers of which eight fit into 128 bits.
const MOST_BITS_AT_ONCE: u32 = 16;

/// Fills `into`, of a multiple of eight numbers, from the first packed number on.
fn eights(bytes: &[u8], width: u32, into: &mut [u32]) {
    // Shifts by numbers that are known when this is compiled take half the time.
    match width {
        1 => eights_of::<1>(bytes, into),
        2 => eights_of::<2>(bytes, into),
        3 => eights_of::<3>(bytes, into),
        4 => eights_of::<4>(bytes, into),
        5 => eights_of::<5>(bytes, into),
        6 => eights_of::<6>(bytes, into),
        7 => eights_of::<7>(bytes, into),
        8 => eights_of::<8>(bytes, into),
        9 => eights_of::<9>(bytes, into),
        10 => eights_of::<10>(bytes, into),
        11 => eights_of::<11>(bytes, into),
        12 => eights_of::<12>(bytes, into),
        13 => eights_of::<13>(bytes, into),
        14 => eights_of::<14>(bytes, into),
        15 => eights_of::<15>(bytes, into),
        _ => eights_of::<16>(bytes, into),
    }
}

fn eights_of<const BITS: usize>(bytes: &[u8], into: &mut [u32]) {
    for (packed, numbers) in bytes.as_chunks::<BITS>().0.iter().zip(into.as_chunks_mut::<8>().0) {
        let mut word = [0; 16];
        for (byte, packed) in word.iter_mut().zip(packed) {
            *byte = *packed;
        }
        let word = u128::from_le_bytes(word);
        for (index, number) in numbers.iter_mut().enumerate() {
            #[expect(clippy::cast_possible_truncation, reason = "the number is masked to its bits")]
            let shifted = (word >> (index * BITS)) as u32;
            *number = shifted & (u32::MAX >> (32 - BITS));
        }
    }
}

fn one(bytes: &[u8], bits: usize, mask: u64, at: usize) -> u32 {
    let bit = at * bits;
    let word = word(bytes, bit / 8).unwrap_or_else(|| {
        let tail = bytes.get(bit / 8..).unwrap_or_default();
        tail.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    });
    low32(word >> (bit % 8) & mask)
}

fn word(bytes: &[u8], start: usize) -> Option<u64> {
    bytes.get(start..)?.first_chunk().copied().map(u64::from_le_bytes)
}

#[expect(clippy::cast_possible_truncation, reason = "the number was masked to 32 bits")]
fn low32(number: u64) -> u32 {
    number as u32
}

/// Which of `values` levels, none of them above `most`, are `least` or more.
pub(crate) fn marks(bytes: &[u8], most: u32, least: u32, values: usize) -> Result<Marks, Malformed> {
    let mut levels = Hybrid::new(bytes, u32::BITS - most.leading_zeros())?;
    let mut bits = Bits::default();
    let mut unpacked = Vec::new();
    while bits.len() < values {
        let (run, count) = levels.next(values - bits.len())?;
        match run {
            Run::Same(level) if level > most => return Err(Malformed),
            Run::Same(level) if level >= least && count == values => return Ok(Marks::All(values)),
            Run::Same(level) => bits.push_run(level >= least, count),
            Run::Packed(packed, at) if most == 1 => push_packed(&mut bits, packed, at, count, least == 0),
            Run::Packed(packed, at) if most <= 3 => push_pairs(&mut bits, packed, at, count, most, least)?,
            Run::Packed(packed, at) => {
                unpacked.clear();
                unpack(packed, levels.width(), at, count, &mut unpacked);
                for levels in unpacked.chunks(64) {
                    let mut word = 0;
                    for (index, level) in levels.iter().enumerate() {
                        word |= u64::from(*level >= least) << index;
                    }
                    bits.push_word(word, levels.len());
                }
                if unpacked.iter().any(|level| *level > most) {
                    return Err(Malformed);
                }
            }
        }
    }
    Ok(Marks::Some(bits))
}

/// Levels of one bit each, which are begun at a multiple of eight.
fn push_packed(bits: &mut Bits, packed: &[u8], at: usize, count: usize, all: bool) {
    let mut left = count;
    for bytes in packed.get(at / 8..).unwrap_or_default().chunks(8) {
        let word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let taken = left.min(bytes.len() * 8);
        bits.push_word(if all { u64::MAX } else { word }, taken);
        left -= taken;
        if left == 0 {
            break;
        }
    }
}

/// Levels of two bits each, which are begun at a multiple of eight: which of them are `least` or more, 32 at a time.
fn push_pairs(bits: &mut Bits, packed: &[u8], at: usize, count: usize, most: u32, least: u32) -> Result<(), Malformed> {
    /// The lower bit of each pair.
    const LOWER: u64 = 0x5555_5555_5555_5555;
    let mut left = count;
    for bytes in packed.get(at / 4..).unwrap_or_default().chunks(8) {
        let word = match bytes.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        let taken = left.min(bytes.len() * 4);
        let (low, high) = (word & LOWER, word >> 1 & LOWER);
        let of_taken = if taken < 32 { (1 << (2 * taken)) - 1 } else { u64::MAX };
        if most == 2 && low & high & of_taken != 0 {
            return Err(Malformed);
        }
        let pairs = match least {
            0 => LOWER,
            1 => low | high,
            2 => high,
            _ => low & high,
        };
        bits.push_word(every_other(pairs), taken);
        left -= taken;
        if left == 0 {
            break;
        }
    }
    Ok(())
}

/// Every other bit, from the lowest on, close together.
fn every_other(word: u64) -> u64 {
    let word = (word | word >> 1) & 0x3333_3333_3333_3333;
    let word = (word | word >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    let word = (word | word >> 4) & 0x00ff_00ff_00ff_00ff;
    let word = (word | word >> 8) & 0x0000_ffff_0000_ffff;
    (word | word >> 16) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers as runs and packed bits, as `lengths` say: odd ones are runs.
    fn encode(numbers: &[u32], width: u32, lengths: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (mut rest, mut lengths) = (numbers, lengths.iter().copied().cycle());
        while !rest.is_empty() {
            let length = lengths.next().unwrap();
            if length % 2 == 1 {
                let same = rest.iter().take(length).take_while(|number| **number == rest[0]).count();
                varint(&mut bytes, same << 1);
                bytes.extend(&rest[0].to_le_bytes()[..width.div_ceil(8) as usize]);
                rest = &rest[same..];
            } else {
                let taken = (length * 8).min(rest.len());
                let groups = taken.div_ceil(8);
                varint(&mut bytes, groups << 1 | 1);
                let mut packed = vec![0_u8; groups * width as usize];
                for (index, number) in rest[..taken].iter().enumerate() {
                    for bit in 0..width as usize {
                        let at = index * width as usize + bit;
                        packed[at / 8] |= u8::try_from(number >> bit & 1).unwrap() << (at % 8);
                    }
                }
                bytes.extend(packed);
                rest = &rest[taken..];
            }
        }
        bytes
    }

    fn varint(bytes: &mut Vec<u8>, mut number: usize) {
        while number >= 0x80 {
            bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        bytes.push(u8::try_from(number).unwrap());
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_and_skipped(
            width in 0_u32..=32,
            seeds in prop::collection::vec(any::<u32>(), 1..200),
            lengths in prop::collection::vec(1_usize..9, 1..5),
            steps in prop::collection::vec((0_usize..20, 0_usize..20), 1..20),
        ) {
            let mask = u32::try_from((1_u64 << width) - 1).unwrap();
            let numbers: Vec<_> = seeds.iter().flat_map(|seed| vec![seed & mask; 1 + (seed % 3) as usize]).collect();
            let bytes = encode(&numbers, width, &lengths);
            let mut hybrid = Hybrid::new(&bytes, width).unwrap();
            let (mut at, mut read) = (0, Vec::new());
            for (skip, take) in steps {
                let skip = skip.min(numbers.len() - at);
                hybrid.skip(skip).unwrap();
                at += skip;
                let take = take.min(numbers.len() - at);
                read.clear();
                hybrid.read(take, &mut read).unwrap();
                prop_assert_eq!(&read, &numbers[at..at + take]);
                at += take;
            }
            for cut in 0..bytes.len() {
                let mut all = Vec::new();
                let _ = Hybrid::new(&bytes[..cut], width).unwrap().read(numbers.len(), &mut all);
            }
        }

        #[test]
        fn levels_are_marked(
            most in 1_u32..4,
            seeds in prop::collection::vec(any::<u32>(), 1..300),
            lengths in prop::collection::vec(1_usize..9, 1..5),
        ) {
            let levels: Vec<_> = seeds.iter().map(|seed| seed % (most + 1)).collect();
            let bytes = encode(&levels, u32::BITS - most.leading_zeros(), &lengths);
            for least in 0..=most {
                let marks = marks(&bytes, most, least, levels.len()).unwrap();
                prop_assert!(levels.iter().enumerate().all(|(index, level)| marks.get(index) == (*level >= least)));
            }
        }
    }

    #[test]
    fn numbers_that_are_not_there_are_malformed() {
        for bytes in [&[][..], &[2], &[3], &[0, 0], &[1], &[4, 2]] {
            assert!(Hybrid::new(bytes, 1).unwrap().skip(8).is_err(), "{bytes:?}");
        }
        assert!(Hybrid::new(&[], 33).is_err());
        assert!(marks(&[16, 3], 2, 1, 8).is_err(), "a level above the most");
    }
}
