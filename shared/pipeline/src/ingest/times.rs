//! What the times of an export's files are worth.

/// What the times of an export's files are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTimes {
    /// They are the delivery's: a chunk that is newer than the manifest belongs to the next delivery.
    Delivered,
    /// The tree is a copy on a disk: its files have arbitrary times, and it is taken as found when it is asked for.
    Copied,
    /// The bucket is a copy or a replica, whose files arrive in any order and with any times: what is found is taken
    /// once nothing more arrives, and marked unverified.
    Arriving,
}

impl FileTimes {
    /// The name in what sweeps remember: another one would have them look at every delivery again.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "Delivered",
            Self::Copied => "Copied",
            Self::Arriving => "Arriving",
        }
    }
}
