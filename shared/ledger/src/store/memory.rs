//! A store in memory, for tests and simulation.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use crate::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError, check_key, content_tag};

/// A [`Store`] in memory with the whole contract. It knows no clock: each write is stamped one second after the one
/// before, unless [`MemoryStore::set_now`] has told the time.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    /// The time of the last write.
    last: DateTime<Utc>,
    /// The time of the next writes, if it was told.
    told: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    etag: ETag,
    last_modified: DateTime<Utc>,
}

impl Object {
    fn summary((key, object): (&String, &Self)) -> ObjectSummary {
        let (size, last_modified) = (object.bytes.len() as u64, object.last_modified);
        ObjectSummary { key: key.clone(), size, last_modified }
    }
}

impl State {
    fn put(&mut self, key: &str, bytes: Bytes) -> ETag {
        let next = self.last.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(self.last);
        self.last = self.told.unwrap_or(next);
        let etag = content_tag::of(&bytes);
        let object = Object { bytes, etag: etag.clone(), last_modified: self.last };
        self.objects.insert(key.to_owned(), object);
        etag
    }
}

impl MemoryStore {
    /// Stamps the writes from here on with `now`, cut to whole seconds.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.state().told = DateTime::from_timestamp(now.timestamp(), 0);
    }

    /// Writes an object whatever was there: what AWS does to the export's bucket, and nobody may do to the ledger's.
    pub fn overwrite(&self, key: &str, bytes: Bytes) -> Result<ETag, StoreError> {
        check_key(key)?;
        Ok(self.state().put(key, bytes))
    }

    /// Removes an object, if it is there: what a lifecycle rule does.
    pub fn remove(&self, key: &str) {
        self.state().objects.remove(key);
    }

    /// The next page of a listing, as S3 gives it: up to `most` objects after the key `after`, and whether there are more.
    pub fn page(&self, prefix: &str, after: Option<&str>, most: usize) -> (Vec<ObjectSummary>, bool) {
        let state = self.state();
        let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let objects = state.objects.range::<str, _>((from, Bound::Unbounded));
        let mut found = objects.take_while(|(key, _)| key.starts_with(prefix)).map(Object::summary);
        let page = found.by_ref().take(most).collect();
        (page, found.next().is_some())
    }

    /// Nothing is left half done when a thread panics with the lock held, so a poisoned one is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &str) -> Result<Option<Object>, StoreError> {
        check_key(key)?;
        Ok(self.state().objects.get(key).cloned())
    }
}

impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        Ok(self.find(key)?.map(|object| (object.bytes, object.etag)))
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        let object = self.find(key)?.ok_or_else(|| StoreError::NotFound { key: key.to_owned() })?;
        if object.etag != *etag {
            return Err(StoreError::Replaced { key: key.to_owned(), etag: etag.clone() });
        }
        let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
        match (start, end) {
            (Ok(start), Ok(end)) if start <= end && end <= object.bytes.len() => Ok(object.bytes.slice(start..end)),
            _ => Err(StoreError::BadRange {
                key: key.to_owned(),
                start: range.start,
                end: range.end,
                size: object.bytes.len() as u64,
            }),
        }
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        Ok(self.find(key)?.map(|object| ObjectHead {
            key: key.to_owned(),
            etag: object.etag,
            size: object.bytes.len() as u64,
            last_modified: object.last_modified,
        }))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        let state = self.state();
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let found = state.objects.range::<str, _>(from).take_while(|(key, _)| key.starts_with(prefix));
        Ok(found.map(Object::summary).collect())
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        check_key(key)?;
        let mut state = self.state();
        if state.objects.contains_key(key) { Ok(Put::Lost) } else { Ok(Put::Written(state.put(key, bytes))) }
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        check_key(key)?;
        let mut state = self.state();
        match state.objects.get(key) {
            Some(object) if object.etag == *etag => Ok(Put::Written(state.put(key, bytes))),
            _ => Ok(Put::Lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writes_are_stamped_with_the_told_time_or_a_second_apart() {
        let store = MemoryStore::default();
        for key in ["a", "b"] {
            store.overwrite(key, Bytes::new()).unwrap();
        }
        let now = DateTime::from_timestamp(1_790_000_000, 999).unwrap();
        store.set_now(now);
        store.overwrite("c", Bytes::new()).unwrap();
        let times: Vec<_> = store.list("").await.unwrap().iter().map(|found| found.last_modified.timestamp()).collect();
        assert_eq!(times, [1, 2, 1_790_000_000]);
    }

    #[tokio::test]
    async fn a_removed_object_is_gone() {
        let store = MemoryStore::default();
        let etag = store.overwrite("a", Bytes::from_static(b"x")).unwrap();
        store.remove("a");
        assert_eq!(store.get("a").await.unwrap(), None);
        assert_eq!(store.put_if_match("a", Bytes::new(), &etag).await.unwrap(), Put::Lost);
    }
}
