//! How long puts and claims take, and which days CloudWatch takes.

use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::outputs::{MAX_AGE, MAX_AHEAD, PUT_TAKES};

/// How much time is kept for writing down what became of a put.
const RESERVE: Duration = Duration::from_secs(10);

/// The least time in which `publish` puts something: with less it plans, and leaves the rest to the next call.
pub const TIME_TO_PUT: Duration = PUT_TAKES.saturating_add(RESERVE);

/// Whether there is time for a put.
pub(crate) fn has_time(time_left: &impl Fn() -> Duration) -> bool {
    time_left() >= TIME_TO_PUT
}

/// Before a day leaves `CloudWatch`'s window it is not put any more: longer than an invocation lives, with what clocks
/// may differ. Source of the former: AWS Lambda developer guide, "Lambda quotas": 15 minutes.
const MARGIN: TimeDelta = TimeDelta::minutes(30);

/// After this long nobody is putting a batch any more, see [`MARGIN`]: whoever claimed it is gone.
pub(crate) const CLAIM_LIVES: TimeDelta = TimeDelta::minutes(30);

/// The usage days whose midnight `CloudWatch` takes at `now`.
pub(crate) fn window(now: DateTime<Utc>) -> RangeInclusive<NaiveDate> {
    let oldest = now.checked_sub_signed(MAX_AGE).and_then(|oldest| oldest.checked_add_signed(MARGIN)).unwrap_or(now);
    let first = match oldest.time() {
        NaiveTime::MIN => oldest.date_naive(),
        _ => oldest.date_naive().checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX),
    };
    let last = now.checked_add_signed(MAX_AHEAD).and_then(|last| last.checked_sub_signed(MARGIN)).unwrap_or(now);
    first..=last.date_naive()
}
