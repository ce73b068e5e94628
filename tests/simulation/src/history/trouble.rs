//! What goes wrong with a call to S3, CloudWatch or SNS, or with the sandbox that makes it.

/// How long a slow call takes, in seconds. Two of them, and the functions with the shortest time have little left.
pub const SLOW: u32 = 50;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is refused before it does anything, and the answer says so: throttled.
    Throttled,
    /// It does nothing, and no answer comes.
    NoEffect,
    /// It does what it should, and no answer comes.
    NoAnswer,
    /// It does what it should, no answer comes, and the client tries it again.
    TriedAgain,
    /// The service says that it will never take this.
    Refused,
    /// It takes [`SLOW`] before it does what it should.
    Slow,
    /// The sandbox dies before the call does anything.
    DiesBefore,
    /// The sandbox dies when the call has done what it should.
    DiesAfter,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Throttled,
        Self::NoEffect,
        Self::NoAnswer,
        Self::TriedAgain,
        Self::Refused,
        Self::Slow,
        Self::DiesBefore,
        Self::DiesAfter,
    ];
}
