//! The step that tells finance: once a week, when a month closes, and of a month that has not closed in time. Each once,
//! never lost.
//!
//! One object, [`STATE_KEY`], says which digests are known and what is to be sent; see [`crate::outputs::outbox`]. A digest is
//! two messages with one id: text for people, and [`DigestEvent`] for machines. Both come from the same figures.
//!
//! - `step`: [`react`], [`drain`], [`preview`]; `due`: which digests are due;
//! - `compose`: the two messages of a digest, and the figures behind it and the page; `windows`: the days that are
//!   compared; `restated`: what was restated since the last one;
//! - `event`: what machines are told; `event::from_figures`: how it is made;
//! - `page`: the page of each month; `page::numbers`: its numbers, for programs;
//! - `state`: what is remembered of digests; `error`: why there is none.

mod compose;
mod due;
mod error;
pub(crate) mod event;
pub mod page;
mod restated;
pub(crate) mod state;
mod step;
#[cfg(test)]
mod tests;
mod windows;

pub use error::DigestError;
pub use event::{
    AmountEvent, BudgetUseEvent, CallerEvent, ChangeEvent, CurrencyEvent, DecisionEvent, DigestEvent, ForecastEvent,
    LargeDayEvent, LeftOutEvent, Listed, MoveEvent, MuteEvent, NamelessEvent, NewCallerEvent, OpenMonthEvent,
    ProvisionalEvent, RestatedEvent, SharedEvent, ShowbackEvent, SpanEvent, TagFindingEvent, UntaggedEvent,
    VarianceEvent, WarningsEvent,
};
pub use state::STATE_KEY;
pub use step::{DigestSummary, drain, preview, react};
