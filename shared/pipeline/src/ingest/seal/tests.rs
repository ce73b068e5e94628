//! What seal makes of manifests by their size, and of files by their times and by what was sealed before.

use std::ops::Range;

use bytes::Bytes;
use spend_core::errors::fault::Fault as _;
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{ETag, ObjectSummary};

use super::*;
use spend_ledger::state::commit::DeliveryOrder;

use crate::fixtures::{at, deliver};

const MANIFEST: &str = "fin/e/metadata/BILLING_PERIOD=2026-11/e-Manifest.json";
const CHUNK: &str = "fin/e/data/BILLING_PERIOD=2026-11/e-00001.snappy.parquet";

fn manifest(length: usize) -> Bytes {
    let mut text = format!(r#"{{"executionId":"1-a","dataFiles":["{CHUNK}"]}}"#);
    text.push_str(&" ".repeat(length.saturating_sub(text.len())));
    text.into()
}

fn bucket(length: u64) -> MemoryStore {
    let export = MemoryStore::default();
    export.overwrite(CHUNK, Bytes::from_static(b"x")).unwrap();
    export.overwrite(MANIFEST, manifest(usize::try_from(length).unwrap())).unwrap();
    export
}

async fn seal_it<E: Store>(export: &E) -> Result<Seal, PipelineError> {
    seal(export, &MemoryStore::default(), None, MANIFEST, FileTimes::Delivered).await
}

/// A bucket whose manifest is replaced as soon as somebody has looked at it, and which never gives a whole object.
struct Busy(MemoryStore);

impl Store for Busy {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        panic!("{key} is read whole");
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.0.get_range(key, range, etag).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        let head = self.0.head(key).await?;
        self.0.overwrite(key, Bytes::from_static(b"another"))?;
        Ok(head)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        self.0.list(prefix).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.0.put_if_absent(key, bytes).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.0.put_if_match(key, bytes, etag).await
    }
}

#[tokio::test]
async fn a_manifest_is_read_up_to_its_limit() {
    let Seal::Sealed(sealed) = seal_it(&bucket(manifest::SIZE_LIMIT)).await.unwrap() else { panic!("it is whole") };
    assert_eq!((sealed.delivery_id.as_str(), sealed.chunks.len()), ("1-a", 1));
    let error = seal_it(&bucket(manifest::SIZE_LIMIT + 1)).await.unwrap_err();
    assert_eq!(error.kind(), "export.manifest_size");
    assert!(error.to_string().starts_with(&format!("{MANIFEST}: has 8388609 bytes, ")), "{error}");
}

#[tokio::test]
async fn a_manifest_that_is_too_large_is_not_read_at_all() {
    let error = seal_it(&Busy(bucket(manifest::SIZE_LIMIT + 1))).await.unwrap_err();
    assert_eq!(error.kind(), "export.manifest_size");
}

#[tokio::test]
async fn the_manifest_that_was_looked_at_is_the_one_that_is_read() {
    let error = seal_it(&Busy(bucket(0))).await.unwrap_err();
    assert!(matches!(&error, PipelineError::Store(StoreError::Replaced { key, .. }) if key == MANIFEST), "{error}");
}

const SECOND: &str = "fin/e/data/BILLING_PERIOD=2026-11/e-00002.snappy.parquet";
const T1: &str = "2026-11-10T00:00:00Z";
const T2: &str = "2026-11-11T00:00:00Z";
const T3: &str = "2026-11-12T00:00:00Z";

/// An export's bucket, its ledger, and what the times of its files are worth.
struct World {
    export: MemoryStore,
    ledger: MemoryStore,
    times: FileTimes,
}

impl World {
    fn new(times: FileTimes) -> Self {
        Self { export: MemoryStore::default(), ledger: MemoryStore::default(), times }
    }

    fn write(&self, key: &str, contents: &'static str, now: &str) {
        self.export.set_now(at(now));
        self.export.overwrite(key, Bytes::from_static(contents.as_bytes())).unwrap();
    }

