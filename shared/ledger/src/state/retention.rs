//! For how long the ledger's bucket keeps what nobody needs for ever: the lifecycle rules of `infra/template.yaml` remove
//! it, which a test holds to these numbers. A ledger in a folder keeps everything.
//!
//! What must hold where an object has expired is said where the object is read: no number, alert or metric depends on one
//! that is as old as this.

use chrono::{DateTime, TimeDelta, Utc};

use crate::state::keys::{DELIVERIES_PREFIX, NOTES_PREFIX};

/// How many days after it was written an object below one of [`EXPIRING`] is removed: thirteen months.
pub const KEPT_DAYS: i64 = 400;

/// What expires, by what the keys begin with.
pub const EXPIRING: [&str; 3] = ["reductions/", DELIVERIES_PREFIX, NOTES_PREFIX];

/// S3 removes what has expired some time later. Source: Amazon S3 User Guide, "Expiring objects".
const REMOVED_WITHIN: TimeDelta = TimeDelta::days(30);

/// Whether an object that was written at a time may have expired by now.
pub fn may_have_expired(written_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(written_at) >= TimeDelta::days(KEPT_DAYS)
}

/// What was written before this time is gone by now, where the lifecycle rules are in force.
pub fn expired_by(now: DateTime<Utc>) -> DateTime<Utc> {
    now - (TimeDelta::days(KEPT_DAYS) + REMOVED_WITHIN)
}
