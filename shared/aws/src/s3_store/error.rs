//! What S3's refusals mean.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use spend_ledger::store::{Elsewhere, StoreError};

use crate::failure::Failure;

/// What was being done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Read,
    ReadPart,
    Look,
    List,
    Write,
}

impl Action {
    /// As errors say it.
    fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadPart => "read a part of",
            Self::Look => "look at",
            Self::List => "list",
            Self::Write => "write",
        }
    }

    /// The permission that it takes. Source: Service Authorization Reference, Amazon S3.
    fn permission(self) -> &'static str {
        match self {
            Self::Read | Self::ReadPart | Self::Look => "s3:GetObject",
            Self::List => "s3:ListBucket",
            Self::Write => "s3:PutObject",
        }
    }
}

/// S3's word for a bucket that is not there.
const NO_BUCKET: &str = "NoSuchBucket";

/// S3's refusals that are no failures.
pub(super) enum Refusal {
    /// 404: there is no such object.
    Missing,
    /// 412: the condition does not hold.
    Condition,
    /// 416: the object ends before the range begins.
    Range,
    Other,
}

/// By status, because an answer to HEAD has no body with a code.
pub(super) fn refusal<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Refusal {
    let SdkError::ServiceError(answer) = error else { return Refusal::Other };
    match answer.raw().status().as_u16() {
        // A bucket that is not there is no object that is not there.
        404 if answer.err().code() != Some(NO_BUCKET) => Refusal::Missing,
        412 => Refusal::Condition,
        416 => Refusal::Range,
        _ => Refusal::Other,
    }
}

/// The refusals of a request's signature that come of the time: they pass.
const PASSING: [&str; 2] = ["RequestTimeTooSkewed", "ExpiredToken"];

/// Whose refusals they are.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) bucket: &'a str,
    /// The region that is asked.
    pub(super) region: &'a str,
}

impl Place<'_> {
    /// Any other error.
    pub(super) fn error<E>(self, action: Action, key: &str, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let permission = format!("{} in the bucket {}", action.permission(), self.bucket);
        let raw = error.raw_response();
        let status = raw.map(|response| response.status().as_u16());
        let passing = error.code().is_some_and(|code| PASSING.contains(&code));
        let denied = status == Some(403) && !passing;
        let of = match action {
            Action::Read | Action::ReadPart | Action::Look if denied => format!(
                "{permission} (S3 says this also of an object that does not exist, to whoever lacks s3:ListBucket)"
            ),
            _ => permission,
        };
        let source = Box::new(Failure::of(of, error));
        let theirs = raw.and_then(bucket_region).filter(|region| *region != self.region);
        let (action, key, bucket) = (action.verb(), named(action, key), self.bucket.to_owned());
        if let Some(theirs) = theirs {
            let place = Elsewhere { bucket, theirs: theirs.to_owned(), ours: self.region.to_owned() };
            StoreError::OtherRegion { action, key, place: Box::new(place), source }
        } else if error.code() == Some(NO_BUCKET) {
            StoreError::NoBucket { action, key, bucket, source }
        } else if denied {
            StoreError::Denied { action, key, source }
        } else {
            StoreError::Unavailable { action, key, source }
        }
    }

    /// An answer that cannot be used.
    pub(super) fn unusable(self, action: Action, key: &str, text: impl Into<String>) -> StoreError {
        let of = format!("{} in the bucket {}", action.permission(), self.bucket);
        let source = Box::new(Failure::new(of, text));
        StoreError::Unavailable { action: action.verb(), key: named(action, key), source }
    }
}

/// What is listed without a prefix has a name in errors.
fn named(action: Action, key: &str) -> String {
    match action {
        Action::List if key.is_empty() => "all objects".to_owned(),
        _ => key.to_owned(),
    }
}

/// The region in which the bucket is, where a refusal tells it: those to requests that came to another region's endpoint
/// or were signed for another region do, and those to whoever may not look.
///
/// Sources: Amazon S3 API Reference, `HeadBucket` (the header comes with 301 and 403 too), and what botocore's
/// `S3RegionRedirectorv2` reads: the header, then `Region` in the error's text.
fn bucket_region(refusal: &HttpResponse) -> Option<&str> {
    if !matches!(refusal.status().as_u16(), 301 | 307 | 400 | 403) {
        return None;
    }
    refusal.headers().get("x-amz-bucket-region").or_else(|| {
        let text = std::str::from_utf8(refusal.body().bytes()?).ok()?;
        Some(text.split_once("<Region>")?.1.split_once("</Region>")?.0)
    })
}
