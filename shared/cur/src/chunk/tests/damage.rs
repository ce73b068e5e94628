//! Damaged files end in an answer, whatever the damage.

use super::*;
use crate::write::{Compression, PageVersion, Timestamps};

fn shapes() -> [FileShape; 4] {
    let narrow = FileShape { columns: wanted().into_iter().collect(), rows_per_group: 25, ..FileShape::default() };
    [
        narrow.clone(),
        FileShape { compression: Compression::None, dictionary: false, ..narrow.clone() },
        FileShape { compression: Compression::Zstd, page_version: PageVersion::V2, ..narrow.clone() },
        FileShape { required: true, timestamps: Timestamps::Millis, compression: Compression::Gzip, ..narrow },
    ]
}

/// Numbers without a pattern, the same in every run (xorshift).
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

fn footer_start(file: &[u8]) -> usize {
    let length = file[file.len() - 8..].first_chunk().copied().map(u32::from_le_bytes).unwrap();
    file.len() - 8 - usize::try_from(length).unwrap()
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    for shape in shapes() {
        let whole = file(&bill(), &shape);
        for length in (0..whole.len()).step_by(53).chain(whole.len() - 16..whole.len()) {
            let error = reduce(whole[..length].to_vec()).unwrap_err();
            assert!(["export.corrupt", "export.not_parquet"].contains(&error.kind()), "{length}: {error}");
        }
    }
}

/// Flips up to three bytes, half of the time in the footer, and reads what is left.
fn flip_and_reduce(times: usize) -> usize {
    let mut errors = 0;
    for (index, shape) in shapes().into_iter().enumerate() {
        let whole = file(&bill(), &shape);
        let footer = footer_start(&whole);
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15 + index as u64);
        for round in 0..times {
            let mut bytes = whole.clone();
            for _ in 0..=round % 3 {
                let from = if round % 2 == 0 { footer } else { 0 };
                let at = from + noise.below(bytes.len() - from);
                bytes[at] = match noise.below(3) {
                    0 => u8::try_from(noise.below(256)).unwrap(),
                    1 => bytes[at] ^ (1 << noise.below(8)),
                    _ => 0xff,
                };
            }
            errors += usize::from(reduce(bytes).is_err());
        }
    }
    errors
}

#[test]
fn flipped_bytes_end_in_an_answer() {
    assert!(flip_and_reduce(400) > 400, "damage is found more often than not");
}

#[test]
#[ignore = "takes minutes: for changes of the reader or of the Parquet library"]
fn flipped_bytes_end_in_an_answer_at_length() {
    flip_and_reduce(100_000);
}

#[test]
fn a_panic_of_the_library_is_a_damaged_file() {
    let reason = crate::guard::guarded::<()>(|| panic!("index out of bounds\nmore")).unwrap_err();
    assert_eq!(reason, "the decoder gave up: index out of bounds");
}
