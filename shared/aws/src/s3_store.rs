//! The store on S3: objects of one bucket, below a prefix if there is one.
//!
//! Every write is conditional. The SDK repeats what fails, and a write whose answer got lost may meet itself when it is
//! repeated: then S3 says that the condition does not hold, which is not a lost race. See [`S3Store::put`].
//!
//! - `attempts`: what happens between the attempts of one write;
//! - `content_type`: what an object is by its key, for browsers and tools that fetch it;
//! - `error`: what S3's refusals mean.

mod attempts;
mod content_type;
mod error;
#[cfg(test)]
mod tests;

use std::ops::Range;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::EncodingType;
use aws_smithy_types::DateTime as SdkTime;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use spend_ledger::build;
use spend_ledger::store::{ETag, MAX_KEY_BYTES, ObjectHead, ObjectSummary, Put, Store, StoreError, check_key};

use crate::s3_store::attempts::{Doubt, RetryConflicts};
use crate::s3_store::error::{Action, Place, Refusal};

/// How often a body is asked for that breaks off. The SDK repeats a call only up to the answer's first byte.
const BODIES: usize = 3;

/// The metadata of an object that says by which build it was written: `x-amz-meta-written-by`. It is no part of the content,
/// so that two builds write equal bytes, and an older one reads what a newer one wrote.
const WRITTEN_BY: &str = "written-by";

/// A [`Store`] in an S3 bucket, or in the part of it whose keys begin with a prefix.
///
/// An [`ETag`] is S3's without its quotation marks. In a bucket with a KMS key it is no hash of the content: equal
/// tags mean equal bytes, but equal bytes may have different tags.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    bucket: String,
    prefix: String,
}

/// Why an object was not read.
enum Failed {
    /// The body broke off: another try may bring it.
    Body(StoreError),
    /// The SDK has tried often enough.
    Call(StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Call(error)
    }
}

/// What a write is conditional on.
#[derive(Clone, Copy)]
enum Condition<'a> {
    Absent,
    Version(&'a ETag),
}

impl S3Store {
    /// The store in `bucket`. `prefix` is put before every key as it is, with the `/` at its end if there is to be one.
    pub fn new(config: &SdkConfig, bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        let config = aws_sdk_s3::config::Builder::from(config).retry_classifier(RetryConflicts).build();
        Self { client: Client::from_conf(config), bucket: bucket.into(), prefix: prefix.into() }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key in the bucket.
    fn full(&self, key: &str) -> Result<String, StoreError> {
        check_key(key)?;
        let full = format!("{}{key}", self.prefix);
        if full.len() > MAX_KEY_BYTES {
            let reason = "with the store's prefix it is longer than 1024 bytes";
            return Err(StoreError::BadKey { key: key.to_owned(), reason });
        }
        Ok(full)
    }

    fn place(&self) -> Place<'_> {
        Place { bucket: &self.bucket, region: self.client.config().region().map_or("", AsRef::as_ref) }
    }

    fn failed(&self, action: Action, key: &str, text: impl Into<String>) -> StoreError {
        self.place().unusable(action, key, text)
    }

    async fn find(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        let full = self.full(key)?;
        let answer = self.client.head_object().bucket(&self.bucket).key(full).send().await;
        let head = match answer {
            Ok(head) => head,
            Err(error) => {
                return match error::refusal(&error) {
                    Refusal::Missing => Ok(None),
                    _ => Err(self.place().error(Action::Look, key, &error)),
                };
            }
        };
        let (Some(etag), Some(size), Some(last_modified)) =
            (head.e_tag(), head.content_length().and_then(unsigned), head.last_modified().and_then(seconds))
        else {
            return Err(self.failed(Action::Look, key, "the answer lacks the version, the size or the time"));
        };
        Ok(Some(ObjectHead { key: key.to_owned(), etag: unquoted(etag), size, last_modified }))
    }

