//! A history is played, comes to rest, and is judged.
//!
//! - `turns`: some who are at work at once, one of whom goes on at each call;
//! - `rest`: after a history nothing goes wrong any more, until nothing is left to do;
//! - `game`: all of it.

mod game;
mod rest;
mod turns;

pub use game::{Outcome, play};