    /// Writes a manifest of these files at `key`, with an execution id or without one.
    fn manifest_at(&self, key: &str, id: Option<&str>, files: &[&str], now: &str) {
        let id = id.map(|id| format!(r#""executionId":"{id}","#)).unwrap_or_default();
        let text = format!(r#"{{{id}"dataFiles":["{}"]}}"#, files.join(r#"",""#));
        self.export.set_now(at(now));
        self.export.overwrite(key, text.into()).unwrap();
    }

    fn manifest(&self, id: Option<&str>, files: &[&str], now: &str) {
        self.manifest_at(MANIFEST, id, files, now);
    }

    async fn seal(&self) -> Seal {
        self.seal_at(MANIFEST).await
    }

    async fn seal_at(&self, key: &str) -> Seal {
        seal(&self.export, &self.ledger, None, key, self.times).await.unwrap()
    }

    async fn sealed(&self) -> SealedDelivery {
        match self.seal().await {
            Seal::Sealed(sealed) => sealed,
            other => panic!("{other:?}"),
        }
    }

    async fn unsure(&self) -> SealedDelivery {
        match self.seal().await {
            Seal::Unsure(delivery) => delivery,
            other => panic!("{other:?}"),
        }
    }

    /// Every manifest that is remembered without a sealed delivery.
    async fn remembered(&self) -> usize {
        let objects = self.ledger.list("deliveries/").await.unwrap();
        objects.iter().filter(|object| object.key.ends_with("/manifest.json")).count()
    }

    fn make_ready(&self, delivery: &SealedDelivery) {
        deliver(&self.ledger, delivery, &[]);
    }
}

#[tokio::test]
async fn a_file_that_is_missing_or_newer_than_its_manifest_is_the_next_deliverys() {
    let world = World::new(FileTimes::Delivered);
    world.write(CHUNK, "1", T2);
    world.manifest(Some("1-a"), &[CHUNK, SECOND], T2);
    let order = DeliveryOrder { source: OrderSource::LastModified, at: at(T2) };
    assert_eq!(world.seal().await, Seal::Incomplete { chunks: vec![SECOND.to_owned()], order });
    world.write(SECOND, "2", "2026-11-11T00:00:01Z");
    assert_eq!(world.seal().await, Seal::Incomplete { chunks: vec![SECOND.to_owned()], order });
    assert_eq!(world.remembered().await, 1);
    world.write(SECOND, "2", T2);
    let sealed = world.sealed().await;
    assert_eq!((sealed.delivery_id.as_str(), sealed.chunks.len(), sealed.unverified), ("1-a", 2, false));
    assert_eq!(sealed.order, order);
}

#[tokio::test]
async fn in_copies_the_times_of_files_say_nothing() {
    for (times, unverified) in [(FileTimes::Copied, false), (FileTimes::Arriving, true)] {
        let world = World::new(times);
        world.write(CHUNK, "1", T3);
        world.manifest(Some("1-a"), &[CHUNK, SECOND], T1);
        assert!(matches!(world.seal().await, Seal::Incomplete { .. }));
        world.write(SECOND, "2", T3);
        let delivery = match world.seal().await {
            Seal::Sealed(sealed) if times == FileTimes::Copied => sealed,
            Seal::Unsure(delivery) if times == FileTimes::Arriving => delivery,
            other => panic!("{other:?}"),
        };
        assert_eq!(delivery.unverified, unverified);
        assert_eq!(world.remembered().await, 0, "{times:?}");
    }
}

#[tokio::test]
async fn a_copy_may_spell_the_keys_of_its_files_otherwise() {
    let escaped = "fin/e/data/BILLING_PERIOD%3D2026-11/e-00001.snappy.parquet";
    for (times, is_found) in [(FileTimes::Copied, true), (FileTimes::Delivered, false)] {
        let world = World::new(times);
        world.write(escaped, "1", T1);
        world.manifest(Some("1-a"), &[CHUNK], T1);
        assert_eq!(matches!(world.seal().await, Seal::Sealed(_)), is_found, "{times:?}");
    }
}

#[tokio::test]
async fn an_execution_id_that_cannot_stand_in_a_key_is_hashed() {
    let longest = "x".repeat(128);
    let too_long = "x".repeat(129);
    for (id, is_plain) in [
        ("2026-11_A", true),
        (longest.as_str(), true),
        (&too_long, false),
        ("a/b", false),
        ("..", false),
        ("a b", false),
    ] {
        let world = World::new(FileTimes::Delivered);
        world.write(CHUNK, "1", T1);
        world.manifest(Some(id), &[CHUNK], T1);
        let sealed = world.sealed().await;
        assert_eq!(sealed.delivery_id == id, is_plain, "{id}");
        assert_eq!(sealed.execution, sealed.delivery_id);
        assert!(sealed.delivery_id.len() <= 128 && !sealed.delivery_id.contains('/'));
    }
}

#[tokio::test]
async fn without_an_execution_id_a_delivery_is_what_its_manifest_and_files_are() {
    let world = World::new(FileTimes::Delivered);
    world.write(CHUNK, "1", T1);
    world.manifest(None, &[CHUNK], T1);
    let first = world.sealed().await;
    assert_eq!(world.sealed().await, first);
    // The same manifest, written anew over another file: another delivery.
    world.write(CHUNK, "2", T2);
    world.manifest(None, &[CHUNK], T2);
    let second = world.sealed().await;
    assert_ne!(second.delivery_id, first.delivery_id);
    assert_ne!(second.execution, first.execution);
    assert_eq!(second.replaces, [""; 0], "their times tell which is the newer");
}

#[tokio::test]
async fn files_that_were_mended_are_sealed_under_the_same_id_until_the_delivery_is_ready() {
    let world = World::new(FileTimes::Delivered);
    world.write(CHUNK, "1", T1);
    world.manifest(Some("1-a"), &[CHUNK], T1);
    let first = world.sealed().await;
    world.write(CHUNK, "2", T1);
    let mended = world.sealed().await;
    assert_eq!((mended.delivery_id.as_str(), mended.chunks == first.chunks), ("1-a", false));
    world.make_ready(&mended);
    assert_eq!(world.sealed().await, mended);
    world.write(CHUNK, "3", T1);
    let again = world.sealed().await;
    assert_ne!(again.delivery_id, "1-a");
    assert_eq!((again.execution.as_str(), again.replaces.as_slice()), ("1-a", &["1-a".to_owned()][..]));
    assert_eq!(world.sealed().await, again, "the same contents are one delivery");
}

#[tokio::test]
async fn a_copy_with_the_old_manifest_beside_new_files_stays_what_it_was() {
    let world = World::new(FileTimes::Copied);
    world.write(CHUNK, "1", T1);
    world.manifest(Some("1-a"), &[CHUNK], T1);
    let first = world.sealed().await;
    world.write(CHUNK, "2", T2);
    let mended = world.sealed().await;
    assert_ne!(mended, first, "nothing is ready yet");
    world.make_ready(&mended);
    world.write(CHUNK, "3", T2);
    assert_eq!(world.sealed().await, mended);
    // Without an execution id nothing says that it is the old one.
    let world = World::new(FileTimes::Copied);
    world.write(CHUNK, "1", T1);
    world.manifest(None, &[CHUNK], T1);
    let first = world.sealed().await;
    world.make_ready(&first);
    world.write(CHUNK, "2", T2);
    assert_ne!(world.sealed().await.delivery_id, first.delivery_id);
}

#[tokio::test]
async fn a_manifest_beside_files_of_the_delivery_before_is_not_sealed_and_is_remembered() {
    let world = World::new(FileTimes::Delivered);
    world.write(CHUNK, "1", T1);
    world.write(SECOND, "1", T1);
    world.manifest(Some("1-a"), &[CHUNK, SECOND], T1);
    world.sealed().await;
    // A replica brings the manifest and one of the files.
    world.write(CHUNK, "2", T2);
    world.manifest(Some("2-b"), &[CHUNK, SECOND], T2);
    let unsure = world.unsure().await;
    assert_eq!((unsure.delivery_id.as_str(), unsure.unverified), ("2-b", true));
    assert_eq!(unsure.earlier, [SECOND]);
    assert_eq!(world.remembered().await, 1);
    assert!(world.ledger.head(&unsure.statement().sealed_key("2-b")).await.unwrap().is_none());
    world.write(SECOND, "2", T2);
    let sealed = world.sealed().await;
    assert_eq!((sealed.earlier.len(), sealed.unverified), (0, false));
}

#[tokio::test]
async fn a_delivery_with_files_of_an_earlier_one_is_judged_anew_once_its_own_have_come() {
    let world = World::new(FileTimes::Delivered);
    world.write(CHUNK, "1", T1);
    world.write(SECOND, "1", T1);
    world.manifest(Some("1-a"), &[CHUNK, SECOND], T1);
    world.sealed().await;
    world.write(CHUNK, "2", T2);
    world.manifest(Some("2-b"), &[CHUNK, SECOND], T2);
    let taken = take(&world.ledger, world.unsure().await).await.unwrap();
    assert_eq!(world.sealed().await, taken, "as long as nothing else has come");
    world.make_ready(&taken);
    world.write(SECOND, "2", T2);
    let own = world.sealed().await;
    assert_eq!(
        (own.earlier.len(), own.execution.as_str(), own.replaces.as_slice()),
        (0, "2-b", &["2-b".to_owned()][..])
    );
}

#[tokio::test]
async fn in_a_replica_files_that_stayed_as_they_became_ready_may_be_the_earlier_ones() {
    let world = World::new(FileTimes::Arriving);
    world.write(CHUNK, "a1", T1);
    world.write(SECOND, "b1", T1);
    world.manifest(Some("1-a"), &[CHUNK, SECOND], T1);
    let first = take(&world.ledger, world.unsure().await).await.unwrap();
    world.make_ready(&first);
    assert_eq!(world.sealed().await, first);
    world.write(CHUNK, "a2", T2);
    let unsure = world.unsure().await;
    assert_eq!(unsure.earlier, [SECOND], "the other is newer");
    assert_eq!(unsure.replaces, ["1-a"]);
    let second = take(&world.ledger, unsure).await.unwrap();
    world.make_ready(&second);
    // Now the file comes that was waited for: all are its own.
    world.write(SECOND, "b2", T3);
    assert_eq!(world.unsure().await.earlier, [""; 0]);
}

#[tokio::test]
async fn a_delivery_in_a_folder_of_its_own_is_ordered_by_its_name_and_never_remembered() {
    let folder = "2026-11-02T13:15:05.826Z-1a";
    let manifest = format!("fin/e/metadata/BILLING_PERIOD=2026-11/{folder}/e-Manifest.json");
    let chunk = format!("fin/e/data/BILLING_PERIOD=2026-11/{folder}/e-00001.snappy.parquet");
    let world = World::new(FileTimes::Delivered);
    world.manifest_at(&manifest, Some("1a"), &[&chunk], T1);
    assert!(matches!(world.seal_at(&manifest).await, Seal::Incomplete { .. }));
    assert_eq!(world.remembered().await, 0);
    world.write(&chunk, "1", T1);
    let Seal::Sealed(sealed) = world.seal_at(&manifest).await else { panic!("it is whole") };
    assert_eq!(sealed.order, DeliveryOrder { source: OrderSource::Folder, at: at("2026-11-02T13:15:05.826Z") });
    // Without an execution id its folder says what it is.
    let world = World::new(FileTimes::Delivered);
    world.write(&chunk, "1", T1);
    world.manifest_at(&manifest, None, &[&chunk], T2);
    let Seal::Sealed(without) = world.seal_at(&manifest).await else { panic!("it is whole") };
    world.manifest_at(&manifest, None, &[&chunk], T3);
    assert_eq!(world.seal_at(&manifest).await, Seal::Sealed(without.clone()));
    // The same manifest over a file that was mended: it replaces the other, since both have the folder's time.
    world.make_ready(&without);
    world.write(&chunk, "2", T1);
    let Seal::Sealed(mended) = world.seal_at(&manifest).await else { panic!("it is whole") };
    assert_eq!(mended.replaces, [without.delivery_id]);
}

#[tokio::test]
async fn a_manifest_whose_delivery_is_sealed_is_not_remembered() {
    let world = World::new(FileTimes::Delivered);
    world.write(CHUNK, "1", T1);
    world.manifest(Some("1-a"), &[CHUNK], T1);
    world.sealed().await;
    world.write(CHUNK, "2", T2);
    assert!(matches!(world.seal().await, Seal::Incomplete { .. }));
    assert_eq!(world.remembered().await, 0);
}
