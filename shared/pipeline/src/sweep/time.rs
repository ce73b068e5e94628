//! The time that a sweep has.

use std::future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// How much of the time is kept for writing down what was done.
pub(crate) const RESERVE: Duration = Duration::from_secs(20);

/// What the future comes to, or `None` if the time is over before; it is asked whenever the future goes on.
pub(crate) async fn within<F: Future>(has_time: impl Fn() -> bool, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    future::poll_fn(|context| if has_time() { work.as_mut().poll(context).map(Some) } else { Poll::Ready(None) }).await
}
