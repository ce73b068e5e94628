#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| spend_fuzz_targets::stored_table(input));
