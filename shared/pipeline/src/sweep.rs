//! The sweep finds work that no event announced, or that an event could not finish, and finishes it.
//!
//! [`Sweep::deliveries`] looks at the export's bucket, [`ready()`] at the deliveries that are ready. Both remember what
//! they have nothing left to do for, so that a sweep which finds nothing new costs a few listings and one small read;
//! forgetting it costs time alone. The ledger counts, not the memory: what is gone from the ledger, or was put back
//! from an earlier version, is looked at again. Both work until shortly before the time that they are given is over,
//! and go on the next time: the same steps are the backfill of the first day.
//!
//! One bad file must not stop the others. So an attempt is written down before it begins ([`trial`]); what an attempt did
//! not return from, or failed with, comes last in the next sweep, with growing pauses; and the newest delivery of each
//! export comes first.
//!
//! - `time`: how much time is left, and giving up when it is over.
//! - `trial`: the mark that an attempt leaves, and pauses between attempts. `state`: what sweeps remember.
//! - `bucket`: what is swept, and what that came to. `standing`: what the outcome of each delivery depends on. `queue`: in
//!   which order deliveries are tried. `deliver`: driving one. `attempts`: driving all of a queue. `backfill`: how far the
//!   first sweep has come. `introduction`: the first note. `deliveries`: the sweep of the bucket, which uses all of these.
//! - `ready`: the sweep of ready deliveries. `unusual`: notes about what must not pass in silence.

mod attempts;
mod backfill;
mod bucket;
mod deliver;
mod deliveries;
mod introduction;
mod queue;
mod ready;
mod standing;
pub(crate) mod state;
mod time;
pub(crate) mod trial;
mod unusual;

pub use crate::sweep::bucket::{Sweep, Swept};
pub use crate::sweep::ready::{Counted, follow, not_counted, ready};
pub use crate::sweep::unusual::unusual;
