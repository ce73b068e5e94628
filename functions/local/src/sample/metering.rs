//! What the gateway of the sample counted of its tenants: requests, each day of the two months of the story.

use std::fmt::Write as _;

use chrono::{Datelike, Weekday};

use super::cast::Account;
use super::rng::Rng;
use super::story::{TODAY, days_before};

/// Whose requests go through the gateway, with how many on a working day.
const TENANTS: [(&str, f64); 4] = [("search", 4200.0), ("growth", 2600.0), ("legal", 900.0), ("fraud", 300.0)];

/// What of that there is on a day of a weekend.
const WEEKEND: f64 = 0.3;

/// The gateway's metering file for the sample of a seed: `date,gateway,tenant,amount`.
pub fn gateway_metering(seed: u64) -> String {
    let gateway = format!("role/ai-gateway@{}", Account::Prod.id());
    let mut text = "date,gateway,tenant,amount\n".to_owned();
    let first = days_before(TODAY, 1).with_day(1).map_or(TODAY, |day| days_before(day, 31));
    for (index, day) in (0..).zip(first.iter_days().take_while(|day| *day < TODAY)) {
        let of_week = if matches!(day.weekday(), Weekday::Sat | Weekday::Sun) { WEEKEND } else { 1.0 };
        for (tenant, (name, usual)) in (0..).zip(TENANTS) {
            let requests = usual * of_week * Rng::of(seed, &[7_000, index, tenant]).between(0.8, 1.2);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{day},{gateway},{name},{requests:.0}");
        }
    }
    text
}
