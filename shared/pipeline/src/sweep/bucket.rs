//! What is swept in the export's bucket, and what that came to.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::messages::operations::deployed::Place;
use spend_ledger::config::Counting;

use crate::error::PipelineError;
use crate::ingest::FileTimes;

/// How many deliveries that a person must mend one sweep tells of.
pub(crate) const MOST_TROUBLES: usize = 100;

/// What is swept, and with what.
#[derive(Debug)]
pub struct Sweep<'a, E, L> {
    /// The export's bucket.
    pub export: &'a Arc<E>,
    pub ledger: &'a L,
    /// The name of the export's bucket, and what the keys start with.
    pub place: Place<'a>,
    /// What the times of its files are worth.
    pub times: FileTimes,
    /// The tags that reductions keep.
    pub kept: &'a KeptTags,
    /// Which exports count: others are not read.
    pub counting: &'a Counting,
    pub now: DateTime<Utc>,
}

/// What a sweep of the export's bucket came to, in deliveries.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many are there.
    pub found: usize,
    /// How many had nothing left to do.
    pub known: usize,
    /// How many were found or made ready.
    pub ready: usize,
    /// How many wait for files, or until the bucket is quiet.
    pub waiting: usize,
    /// How many lacked files for so long that operations was told.
    pub incomplete: usize,
    /// How many there was no time for: the next sweep goes on with them.
    pub left: usize,
    /// How many are paused, because no attempt at them has come to an end.
    pub paused: usize,
    /// How many are of months that have not begun, and are not read.
    pub early: usize,
    /// How many are of exports that do not count, and are not read.
    pub uncounted: usize,
    /// What a person must mend, which operations was told.
    pub troubles: Vec<PipelineError>,
    /// What may succeed if it is done again.
    pub failures: Vec<PipelineError>,
}
