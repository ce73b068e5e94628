//! Many histories on all processors.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Does something for each number, in order, until `most` of them have found something. Gives what was found, by number,
/// and for how many numbers it was done.
pub fn find<T: Send>(numbers: Range<u64>, most: usize, of: impl Fn(u64) -> Option<T> + Sync) -> (Vec<(u64, T)>, u64) {
    let (next, found) = (AtomicU64::new(numbers.start), Mutex::new(Vec::new()));
    let is_enough = || found.lock().unwrap().len() >= most;
    let work = || {
        let mut done = 0;
        while !is_enough() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                break;
            }
            done += 1;
            if let Some(it) = of(number) {
                found.lock().unwrap().push((number, it));
            }
        }
        done
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let done = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(number, _)| *number);
    (found, done)
}
