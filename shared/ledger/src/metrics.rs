//! Metrics that add up: `Spend` as differences to what `CloudWatch` was told, gauges, and health.
//!
//! [`publish`] does all of it from what is committed. Whoever commits calls it afterwards, and the sweep calls it
//! always: it works out what is to be done, which mostly is nothing, and doing it again changes nothing.
//!
//! # How spend adds up
//!
//! `CloudWatch` keeps what it takes for ever, and AWS delivers a month again and again. So what a namespace was told is
//! kept, and only the difference to it is put. Differences commute: their order is free, and only two things matter.
//! None may be lost: they are planned in a conditional write before they are put. None may be put twice: whoever puts a
//! batch claims it first, by another conditional write, so that of two that are at work only one does. What was claimed
//! and never heard of again is in doubt, as is what `CloudWatch` gave no answer to. It counts as told from then on,
//! and is never repeated on a guess: the series is read back once nothing was put to it for long enough that
//! `CloudWatch` shows everything.
//!
//! # Who works at the same time
//!
//! Each part has a stored state: what was told of each statement, who has a series, the gauges, health. All of it is read
//! before the configuration and the book, and is replaced only if it is still what was read, so that a slower process
//! with an older book undoes nothing: see [`crate::state::basis`]. A batch is claimed only while there is time for its put.
//!
//! # Where it is
//!
//! - `publisher`: one call of [`publish`], from reading to putting; `scene`: what is planned from; `published`: what came
//!   of it; `error`: what failed;
//! - `daily`: what was spent on each day, in all and in each dimension; `series`: which series `Spend` has, and what they sum to;
//! - `spend`: differences planned, claimed, put and marked; `told`: what a namespace was told of a month; `settle`: data
//!   in doubt, read back;
//! - `gauges`: month to date, forecast, budgets, and zeros for lost values; `gauges::recent`: what was spent of late;
//!   `gauges::shown`: which gauges show something;
//! - `health`: metrics about the ledger itself, and what was lost of what CloudWatch was told;
//! - `cost`, `price`: what all of it costs in a month; `timing`: how long puts and claims take, which days are taken.

mod cost;
mod daily;
mod error;
pub(crate) mod gauges;
pub(crate) mod health;
mod price;
mod published;
mod publisher;
mod scene;
pub(crate) mod series;
mod settle;
mod spend;
mod timing;
pub(crate) mod told;

pub use cost::{PredictedCost, predict};
pub use error::MetricsError;
pub use health::lost;
pub use published::{Published, Withheld};
pub use publisher::{publish, publish_of};
pub use timing::TIME_TO_PUT;