    /// The whole object, once.
    async fn read_once(&self, key: &str, full: &str) -> Result<Option<(Bytes, ETag)>, Failed> {
        let answer = self.client.get_object().bucket(&self.bucket).key(full).send().await;
        let object = match answer {
            Ok(object) => object,
            Err(error) => {
                return match error::refusal(&error) {
                    Refusal::Missing => Ok(None),
                    _ => Err(self.place().error(Action::Read, key, &error).into()),
                };
            }
        };
        let Some(etag) = object.e_tag().map(unquoted) else {
            return Err(self.failed(Action::Read, key, "the answer lacks the version").into());
        };
        Ok(Some((self.body(Action::Read, key, object).await?, etag)))
    }

    /// The whole object.
    async fn read(&self, key: &str, full: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        let mut left = BODIES;
        loop {
            left = left.saturating_sub(1);
            match self.read_once(key, full).await {
                Ok(found) => return Ok(found),
                Err(Failed::Body(_)) if left > 0 => {}
                Err(Failed::Body(error) | Failed::Call(error)) => return Err(error),
            }
        }
    }

    /// A part of a version, once. It is not empty.
    async fn read_range_once(&self, key: &str, range: &Range<u64>, etag: &ETag) -> Result<Bytes, Failed> {
        let request = self.client.get_object().bucket(&self.bucket).key(self.full(key)?).if_match(quoted(etag));
        let last = range.end.saturating_sub(1);
        let object = match request.range(format!("bytes={}-{last}", range.start)).send().await {
            Ok(object) => object,
            Err(error) => {
                return match error::refusal(&error) {
                    Refusal::Missing => Err(StoreError::NotFound { key: key.to_owned() }.into()),
                    Refusal::Condition => Err(StoreError::Replaced { key: key.to_owned(), etag: etag.clone() }.into()),
                    Refusal::Range => Ok(self.outside(key, range, etag).await?),
                    Refusal::Other => Err(self.place().error(Action::ReadPart, key, &error).into()),
                };
            }
        };
        let asked = range.end.saturating_sub(range.start);
        // S3 answers a range that reaches beyond the end with what there is, and one that it cannot read with all.
        match object.content_length().and_then(unsigned) {
            Some(length) if length == asked => self.body(Action::ReadPart, key, object).await,
            _ => Ok(self.outside(key, range, etag).await?),
        }
    }

    /// Why a range, which may be empty or the wrong way round, is not answered: unless it is an empty one within the
    /// object.
    async fn outside(&self, key: &str, range: &Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        let head = self.find(key).await?.ok_or_else(|| StoreError::NotFound { key: key.to_owned() })?;
        let (start, end, size) = (range.start, range.end, head.size);
        if head.etag != *etag {
            Err(StoreError::Replaced { key: key.to_owned(), etag: etag.clone() })
        } else if start <= end && end <= size {
            if start == end { Ok(Bytes::new()) } else { Err(self.failed(Action::ReadPart, key, "another part came")) }
        } else {
            Err(StoreError::BadRange { key: key.to_owned(), start, end, size })
        }
    }

    /// Reads the whole body; the SDK compares its checksum, where the answer has one of the whole object.
    async fn body(&self, action: Action, key: &str, object: GetObjectOutput) -> Result<Bytes, Failed> {
        let promised = object.content_length().and_then(unsigned);
        let text = match object.body.collect().await {
            Ok(body) => {
                let bytes = body.into_bytes();
                if promised.is_none_or(|promised| promised == bytes.len() as u64) {
                    return Ok(bytes);
                }
                format!("{} bytes came where {promised:?} were promised", bytes.len())
            }
            Err(error) => crate::chain::chain(&error),
        };
        Err(Failed::Body(self.failed(action, key, text)))
    }

