//! One deterministic simulation of the whole system. A seed alone decides what AWS delivers, which calls fail, who dies
//! where, in which order sandboxes take turns, and what the owner configures. At the end of each history a model, which
//! shares no code with the program, says what must be true.
//!
//! The rooms, from the ground up:
//!
//! - `dice`: numbers that follow from a seed;
//! - `history`: what happens in a history, as data, in words, and made from a seed;
//! - `world`: stand-ins for S3, CloudWatch, SNS and the events between them, with the real contracts and with faults;
//! - `export`: AWS's side: bills written to the export's bucket;
//! - `functions`: the four functions' wiring over the real steps;
//! - `model`: what must be true, from rows of bills alone;
//! - `play`: a history is played, and judged;
//! - `shrink`: the shortest history that still fails;
//! - `once`: every call fails once;
//! - `parallel`: many histories on all processors.

pub mod dice;
pub mod export;
pub mod functions;
pub mod history;
pub mod model;
pub mod once;
pub mod parallel;
pub mod play;
pub mod shrink;
#[cfg(test)]
mod tests;
pub mod world;
