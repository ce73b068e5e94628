//! The version of a file, from its whole content.

use std::fs::File;
use std::io::{self, Seek as _};
use std::num::NonZero;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::store::ETag;
use crate::store::content_tag::{self, PART, Scheme};

/// The most threads that hash one file: a few read as fast as memory gives.
const THREADS: usize = 8;

/// For fewer bytes a further thread is not worth its start.
const WORTH_A_THREAD: u64 = 4 * 1024 * 1024;

/// The version of an open file of `size` bytes. A file that is shorter by now is an error; one that is longer is hashed
/// as far as `size`, and the caller sees that it was changed.
pub(super) fn hash(mut file: &File, size: u64, scheme: Scheme) -> io::Result<ETag> {
    match scheme {
        Scheme::Sha256 => {
            file.rewind()?;
            content_tag::sha256_of(file)
        }
        Scheme::Parts => of_parts(file, size),
    }
}

/// Each thread takes the next part that none has taken, so that the file is read from front to back. Where no thread can
/// be had, the caller's does all of it.
fn of_parts(file: &File, size: u64) -> io::Result<ETag> {
    let next = AtomicU64::new(0);
    let work = || hash_parts(file, size, &next);
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = usize::try_from(size / WORTH_A_THREAD).map_or(THREADS, |worth| worth.min(THREADS)).min(processors);
    let found = thread::scope(|scope| {
        let others: Vec<_> =
            (1..threads).filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut found = vec![work()];
        found.extend(others.into_iter().map(|other| {
            other.join().unwrap_or_else(|_| Err(io::Error::other("a thread that read a part of it has failed")))
        }));
        found
    });
    let parts: Result<Vec<_>, _> = found.into_iter().collect();
    let mut parts = parts?.concat();
    parts.sort_unstable();
    Ok(content_tag::of_parts(parts.into_iter().map(|(_, hash)| hash)))
}

/// Hashes parts until none is left: each with where it starts.
fn hash_parts(file: &File, size: u64, next: &AtomicU64) -> io::Result<Vec<(u64, u128)>> {
    let mut buffer = vec![0; PART];
    let mut hashes = Vec::new();
    loop {
        let start = next.fetch_add(PART as u64, Ordering::Relaxed);
        let Some(left) = size.checked_sub(start).filter(|left| *left > 0) else { return Ok(hashes) };
        let length = usize::try_from(left).map_or(PART, |left| left.min(PART));
        let part = buffer.get_mut(..length).unwrap_or_default();
        file.read_exact_at(part, start)?;
        hashes.push((start, content_tag::part(part)));
    }
}
