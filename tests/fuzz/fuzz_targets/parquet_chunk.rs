//! The Parquet library panics on some damaged files, and the program catches that (`shared/cur/src/parquet_file/guard.rs`).
//! libFuzzer's crate ends the process at any panic; here only at one that nobody has caught.
#![no_main]

use std::cell::Cell;
use std::panic;

thread_local! {
    static LAST: Cell<String> = const { Cell::new(String::new()) };
}

fn remember_panics() {
    panic::set_hook(Box::new(|panic| LAST.set(panic.to_string())));
}

libfuzzer_sys::fuzz_target!(init: remember_panics(), |input: &[u8]| {
    if panic::catch_unwind(|| spend_fuzz_targets::parquet_chunk(input)).is_err() {
        eprintln!("{}", LAST.take());
        std::process::abort();
    }
});
