//! What goes wrong with a call to S3, CloudWatch or SNS, or with the sandbox that makes it.

/// How long a slow call takes, in seconds. Two of them, and the functions with the shortest time have little left.
pub const SLOW: u32 = 50;

/// Which of a sandbox's calls goes wrong, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// Of all its calls.
    Call(u16),
    /// Of those that put metrics or send messages: they are few, and what is lost with them is not found by reading again.
    Telling(u16),
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To know something.
    Reading,
    /// To keep something.
    Writing,
    /// To put metrics or to send a message.
    Telling,
}

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
