//! How much of each kind of object there may be, whatever the age: what ARCHITECTURE.md and docs/cost-at-scale.md say in
//! words.

use spend_ledger::state::objects::Kind;
use spend_ledger::state::retention::KEPT_DAYS;

use crate::life::{Holdings, Settings};
use crate::shelf::Holding;

/// What bounds the objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    /// There is one, or a few.
    Few(u64),
    /// Each month adds so many, which no later one touches.
    EachMonth(u64),
    /// Each delivery adds so many, which stay.
    EachDelivery(u64),
    /// Each delivery adds so many, which expire.
    EachDeliveryOfLate(u64),
    /// So many a day, which expire.
    EachDayOfLate(u64),
}

/// The bounds of a kind: how many objects there may be, and how many bytes the largest may have, of its own and for each
/// identity. Mostly two to five times what 5,000 identities had over three years, or in a month with 300 deliveries.
fn of(kind: Kind, settings: &Settings, months: u64) -> (Number, u64, u64) {
    let chunks = settings.company.chunks as u64;
    match kind {
        Kind::Reduction => (Number::EachDeliveryOfLate(chunks), 20_000, 400),
        Kind::Sealed | Kind::Ready => (Number::EachDeliveryOfLate(1), 1_000 + 400 * chunks, 0),
        Kind::SeenManifest => (Number::EachDeliveryOfLate(1), 1_000, 0),
        Kind::History => (Number::EachDelivery(1), 8_000, 60),
        Kind::State | Kind::Facts => (Number::EachMonth(1), 100_000, 600),
        Kind::Told => (Number::EachMonth(1), 100_000, 0),
        Kind::Claim => (Number::EachMonth(1), 200, 0),
        Kind::Report => (Number::EachMonth(6), 300_000, 300),
        Kind::PageNumbers => (Number::EachMonth(1), 1_000_000, 200),
        Kind::Chargeback => (Number::EachMonth(1), 10_000, 0),
        Kind::Series => (Number::Few(1), 60_000, 0),
        // A line for each month.
        Kind::Health => (Number::Few(1), 10_000 + 200 * months, 0),
        Kind::Gauges => (Number::Few(1), 150_000, 0),
        Kind::Alerts => (Number::Few(1), 100_000, 200),
        Kind::Digests => (Number::Few(1), 40_000, 0),
        // What lies in the export's bucket, and here that keeps every month.
        Kind::SweptDeliveries => (Number::Few(1), 5_000 + 600 * months, 0),
        Kind::Operations | Kind::Subscriptions | Kind::Backfill => (Number::Few(1), 10_000, 0),
        Kind::SweptReady => (Number::Few(1), 100_000 + 200 * of_late(settings), 0),
        Kind::Note => (Number::EachDayOfLate(5), 20_000, 0),
        Kind::Configuration => (Number::Few(2), 10_000, 10),
        Kind::InForce => (Number::Few(1), 10_000, 10),
        Kind::Forgotten | Kind::Metering => (Number::Few(0), 0, 0),
    }
}

/// How many deliveries there are in the time that objects are kept for.
fn of_late(settings: &Settings) -> u64 {
    let days = u64::try_from(KEPT_DAYS).unwrap();
    // Of the month before there are eight at most.
    days.div_ceil(settings.every) * u64::from(settings.deliveries_a_day) + days.div_ceil(28) * 8
}

/// How many objects of a kind there may be, and how many bytes the largest.
pub fn most(kind: Kind, settings: &Settings, deliveries: u64, months: u64) -> (u64, u64) {
    let (number, own, each) = of(kind, settings, months);
    let objects = match number {
        Number::Few(few) => few,
        Number::EachMonth(number) => number * months,
        Number::EachDelivery(number) => number * deliveries,
        Number::EachDeliveryOfLate(number) => number * deliveries.min(of_late(settings)),
        Number::EachDayOfLate(number) => number * u64::try_from(KEPT_DAYS).unwrap(),
    };
    (objects, own + each * settings.company.identities)
}

/// Which bounds are passed, in words.
pub fn passed(holdings: &Holdings, settings: &Settings, deliveries: u64, months: u64) -> Vec<String> {
    let mut passed = Vec::new();
    for (kind, Holding { objects, largest, .. }) in holdings {
        let Some(kind) = kind else {
            passed.push(format!("{objects} objects are of no known kind"));
            continue;
        };
        let (most_objects, most_bytes) = most(*kind, settings, deliveries, months);
        if *objects > most_objects {
            passed.push(format!("{kind:?}: {objects} objects, and {most_objects} are the most"));
        }
        if *largest > most_bytes {
            passed.push(format!("{kind:?}: an object of {largest} bytes, and {most_bytes} are the most"));
        }
    }
    passed
}

/// What has grown from one year to the next that must not: kinds of which there is one object that is about the newest
/// months alone.
pub fn grown(before: &[Holdings], after: &[Holdings]) -> Vec<String> {
    let largest = |months: &[Holdings], kind: Kind| {
        months.iter().filter_map(|holdings| holdings.get(&Some(kind))).map(|holding| holding.largest).max()
    };
    let steady = [
        Kind::Series,
        Kind::Gauges,
        Kind::Alerts,
        Kind::Digests,
        Kind::Operations,
        Kind::Subscriptions,
        Kind::SweptReady,
        Kind::History,
        Kind::Reduction,
    ];
    let mut grown = Vec::new();
    for kind in steady {
        let (Some(before), Some(after)) = (largest(before, kind), largest(after, kind)) else { continue };
        if after > before + before / 8 + 500 {
            grown.push(format!("{kind:?} had {before} bytes at most in one year and {after} in the next"));
        }
    }
    grown
}
