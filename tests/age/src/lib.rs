//! A ledger grows old by the program's own steps: days, months and years of deliveries, restatements, alerts, digests and
//! metrics, with the time told. What it keeps is counted by kind of object and held against bounds, and what each step
//! costs is measured.
//!
//! - `shelf`: a bucket that counts, and lets objects expire as the template does;
//! - `company`: who spends, and the files that AWS writes of it;
//! - `outside`: stand-ins for CloudWatch and SNS;
//! - `figures`: what a step costs;
//! - `life`: days and months;
//! - `bounds`: how much of each kind there may be.

pub mod bounds;
pub mod company;
pub mod figures;
pub mod life;
pub mod outside;
pub mod shelf;
#[cfg(test)]
mod tests;
