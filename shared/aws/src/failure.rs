//! What an SDK's error says: in one line for people, and of the call's effect.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::chain::chain;

/// An SDK's error with its whole chain of causes on one line, without the raw response that the SDK prints behind it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What was asked for what: `s3:GetObject of the bucket x`.
    of: String,
    text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.of, self.text)
    }
}

impl Error for Failure {}

impl Failure {
    pub(crate) fn new(of: impl Into<String>, text: impl Into<String>) -> Self {
        Self { of: of.into(), text: text.into() }
    }

    /// Of an SDK's error.
    pub(crate) fn of<E: Error + ProvideErrorMetadata + 'static>(
        of: impl Into<String>,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        let text = match error {
            // Not `service error: unhandled error: …`, but what the service said.
            SdkError::ServiceError(answer) => {
                let (status, said) = (answer.raw().status().as_u16(), answer.err());
                let text = match (said.code(), said.message()) {
                    (Some(code), Some(message)) => format!("{code}: {message}"),
                    (Some(code), None) => code.to_owned(),
                    // An answer that nobody can read.
                    (None, _) => chain(said),
                };
                format!("{status} {text}{}", request_id(answer.raw()))
            }
            SdkError::ResponseError(answer) => {
                format!("{} {}{}", answer.raw().status().as_u16(), chain(error), request_id(answer.raw()))
            }
            other => chain(other),
        };
        Self::new(of, text)
    }
}

/// What AWS's support asks for.
fn request_id(response: &HttpResponse) -> String {
    let id = ["x-amz-request-id", "x-amzn-requestid"].into_iter().find_map(|name| response.headers().get(name));
    id.map(|id| format!(" (request {id})")).unwrap_or_default()
}

/// What is known of the effect of a call that was made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg(any(feature = "cloudwatch", feature = "sns"))]
pub(crate) enum Effect {
    /// None, and the same call would have none again.
    Refused,
    /// None; the same call may succeed.
    None,
    /// Nobody knows.
    InDoubt,
}

/// Answers below 500 that the next attempt may not get.
#[cfg(any(feature = "cloudwatch", feature = "sns"))]
const PASSING: [&str; 7] = [
    // Credentials that ran out while they were used, and clocks that go wrong.
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    // AWS's names for "slower, please" that do not begin with `Throttl`.
    "RequestLimitExceeded",
    "RequestThrottled",
    "TooManyRequestsException",
];

/// What `error` proves. Only an answer of the service below 500 says that it did nothing, and only where no connection
/// was ever made is no answer needed for that: everything else is in doubt.
#[cfg(any(feature = "cloudwatch", feature = "sns"))]
pub(crate) fn effect<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Effect {
    match error {
        // "It was not dispatched over the network."
        SdkError::ConstructionFailure(_) => Effect::None,
        SdkError::DispatchFailure(failure) => {
            let connector = failure.as_connector_error().map(|error| error as &(dyn Error + 'static));
            if connector.is_some_and(never_connected) { Effect::None } else { Effect::InDoubt }
        }
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code();
            match status {
                408 | 429 => Effect::None,
                400..500 if code.is_some_and(|code| code.contains("Throttl") || PASSING.contains(&code)) => {
                    Effect::None
                }
                // Without a code the answer is a proxy's, or not one of this protocol.
                400..500 if code.is_some() => Effect::Refused,
                _ => Effect::InDoubt,
            }
        }
        _ => Effect::InDoubt,
    }
}

/// Whether the HTTP client says that there was no connection to send anything on: no address, none that answers, no TLS.
#[cfg(any(feature = "cloudwatch", feature = "sns"))]
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(hyper) = cause.downcast_ref::<hyper_util::client::legacy::Error>() {
            return hyper.is_connect();
        }
        next = cause.source();
    }
    false
}
