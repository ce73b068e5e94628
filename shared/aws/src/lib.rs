//! The ports on AWS: S3, CloudWatch and SNS, a feature each, and what the Lambda functions share.
//!
//! What is decided here is decided about the wire: what an answer, or none, says of a call's effect. What is to be
//! done about it is decided by the steps.
//!
//! - `s3_store`, `cloudwatch`, `sns`: the ports to objects, metrics and messages;
//! - `failure`: what an SDK's error says of a call's effect; `chain`: an error with its causes in one line;
//! - `clients`: credentials, region, timeouts and retries of all clients; `certificates`: what a function does where the
//!   certificates are missing that AWS's are checked against; `clock`: what time it is;
//! - `environment`: a function's settings; `event`: what a function is invoked with; `lambda`: what every function does
//!   around its own work; `by_class`: what a function does about an error;
//! - `fixtures`, `wire`: for tests alone: events and notifiers; an HTTP server that shows what goes over the wire.

#[cfg(feature = "lambda")]
pub mod by_class;
#[cfg(feature = "lambda")]
pub mod certificates;
pub mod chain;
pub mod clients;
pub mod clock;
#[cfg(feature = "cloudwatch")]
pub mod cloudwatch;
pub mod environment;
#[cfg(feature = "lambda")]
pub mod event;
#[cfg(any(feature = "s3", feature = "cloudwatch", feature = "sns"))]
mod failure;
#[cfg(feature = "fixtures")]
pub mod fixtures;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "s3")]
pub mod s3_store;
#[cfg(feature = "sns")]
pub mod sns;
#[cfg(test)]
#[cfg(any(feature = "s3", feature = "cloudwatch", feature = "sns"))]
mod wire;
