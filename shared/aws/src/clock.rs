//! What time it is: the machine's, or in tests the one that they set.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// Where a function takes its time from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    Real,
    /// It is always this time: for tests alone.
    Fixed(DateTime<Utc>),
}

impl Clock {
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::Real => SystemTime::now().into(),
            Self::Fixed(now) => now,
        }
    }
}
