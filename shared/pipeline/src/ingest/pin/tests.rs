use std::sync::atomic::{AtomicUsize, Ordering};

use spend_core::bill::line::KeptTags;
use spend_core::errors::fault::Fault as _;
use spend_ledger::state::delivery::ReadyDelivery;
use spend_ledger::store::ETag;
use spend_ledger::store::around::{Access, Around, Before};
use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{Meddler, at, deliver, delivery, statement};

const MADE: &str = "2026-11-10T00:00:00Z";

fn one() -> SealedDelivery {
    delivery(&statement("e", "2026-11"), "one", MADE)
}

/// The same delivery with another version of its file.
fn mended(etag: &str) -> SealedDelivery {
    let mut mended = one();
    mended.chunks[0].etag = ETag(etag.to_owned());
    mended
}

#[tokio::test]
async fn a_delivery_stands_as_long_as_all_its_files_are_what_they_were() {
    let (export, mut sealed) = (MemoryStore::default(), one());
    let etag = export.overwrite(&sealed.chunks[0].key, "x".into()).unwrap();
    assert!(matches!(still_stands(&export, &sealed).await, Err(StoreError::Replaced { .. })));
    sealed.chunks[0].etag = etag;
    still_stands(&export, &sealed).await.unwrap();
    export.remove(&sealed.chunks[0].key);
    assert!(matches!(still_stands(&export, &sealed).await, Err(StoreError::NotFound { .. })));
}

#[test]
fn a_delivery_replaces_the_others_of_its_manifest_of_the_same_second() {
    let of = |id: &str, made: &str| SealedDelivery {
        delivery_id: id.to_owned(),
        order: delivery(&one().statement(), id, made).order,
        ..one()
    };
    let stored = [of("same", "2026-11-10T00:00:00.9Z"), of("later", "2026-11-10T00:00:01Z"), of("one", MADE)]
        .map(|delivery| Stored { delivery, is_ready: false });
    let own: Vec<_> = stored.iter().collect();
    assert_eq!(before(&own, &one()), ["same"]);
}

#[test]
fn a_folders_time_comes_first_and_a_copys_time_says_nothing() {
    let (folder, modified) = (at("2026-11-02T00:00:00Z"), at(MADE));
    for (found, times, source, time) in [
        (Some(folder), FileTimes::Delivered, OrderSource::Folder, folder),
        (Some(folder), FileTimes::Copied, OrderSource::Folder, folder),
        (None, FileTimes::Delivered, OrderSource::LastModified, modified),
        (None, FileTimes::Arriving, OrderSource::LastModified, modified),
        (None, FileTimes::Copied, OrderSource::Arrival, modified),
    ] {
        assert_eq!(order(found, times, modified), DeliveryOrder { source, at: time }, "{times:?}");
    }
}

#[test]
fn an_id_tells_kinds_sources_files_and_versions_apart() {
    let id = |kind, source, etag| hash_of(kind, source, &mended(etag).chunks);
    let ids = [id("delivery", "m", "1"), id("unlisted", "m", "1"), id("delivery", "n", "1"), id("delivery", "m", "2")];
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    assert_eq!(ids[0], id("delivery", "m", "1"));
    let mut renamed = mended("1");
    renamed.chunks[0].key.push('x');
    assert_ne!(ids[0], hash_of("delivery", "m", &renamed.chunks));
}

#[tokio::test]
async fn what_is_taken_stays_and_is_replaced_by_mended_files_until_it_is_ready() {
    let ledger = MemoryStore::default();
    assert_eq!(take(&ledger, one()).await.unwrap(), one());
    // Files of the same versions, found later: what was sealed first stays.
    let again = SealedDelivery { unverified: true, ..one() };
    assert_eq!(take(&ledger, again).await.unwrap(), one());
    // Of the same files others are taken for an earlier delivery's.
    let earlier = SealedDelivery { earlier: vec![one().chunks[0].key.clone()], ..one() };
    assert_eq!(take(&ledger, earlier.clone()).await.unwrap(), earlier);
    assert_eq!(take(&ledger, mended("2")).await.unwrap(), mended("2"));
    deliver(&ledger, &mended("2"), &[]);
    assert_eq!(take(&ledger, mended("2")).await.unwrap(), mended("2"));
    let error = take(&ledger, mended("3")).await.unwrap_err();
    assert_eq!(error.kind(), "store.conflict", "other files of it are ready");
}

#[tokio::test]
async fn of_two_who_take_mended_files_the_slower_looks_again() {
    let (ledger, twin) = (MemoryStore::default(), MemoryStore::default());
    take(&ledger, one()).await.unwrap();
    take(&twin, mended("2")).await.unwrap();
    let key = one().statement().sealed_key("one");
    let before = Meddler::before(Access::PutIfMatch, key.clone(), &ledger, &twin).await;
    let store = Around { inner: &ledger, before };
    assert_eq!(take(&store, mended("3")).await.unwrap(), mended("3"));
    assert_eq!(store.before.calls(), 2);
}

#[tokio::test]
async fn a_delivery_is_ready_once_all_its_files_are_reduced_and_only_as_it_was_first() {
    let (ledger, of, kept) = (MemoryStore::default(), statement("e", "2026-11"), KeptTags::default());
    let mut both = one();
    both.chunks.push(delivery(&of, "two", MADE).chunks[0].clone());
    let reduced = |chunk: &PinnedChunk| of.reduction_key(&chunk.key, &chunk.etag, &kept);
    ledger.overwrite(&reduced(&both.chunks[0]), "x".into()).unwrap();
    assert!(!ready::complete(&ledger, &both, &kept).await.unwrap());
    assert_eq!(ready::ready(&ledger, &of, "one").await.unwrap(), None);
    ledger.overwrite(&reduced(&both.chunks[1]), "x".into()).unwrap();
    assert!(ready::complete(&ledger, &both, &kept).await.unwrap());
    assert_eq!(ready::ready(&ledger, &of, "one").await.unwrap(), Some(both.clone()));
    assert!(ready::complete(&ledger, &both, &kept).await.unwrap(), "again");
    // Somebody else has declared other files ready.
    let other = ReadyDelivery { delivery: one() };
    ledger.overwrite(&of.ready_key("one"), encode(&other).unwrap()).unwrap();
    assert!(!ready::complete(&ledger, &both, &kept).await.unwrap());
}

/// Counts how many calls are under way at once, at most.
#[derive(Debug, Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Before for Crowd {
    async fn before(&self, _: Access, _: &str) -> Result<(), StoreError> {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn of_very_many_files_it_is_asked_for_some_at_once() {
    let (store, mut many, kept) = (MemoryStore::default(), one(), KeptTags::default());
    let file = many.chunks.remove(0);
    for number in 0..40 {
        let key = format!("e/{number}.parquet");
        let etag = store.overwrite(&key, "x".into()).unwrap();
        let chunk = PinnedChunk { key, etag, ..file.clone() };
        store.overwrite(&many.statement().reduction_key(&chunk.key, &chunk.etag, &kept), "x".into()).unwrap();
        many.chunks.push(chunk);
    }
    let crowded = || Around { inner: &store, before: Crowd::default() };
    let (standing, completing) = (crowded(), crowded());
    still_stands(&standing, &many).await.unwrap();
    assert!(ready::complete(&completing, &many, &kept).await.unwrap());
    for asked in [standing, completing] {
        assert_eq!(asked.before.most.into_inner(), ASKED_AT_ONCE);
    }
}
