//! A history: what happens, in order, as data. Each part of it can be left out, and what is left happens as before: that
//! is what shrinking rests on.
//!
//! - `bill`: rows of a bill, and what AWS calls what they are of;
//! - `delivery`: a delivery, and what is wrong with it;
//! - `configuration`: what the owner configures;
//! - `trouble`: what goes wrong with a call, or with the sandbox that makes it;
//! - `step`: what happens next: time passes, sandboxes run, the owner writes;
//! - `generate`: the history of a seed; `by_hand`: parts of those that are written by hand; `words`: a history for people, one line for each thing that happens.

pub mod bill;
pub mod by_hand;
pub mod configuration;
pub mod delivery;
pub mod generate;
pub mod step;
pub mod trouble;
pub mod words;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::history::delivery::{Delivery, ExportKind};
use crate::history::step::{Does, Step};
use crate::history::words::MONTHS;

/// A history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub seed: u64,
    pub setup: Setup,
    pub steps: Vec<Step>,
}

/// What is so from the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The hour at which it begins, of the hours of October and November 2026.
    pub begins: u32,
    /// Exports that deliver, by their number.
    pub exports: Vec<ExportKind>,
    /// Of a hundred events, how many are lost.
    pub lost: u64,
    /// How many come twice.
    pub doubled: u64,
    /// How many come late, by up to three days.
    pub late: u64,
    /// How many objects a page of a listing has. Between two pages others take turns.
    pub page: usize,
    /// Whether the bucket that the program reads is a copy of the one that AWS writes: files arrive late and in any order,
    /// but versions of one file in theirs.
    pub copied: Option<Times>,
}

/// Which times the files of a copy have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Those of the files that AWS wrote, as S3 replicates them.
    OfSource,
    /// When they arrived, as tools that copy leave them.
    OfArrival,
}

impl History {
    /// Whether no bill has usage of days that are still to come.
    pub fn is_possible(&self) -> bool {
        let mut now = self.setup.begins();
        for step in &self.steps {
            match step {
                Step::Pass { minutes } => now += TimeDelta::minutes((*minutes).into()),
                Step::Configure(_) | Step::Upgrade { .. } => {}
                Step::Round(round) => {
                    let deliveries = round.actors.iter().filter_map(|actor| match &actor.does {
                        Does::Deliver(delivery) => Some(delivery),
                        _ => None,
                    });
                    let is_known = |delivery: &Delivery| {
                        let first = first_day(delivery.month);
                        let mut days = delivery.rows().map(|row| first + Days::new(u64::from(row.day) - 1));
                        days.all(|day| day <= now.date_naive())
                    };
                    if !deliveries.into_iter().all(is_known) {
                        return false;
                    }
                }
            }
        }
        true
    }
}

/// The first day of a month, by number.
pub fn first_day(month: u8) -> NaiveDate {
    format!("{}-01", MONTHS[usize::from(month)]).parse().unwrap()
}

impl Setup {
    /// When it begins.
    pub fn begins(&self) -> DateTime<Utc> {
        "2026-10-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours(self.begins.into())
    }
}
