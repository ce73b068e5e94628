//! The stores of this package, and what many threads do to them.

use tempfile::TempDir;

use super::*;
use crate::store::directory::DirectoryStore;
use crate::store::faulty::FaultyStore;
use crate::store::memory::MemoryStore;

fn directory() -> (DirectoryStore, TempDir) {
    let folder = TempDir::new().unwrap();
    (DirectoryStore::open(folder.path().join("ledger")).unwrap(), folder)
}

fn faulty() -> FaultyStore<MemoryStore> {
    FaultyStore::failing(MemoryStore::default(), [])
}

crate::store_contract!(in_a_folder, super::directory());
crate::store_contract!(in_memory, (super::MemoryStore::default(), ()));
crate::store_contract!(around_another, (super::faulty(), ()));

#[test]
fn one_of_many_threads_wins_put_if_absent() {
    one_wins(&directory().0);
    one_wins(&MemoryStore::default());
    one_wins(&faulty());
}

#[test]
fn no_increment_of_many_threads_is_lost() {
    none_is_lost(&directory().0);
    none_is_lost(&MemoryStore::default());
    none_is_lost(&faulty());
}

/// Runs `work` on eight threads at once and sums what they return.
fn on_threads(work: impl Fn(usize) -> u64 + Sync) -> u64 {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn({
                    let work = &work;
                    move || work(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn one_wins<S: Store>(store: &S) {
    let winners = on_threads(|number| {
        let won = wait(store.put_if_absent("ready", Bytes::from(number.to_string()))).unwrap();
        u64::from(matches!(won, Put::Written(_)))
    });
    assert_eq!(winners, 1);
}

fn none_is_lost<S: Store>(store: &S) {
    wait(put(store, "counter", "0"));
    let written = on_threads(|_| (0..10).map(|_| u64::from(wait(increment(store)))).sum());
    assert_eq!(wait(text(store, "counter")), Some(written.to_string()));
    assert!(written >= 10, "some writer always wins: {written}");
}

/// Adds one to the object `counter`, and says whether that was written.
async fn increment<S: Store>(store: &S) -> bool {
    let (bytes, etag) = store.get("counter").await.unwrap().unwrap();
    let count: u64 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
    let put = store.put_if_match("counter", Bytes::from((count + 1).to_string()), &etag).await;
    matches!(put.unwrap(), Put::Written(_))
}