    /// Writes under a condition.
    ///
    /// S3 answers 412 where the condition does not hold, and 404 where a version is required of an object that is not
    /// there. Either is a lost race, unless an earlier attempt of this very call went without a clear answer: it may
    /// have been carried out, and then it is our own write that stands in the way. So the object is read back, and equal
    /// bytes are taken for ours. (If another wrote the same bytes at the same time, both may be told that they wrote.)
    async fn put(&self, key: &str, bytes: Bytes, condition: Condition<'_>) -> Result<Put, StoreError> {
        let full = self.full(key)?;
        let request = self.client.put_object().bucket(&self.bucket).key(&full).body(bytes.clone().into());
        let request = request.content_type(content_type::of(key)).metadata(WRITTEN_BY, build::name());
        let request = match condition {
            Condition::Absent => request.if_none_match("*"),
            Condition::Version(etag) => request.if_match(quoted(etag)),
        };
        let doubt = Doubt::default();
        let error = match request.customize().interceptor(doubt.clone()).send().await {
            Ok(put) => {
                let etag = put.e_tag().map(unquoted);
                return etag.map(Put::Written).ok_or_else(|| self.failed(Action::Write, key, "no version came back"));
            }
            Err(error) => error,
        };
        match error::refusal(&error) {
            Refusal::Condition if doubt.remains() => Ok(match self.read(key, &full).await? {
                Some((stored, etag)) if stored == bytes => Put::Written(etag),
                _ => Put::Lost,
            }),
            Refusal::Condition | Refusal::Missing => Ok(Put::Lost),
            _ => Err(self.place().error(Action::Write, key, &error)),
        }
    }
}

impl Store for S3Store {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        self.read(key, &self.full(key)?).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        check_key(key)?;
        // No object is so long that its places are not signed numbers.
        if range.start >= range.end || i64::try_from(range.end).is_err() {
            return self.outside(key, &range, etag).await;
        }
        let mut left = BODIES;
        loop {
            left = left.saturating_sub(1);
            match self.read_range_once(key, &range, etag).await {
                Ok(bytes) => return Ok(bytes),
                Err(Failed::Body(_)) if left > 0 => {}
                // A 404 under a condition may be answered while the object is being replaced: ask again, once.
                Err(Failed::Call(StoreError::NotFound { .. })) if left > 1 => left = 1,
                Err(Failed::Body(error) | Failed::Call(error)) => return Err(error),
            }
        }
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        self.find(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(format!("{}{prefix}", self.prefix));
        // XML cannot hold every character that a key can.
        let mut pages = request.encoding_type(EncodingType::Url).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.place().error(Action::List, prefix, &error))?;
            let encoded = page.encoding_type() == Some(&EncodingType::Url);
            for object in page.contents() {
                let (Some(key), Some(size), Some(last_modified)) =
                    (object.key(), object.size().and_then(unsigned), object.last_modified().and_then(seconds))
                else {
                    return Err(self.failed(Action::List, prefix, "an object has no key, no size or no time"));
                };
                let key = if encoded { self.decoded(prefix, key)? } else { key.to_owned() };
                let Some(key) = key.strip_prefix(&self.prefix) else {
                    return Err(self.failed(Action::List, prefix, format!("{key} does not begin as it should")));
                };
                // An object that is named like the prefix itself, as the console makes them for folders.
                if !key.is_empty() {
                    found.push(ObjectSummary { key: key.to_owned(), size, last_modified });
                }
            }
        }
        found.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(found)
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.put(key, bytes, Condition::Absent).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.put(key, bytes, Condition::Version(etag)).await
    }
}

impl S3Store {
    /// A key as `encoding-type=url` writes it: like a form, so that a plus is a blank.
    fn decoded(&self, prefix: &str, key: &str) -> Result<String, StoreError> {
        let blanks = key.replace('+', " ");
        let decoded = percent_decode_str(&blanks).decode_utf8();
        decoded.map(std::borrow::Cow::into_owned).map_err(|_| self.failed(Action::List, prefix, "a key is not UTF-8"))
    }
}

fn unquoted(etag: &str) -> ETag {
    ETag(etag.trim_matches('"').to_owned())
}

fn quoted(etag: &ETag) -> String {
    format!("\"{etag}\"")
}

fn unsigned(length: i64) -> Option<u64> {
    u64::try_from(length).ok()
}

fn seconds(time: &SdkTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), 0)
}
