//! Read, change, write: how an object is replaced that others replace too.
//!
//! Whoever replaces an object writes over the version that was read ([`put_over`]). A lost race means that somebody
//! else has written, so everything that the change was made from is read again, at most [`ATTEMPTS`] times. Where that
//! is the object alone, [`change`] does it; who reads more has a loop of its own with the same limit.

use bytes::Bytes;

use crate::store::{ETag, Put, Store, StoreError};

/// How often a lost race is run again. Each loss is somebody else's success, so this many mean that something is wrong.
pub const ATTEMPTS: usize = 50;

/// Writes an object over the version that was read; without one, only if there is still no object.
pub async fn put_over<S: Store>(store: &S, key: &str, bytes: Bytes, read: Option<&ETag>) -> Result<Put, StoreError> {
    match read {
        None => store.put_if_absent(key, bytes).await,
        Some(etag) => store.put_if_match(key, bytes, etag).await,
    }
}

/// What a change makes of an object.
#[derive(Debug)]
pub enum Change<T> {
    /// It stays as it is: nothing is written.
    Keep(T),
    /// These bytes take its place.
    Write(Bytes, T),
}

/// Reads an object, lets `change` change it, and writes it if its version is still the one that was read; else all of
/// it again. `change` gets the bytes, or nothing where there is no object, and must depend on nothing else. Gives what
/// it gave, or nothing if others were faster each of [`ATTEMPTS`] times.
///
/// # Errors
///
/// Those of the store and of `change`. If the store's answer to a write is lost, the object is the one before or the
/// one after.
pub async fn change<S: Store, T, E: From<StoreError>>(
    store: &S,
    key: &str,
    mut change: impl FnMut(Option<&Bytes>) -> Result<Change<T>, E>,
) -> Result<Option<T>, E> {
    for _ in 0..ATTEMPTS {
        let (bytes, etag) = store.get(key).await?.unzip();
        match change(bytes.as_ref())? {
            Change::Keep(outcome) => return Ok(Some(outcome)),
            Change::Write(bytes, outcome) => {
                if let Put::Written(_) = put_over(store, key, bytes, etag.as_ref()).await? {
                    return Ok(Some(outcome));
                }
            }
        }
    }
    Ok(None)
}
