//! Parquet's hybrid of run lengths and bit-packed numbers, in which codes and levels are written.
//!
//! Source: parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid (RLE = 3)". A run is its length times
//! two and its value. Other numbers stand in groups of eight: how many groups, times two and one, and the numbers' bits,
//! the lowest first.

use std::iter;

/// How many numbers are packed together.
const GROUP: usize = 8;

/// How many bits a number takes that is `largest` at most.
pub(super) fn width(largest: u32) -> u32 {
    u32::BITS - largest.leading_zeros()
}

/// Appends `numbers`, each of which has `width` bits at most.
pub(super) fn encode(numbers: &[u32], width: u32, bytes: &mut Vec<u8>) {
    // What is not written yet, and how much of it is packed whatever follows.
    let (mut left, mut packed) = (numbers, 0_usize);
    for run in numbers.chunk_by(|one, next| one == next) {
        // A group that is begun is filled with the first numbers of a run. Only the last group of all can be cut short.
        let fill = packed.next_multiple_of(GROUP) - packed;
        let repeated = run.len().saturating_sub(fill);
        let is_all = run.len() == numbers.len();
        if repeated < GROUP && !is_all {
            packed += run.len();
            continue;
        }
        let (before, rest) = left.split_at_checked(packed + fill).unwrap_or((left, &[]));
        pack(before, width, bytes);
        repeat(run.first().copied().unwrap_or_default(), repeated, width, bytes);
        (left, packed) = (rest.get(repeated..).unwrap_or_default(), 0);
    }
    pack(left, width, bytes);
}

/// Appends `number` so many times.
pub(super) fn repeat(number: u32, times: usize, width: u32, bytes: &mut Vec<u8>) {
    length(times << 1, bytes);
    let value = number.to_le_bytes();
    bytes.extend(value.iter().take(usize::try_from(width.div_ceil(u8::BITS)).unwrap_or(value.len())));
}

/// Appends whole groups; what the last of them lacks is zero.
fn pack(numbers: &[u32], width: u32, bytes: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(GROUP);
    length((groups << 1) | 1, bytes);
    let (mut bits, mut held) = (0_u64, 0);
    let lacking = iter::repeat_n(&0, groups * GROUP - numbers.len());
    for number in numbers.iter().chain(lacking) {
        bits |= u64::from(*number) << held;
        held += width;
        if held >= u32::BITS {
            let [first, second, third, fourth, ..] = bits.to_le_bytes();
            bytes.extend_from_slice(&[first, second, third, fourth]);
            bits >>= u32::BITS;
            held -= u32::BITS;
        }
    }
    // Eight numbers are whole bytes.
    bytes.extend(bits.to_le_bytes().iter().take(usize::try_from(held / u8::BITS).unwrap_or_default()));
}

/// A length as an unsigned LEB128.
fn length(mut length: usize, bytes: &mut Vec<u8>) {
    while let Some(more) = Some(length >> 7).filter(|more| *more > 0) {
        bytes.push(low_bits(length) | 0x80);
        length = more;
    }
    bytes.push(low_bits(length));
}

fn low_bits(number: usize) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(numbers: &[u32], width: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(numbers, width, &mut bytes);
        bytes
    }

    /// Its own reading of the specification, number by number.
    fn decoded(mut bytes: &[u8], width: usize, count: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        while !bytes.is_empty() {
            let (mut header, mut shift) = (0_usize, 0);
            loop {
                let byte = usize::from(bytes[0]);
                bytes = &bytes[1..];
                header |= (byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            let taken = if header & 1 == 0 { width.div_ceil(8) } else { (header >> 1) * width };
            let (taken, rest) = bytes.split_at(taken);
            let bit = |at: usize| u32::from(taken[at / 8] >> (at % 8) & 1);
            if header & 1 == 0 {
                let value: u32 = (0..width).map(|at| bit(at) << at).sum();
                numbers.extend(iter::repeat_n(value, header >> 1));
            } else {
                let number = |place: usize| (0..width).map(|at| bit(place * width + at) << at).sum::<u32>();
                numbers.extend((0..(header >> 1) * 8).map(number));
            }
            bytes = rest;
        }
        assert!(numbers.len() >= count && numbers.len() < count + 8);
        assert!(numbers.drain(count..).all(|filler| filler == 0));
        numbers
    }

    /// The example of the specification: the numbers 0 to 7 in three bits.
    #[test]
    fn numbers_are_packed_as_the_specification_shows() {
        assert_eq!(encoded(&[0, 1, 2, 3, 4, 5, 6, 7], 3), [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
    }

    #[test]
    fn repeated_numbers_are_a_run() {
        assert_eq!(encoded(&[5; 300], 12), [0b1101_1000, 0b100, 5, 0]);
        assert_eq!(encoded(&[0; 3], 0), [6]);
        assert_eq!(encoded(&[1, 1], 1), [4, 1]);
        assert!(encoded(&[], 3).is_empty());
    }

    #[test]
    fn a_run_fills_the_group_before_it() {
        // One group of 1 2 3 3 3 3 3 3, and the run of the eight 3s that are left.
        let numbers = [[1, 2].as_slice(), &[3; 14]].concat();
        assert_eq!(encoded(&numbers, 2), [0b11, 0b1111_1001, 0b1111_1111, 16, 3]);
    }

    proptest::proptest! {
        #[test]
        fn any_numbers_come_back(
            runs in proptest::collection::vec((0_u32..=u32::MAX, 1_usize..40, proptest::bool::ANY), 0..12),
            width in 0_u32..=32,
        ) {
            let mask = u32::try_from((1_u64 << width) - 1).unwrap();
            let numbers: Vec<u32> = runs
                .iter()
                .flat_map(|(first, count, is_run)| {
                    (0..*count).map(move |at| first.wrapping_add(if *is_run { 0 } else { u32::try_from(at).unwrap() }))
                })
                .map(|number| number & mask)
                .collect();
            let bytes = encoded(&numbers, width);
            proptest::prop_assert_eq!(decoded(&bytes, usize::try_from(width).unwrap(), numbers.len()), numbers);
        }
    }
}
