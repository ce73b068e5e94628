//! `CloudWatch` holds what the ledger says, whatever AWS restates, whoever crashes where, and whoever works at the same
//! time: one thing at a time. Whole histories are in `tests/simulation`.

mod cloudwatch;
mod dashboard;
mod gauges;
mod limits;
mod races;
mod restated;
mod world;
