//! What is to be done about an error: the same four answers wherever it comes from.

use crate::named;

named! {
    /// What is to be done about an error.
    pub enum Class {
        /// The same call may succeed: do it again.
        Retry = "retry",
        /// The next delivery mends it: keep the last good numbers and wait.
        Wait = "wait",
        /// A person must act; the message says how.
        Operator = "operator",
        /// Nothing is wrong: it was none of our business, and the error says why.
        Ignore = "ignore",
    }
}
