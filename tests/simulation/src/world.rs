//! The world outside the program: buckets, CloudWatch, SNS, the events between them, and the time. Sandboxes see it through
//! a line of their own, on which calls fail and others take turns.
//!
//! - `log`: what has happened, in order, for the model and for people;
//! - `queue`: the events that wait for functions; some are lost, doubled or late;
//! - `cloudwatch`, `sns`: the stand-ins; the stand-in for S3 is the program's own store in memory, which the contract of all
//!   stores is tested on;
//! - `line`: a sandbox's line: its calls, what goes wrong with them, its clock and its death;
//! - `older`: stored objects as an older release wrote them;
//! - `outside`: all of it together;
//! - `ports`: the program's ports on a line.

mod cloudwatch;
mod line;
mod log;
mod older;
mod outside;
mod ports;
mod queue;
mod sns;

pub use cloudwatch::Place;
pub use line::{Line, ready, turn};
pub use log::{Happened, Log};
pub use outside::{BUCKET, Caller, Tally, World};
pub use ports::{Messages, Objects, Values};
pub use queue::{Event, Queue};
