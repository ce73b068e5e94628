//! What S3's refusals mean.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use spend_ledger::store::StoreError;

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
        404 if answer.err().code() != Some("NoSuchBucket") => Refusal::Missing,
        412 => Refusal::Condition,
        416 => Refusal::Range,
        _ => Refusal::Other,
    }
}

/// The refusals of a request's signature that come of the time: they pass.
const PASSING: [&str; 2] = ["RequestTimeTooSkewed", "ExpiredToken"];

/// Any other error.
pub(super) fn of<E>(action: Action, bucket: &str, key: &str, error: &SdkError<E, HttpResponse>) -> StoreError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let of = format!("{} in the bucket {bucket}", action.permission());
    let raw = error.raw_response();
    let status = raw.map(|response| response.status().as_u16());
    let passing = error.code().is_some_and(|code| PASSING.contains(&code));
    let of = match status {
        Some(403) if matches!(action, Action::Read | Action::ReadPart | Action::Look) => {
            format!("{of} (S3 says this also of an object that does not exist, to whoever lacks s3:ListBucket)")
        }
        // To a request that came to another region's endpoint.
        Some(301) => match raw.and_then(|response| response.headers().get("x-amz-bucket-region")) {
            Some(region) => format!("{of} (the bucket is in the region {region}: set AWS_REGION to it)"),
            None => of,
        },
        _ => of,
    };
    let source = Box::new(Failure::of(of, error));
    let (action, key) = (action.verb(), key.to_owned());
    if status == Some(403) && !passing {
        StoreError::Denied { action, key, source }
    } else {
        StoreError::Unavailable { action, key, source }
    }
}

/// An answer that cannot be used.
pub(super) fn unavailable(action: Action, bucket: &str, key: &str, text: impl Into<String>) -> StoreError {
    let of = format!("{} in the bucket {bucket}", action.permission());
    StoreError::Unavailable { action: action.verb(), key: key.to_owned(), source: Box::new(Failure::new(of, text)) }
}
