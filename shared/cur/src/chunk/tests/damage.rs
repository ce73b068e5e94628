//! Damaged files end in an answer, whatever the damage.

use spend_core::errors::fault::Fault as _;

use super::lies::{footer_start, with_counts};
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

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    for shape in shapes() {
        let whole = file(&bill(), &shape);
        for length in (0..whole.len()).step_by(53).chain(whole.len() - 16..whole.len()) {
            let error = reduce(whole[..length].to_vec()).unwrap_err();
            assert!(["export.corrupt", "export.empty_file"].contains(&error.kind()), "{length}: {error}");
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
fn counts_that_do_not_agree_are_errors() {
    let shape = FileShape { columns: wanted().into_iter().collect(), ..FileShape::default() };
    let whole = file(&bill(), &shape);
    let refused = |bytes: Vec<u8>| reduce(bytes).map(|reduction| reduction.counts).unwrap_err().to_string();
    assert_eq!(reduce(with_counts(&whole, 40, 40)).unwrap().counts.rows, 40);
    for (rows, values, reason) in [
        (39, 40, "column bill_bill_type claims 40 values in 39 rows"),
        (41, 40, "column bill_bill_type claims 40 values in 41 rows"),
        (-1, -1, "it claims -1 rows"),
    ] {
        let error = refused(with_counts(&whole, rows, values));
        assert!(error.starts_with(&format!("{NAME}: row group 0: corrupt: {reason}: ")), "{error}");
    }
    for rows in [39, 41, 8231, 1 << 21] {
        let error = refused(with_counts(&whole, rows, rows));
        assert!(error.starts_with(&format!("{NAME}: row group 0: corrupt: ")), "{rows} said, 40 there: {error}");
    }
    // What the pages do not say themselves is not believed.
    let error = refused(with_counts(&whole, 1 << 21, 1 << 21));
    assert!(error.ends_with(
        "its pages are said to hold 40 values, and the footer says 2097152: copy the file again, or wait for the next \
         delivery to replace it"
    ), "{error}");
    // A footer may claim what no memory holds: nothing is read or allocated by its word.
    for claimed in [(1 << 21) + 1, 1 << 31, 1 << 40, i64::MAX] {
        let source = Memory::new(with_counts(&whole, claimed, claimed));
        let error = block_on(chunk::reduce(NAME, november(), &KeptTags::default(), source.clone())).unwrap_err();
        let size = source.size();
        let reason =
            format!("it claims {claimed} rows in a file of {size} bytes, and at most 2097152 are read of a file so");
        assert!(error.to_string().starts_with(&format!("{NAME}: {reason} small. No bill needs that")), "{error}");
        assert_eq!(error.kind(), "export.bomb");
        assert_eq!(source.reads.lock().unwrap().len(), 1, "the footer alone");
    }
    // The number of rows in all stands once in the footer, as 40 in zigzag.
    let reason = format!("{NAME}: corrupt: its footer says 41 rows, its row groups 40: ");
    let forties = (footer_start(&whole)..whole.len()).filter(|at| whole[*at] == 80);
    let lies = forties.map(|at| [&whole[..at], &[82], &whole[at + 1..]].concat());
    assert_eq!(
        lies.filter_map(|bytes| reduce(bytes).err()).filter(|error| error.to_string().starts_with(&reason)).count(),
        1
    );
}

#[test]
fn a_panic_of_the_library_is_a_damaged_file() {
    let reason = crate::parquet_file::guard::guarded::<()>(|| panic!("index out of bounds\nmore")).unwrap_err();
    assert_eq!(reason, "the decoder gave up: index out of bounds");
}
