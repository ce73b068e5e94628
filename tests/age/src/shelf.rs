//! A bucket of the stand-in: it counts requests and bytes by kind of object, keeps old versions for as long as the template
//! says, and lets objects expire by the template's rules. Its time is told. Large objects lie in files, so that they do not
//! count as memory of the steps.

use std::collections::BTreeMap;
use std::fs;
use std::ops::{AddAssign, Bound, Range, Sub};
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use spend_ledger::state::objects::Kind;
use spend_ledger::state::retention;
use spend_ledger::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError, check_key};
use tempfile::TempDir;

/// From how many bytes on an object lies in a file.
const LARGE: usize = 16 * 1024;

/// How many objects one answer of S3 lists. Source: Amazon S3 API Reference, `ListObjectsV2`.
const LISTED_AT_ONCE: usize = 1000;

/// For how many days a version that was replaced is kept: `replaced-versions` of `infra/template.yaml`.
const REPLACED_FOR: u64 = 30;

/// Requests of S3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    pub gets: u64,
    pub heads: u64,
    /// In answers of a thousand objects.
    pub lists: u64,
    pub puts: u64,
    pub bytes_written: u64,
}

impl Requests {
    /// All of them.
    pub fn count(&self) -> u64 {
        self.gets + self.heads + self.lists + self.puts
    }
}

impl Sub for Requests {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            gets: self.gets - before.gets,
            heads: self.heads - before.heads,
            lists: self.lists - before.lists,
            puts: self.puts - before.puts,
            bytes_written: self.bytes_written - before.bytes_written,
        }
    }
}

impl AddAssign for Requests {
    fn add_assign(&mut self, other: Self) {
        self.gets += other.gets;
        self.heads += other.heads;
        self.lists += other.lists;
        self.puts += other.puts;
        self.bytes_written += other.bytes_written;
    }
}

/// What there is of a kind of object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub objects: u64,
    pub bytes: u64,
    /// The largest one.
    pub largest: u64,
    /// Bytes of versions that were replaced or have expired in the last 30 days.
    pub replaced: u64,
}

#[derive(Debug)]
enum Content {
    Memory(Bytes),
    File(u64),
}

#[derive(Debug)]
struct Object {
    content: Content,
    size: u64,
    etag: ETag,
    last_modified: DateTime<Utc>,
}

/// A bucket.
#[derive(Debug)]
pub struct Shelf {
    folder: TempDir,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    now: DateTime<Utc>,
    objects: BTreeMap<String, Object>,
    /// How many versions there were.
    versions: u64,
    requests: Requests,
    /// Bytes of versions that were replaced, by day and kind.
    replaced: BTreeMap<NaiveDate, BTreeMap<Option<Kind>, u64>>,
}

impl Shelf {
    /// An empty one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), inside: Mutex::default() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// Tells the time, and lets expire what is as old as the template lets it become.
    pub fn set_now(&self, now: DateTime<Utc>) {
        let mut inside = self.inside();
        let is_new_day = inside.now.date_naive() != now.date_naive();
        inside.now = now;
        if is_new_day {
            for prefix in retention::EXPIRING {
                let from = (Bound::Included(prefix), Bound::Unbounded);
                let of_prefix = inside.objects.range::<str, _>(from).take_while(|(key, _)| key.starts_with(prefix));
                let is_old = |object: &Object| now - object.last_modified >= TimeDelta::days(retention::KEPT_DAYS);
                let old = of_prefix.filter(|(_, object)| is_old(object)).map(|(key, _)| key.clone());
                for key in old.collect::<Vec<_>>() {
                    let object = inside.objects.remove(&key).unwrap();
                    self.replace(&mut inside, &key, &object);
                }
            }
            let first = now.date_naive() - Days::new(REPLACED_FOR);
            inside.replaced = inside.replaced.split_off(&first);
        }
    }

    /// The requests so far.
    pub fn requests(&self) -> Requests {
        self.inside().requests
    }

