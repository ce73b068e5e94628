//! What every function does around its own work: logs, time, and errors that say what they are.
//!
//! A panic of the work is answered as an error like any other, and the next invocation finds the process as it was: that
//! is why the release profile unwinds. (`lambda_runtime` catches panics too, but names them after a type of Rust.)

#[cfg(test)]
mod tests;

use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};
use std::{env, fmt};

pub use aws_lambda_events::sqs::SqsBatchResponse;
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use lambda_runtime::tracing::level_filters::LevelFilter;
use lambda_runtime::tracing::subscriber::fmt as fmt_subscriber;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn, tracing};
use serde_json::Value;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_ledger::build;

use crate::chain::said;
use crate::clock::Clock;
use crate::environment::{self, EnvironmentError};
use crate::event::{self, Event, Item};

/// When the invocation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(SystemTime);

impl Deadline {
    /// In so much time from now.
    pub fn after(time: Duration) -> Self {
        let now = SystemTime::now();
        Self(now.checked_add(time).unwrap_or(now))
    }

    /// How much time there is left; none, once it is over.
    pub fn left(self) -> Duration {
        self.0.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

/// What a handler is told besides its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Its id, as in the logs.
    pub request_id: String,
    pub now: DateTime<Utc>,
    /// When it is over.
    pub deadline: Deadline,
}

/// An error as Lambda is told of it: its kind, what is to be done about it, and every cause.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} ({class})")]
pub struct Failed {
    /// The stable name of its kind.
    pub kind: &'static str,
    /// What is to be done about it.
    pub class: Class,
    text: String,
}

impl<E: Fault + 'static> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::new(error.kind(), error.class(), &error)
    }
}

impl Failed {
    pub fn new(kind: &'static str, class: Class, error: &(dyn Error + 'static)) -> Self {
        Self { kind, class, text: said(error) }
    }
}

/// As it is displayed: `lambda_runtime` logs what a handler returns in this form.
impl fmt::Debug for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {self}", self.kind)
    }
}

/// The work panicked.
#[derive(Debug, thiserror::Error)]
#[error("the function panicked, which is a defect of it: {0}; please report it with the lines before this one")]
struct Panicked(String);

impl Fault for Panicked {
    fn says(&self) -> Says<'_> {
        Says::Itself("bug.panic", Class::Operator)
    }
}

impl Panicked {
    /// `payload` is what the panic was raised with: a text, unless somebody went out of their way.
    fn of(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        Self(text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it does not say why").to_owned())
    }
}

/// What `work` comes to; a panic is an error.
async fn caught<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    // What the work has changed is in the ledger, where every step may be done again after a crash anywhere; in memory it
    // leaves nothing but clients.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|payload| Err(Panicked::of(payload.as_ref()).into()))
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        Self { error_type: failed.kind.to_owned(), error_message: failed.to_string() }
    }
}

/// What an invocation answers: of a queue, which messages it is to bring again.
#[derive(Debug, Default)]
pub struct Answer {
    again: SqsBatchResponse,
    failed: Option<Failed>,
}

impl Answer {
    /// Takes what an item came to. An error means that it is to be brought again: a message of a queue by the queue,
    /// anything else by whoever invoked.
    pub fn take(&mut self, item: &Item, outcome: Result<(), Failed>) {
        let Err(failed) = outcome else { return };
        match &item.message_id {
            Some(id) => {
                tracing::warn!(
                    kind = failed.kind,
                    message_id = id,
                    "the message goes back to its queue for another attempt: {failed}"
                );
                self.again.add_failure(id.clone());
            }
            None => self.failed = Some(failed),
        }
    }

    /// The answer.
    ///
    /// # Errors
    ///
    /// The last error of an item that no queue will bring again.
    pub fn finish(self) -> Result<SqsBatchResponse, Failed> {
        match self.failed {
            Some(failed) => Err(failed),
            None => Ok(self.again),
        }
    }
}

/// Starts the logs, in the format and from the level that the function's `LoggingConfig` asks for. Call it first: the
/// first line says which build this is.
///
/// The lines are those of `lambda_runtime`'s own way to start them, which also takes filters by module from `RUST_LOG`:
/// they would bring an engine for regular expressions into every function.
///
/// Source: AWS Lambda Developer Guide, "Configuring advanced logging controls for Lambda functions".
pub fn start_logs() {
    let asked = |name| env::var(name).unwrap_or_default();
    let logs = fmt_subscriber().with_target(false).without_time().with_max_level(level(&asked("AWS_LAMBDA_LOG_LEVEL")));
    if asked("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json") {
        logs.json().init();
    } else {
        logs.init();
    }
    tracing::info!(build = build::name(), "started");
}

/// The level that `LoggingConfig` calls so; where it names none, the functions tell what they do.
fn level(name: &str) -> LevelFilter {
    match name.to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "WARN" => LevelFilter::WARN,
        "ERROR" | "FATAL" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

/// The settings, or an error that is logged before the process ends: Lambda shows nothing else of a failed start.
pub fn settings<T>(read: Result<T, EnvironmentError>) -> Result<T, Failed> {
    read.map_err(|error| {
        let failed = Failed::from(error);
        tracing::error!(kind = failed.kind, "{failed}");
        failed
    })
}

/// Answers invocations with `handle` until the process is stopped.
pub async fn run<H, F>(clock: Clock, handle: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Event, Invocation) -> F,
    F: Future<Output = Result<SqsBatchResponse, Failed>>,
{
    if let Clock::Fixed(now) = clock {
        let name = environment::NOW.name;
        tracing::warn!("{name} is set: every invocation takes {now} for now, which is for tests alone");
    }
    let handle = &handle;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        // On the heap, or every layer around it would hold it again.
        caught(Box::pin(async move {
            let invocation = Invocation {
                request_id: event.context.request_id.clone(),
                now: clock.now(),
                deadline: Deadline(event.context.deadline()),
            };
            handle(event::read(&event.payload), invocation).await
        }))
    }))
    .await
}