    /// What there is, by kind; none is what the program does not know.
    pub fn holdings(&self) -> BTreeMap<Option<Kind>, Holding> {
        let inside = self.inside();
        let mut holdings: BTreeMap<_, Holding> = BTreeMap::new();
        for (key, object) in &inside.objects {
            let holding = holdings.entry(Kind::of(key)).or_default();
            holding.objects += 1;
            holding.bytes += object.size;
            holding.largest = holding.largest.max(object.size);
        }
        for (kind, bytes) in inside.replaced.values().flatten() {
            holdings.entry(*kind).or_default().replaced += bytes;
        }
        holdings
    }

    /// Writes an object whatever was there, as AWS writes exports.
    pub fn overwrite(&self, key: &str, bytes: &Bytes) {
        self.write(&mut self.inside(), key, bytes);
    }

    fn file(&self, number: u64) -> std::path::PathBuf {
        self.folder.path().join(number.to_string())
    }

    /// A version is current no more.
    fn replace(&self, inside: &mut Inside, key: &str, object: &Object) {
        if let Content::File(number) = object.content {
            fs::remove_file(self.file(number)).unwrap();
        }
        let today = inside.now.date_naive();
        *inside.replaced.entry(today).or_default().entry(Kind::of(key)).or_default() += object.size;
    }

    fn write(&self, inside: &mut Inside, key: &str, bytes: &Bytes) -> ETag {
        inside.versions += 1;
        let (number, size) = (inside.versions, bytes.len() as u64);
        let content = if bytes.len() < LARGE {
            // A part of a larger buffer would keep all of it.
            Content::Memory(Bytes::copy_from_slice(bytes))
        } else {
            fs::write(self.file(number), bytes).unwrap();
            Content::File(number)
        };
        let etag = ETag(format!("{number:032x}"));
        let last_modified = DateTime::from_timestamp(inside.now.timestamp(), 0).unwrap();
        let object = Object { content, size, etag: etag.clone(), last_modified };
        if let Some(before) = inside.objects.insert(key.to_owned(), object) {
            self.replace(inside, key, &before);
        }
        etag
    }

    fn put(&self, key: &str, bytes: &Bytes, is_free: impl Fn(Option<&Object>) -> bool) -> Result<Put, StoreError> {
        check_key(key)?;
        let mut inside = self.inside();
        inside.requests.puts += 1;
        if !is_free(inside.objects.get(key)) {
            return Ok(Put::Lost);
        }
        inside.requests.bytes_written += bytes.len() as u64;
        Ok(Put::Written(self.write(&mut inside, key, bytes)))
    }

    fn bytes(&self, object: &Object) -> Bytes {
        match &object.content {
            Content::Memory(bytes) => bytes.clone(),
            Content::File(number) => fs::read(self.file(*number)).unwrap().into(),
        }
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for Shelf {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        let mut inside = self.inside();
        inside.requests.gets += 1;
        Ok(inside.objects.get(key).map(|object| (self.bytes(object), object.etag.clone())))
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        let mut inside = self.inside();
        inside.requests.gets += 1;
        let Some(object) = inside.objects.get(key) else { return Err(StoreError::NotFound { key: key.to_owned() }) };
        if object.etag != *etag {
            return Err(StoreError::Replaced { key: key.to_owned(), etag: etag.clone() });
        }
        let Range { start, end } = range;
        if start > end || end > object.size {
            return Err(StoreError::BadRange { key: key.to_owned(), start, end, size: object.size });
        }
        let place = |place: u64| usize::try_from(place).unwrap();
        Ok(Bytes::copy_from_slice(&self.bytes(object)[place(start)..place(end)]))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        let mut inside = self.inside();
        inside.requests.heads += 1;
        Ok(inside.objects.get(key).map(|object| ObjectHead {
            key: key.to_owned(),
            etag: object.etag.clone(),
            size: object.size,
            last_modified: object.last_modified,
        }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        let mut inside = self.inside();
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let found = inside.objects.range::<str, _>(from).take_while(|(key, _)| key.starts_with(prefix));
        let found: Vec<_> = found
            .map(|(key, object)| ObjectSummary {
                key: key.clone(),
                size: object.size,
                last_modified: object.last_modified,
            })
            .collect();
        inside.requests.lists += found.len().div_ceil(LISTED_AT_ONCE).max(1) as u64;
        Ok(found)
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.put(key, &bytes, |found| found.is_none())
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.put(key, &bytes, |found| found.is_some_and(|object| object.etag == *etag))
    }
}
