//! Rules over facts: what is configured, what an evaluation finds, and who drives it.
//!
//! - `rule`: what every rule has, its kinds and severities
//! - `rule_kind`: the trait of all kinds of rules
//! - `budget`: limits on a month, a week or a day
//! - `overrides`: members of a budget with a limit of their own
//! - `delta`: rises against an earlier day or month
//! - `anomaly`: days unlike their own past
//! - `hygiene`: spend that does not say whose it is
//! - `evaluation`: the list of kinds, and one evaluation of all rules
//! - `member_totals`: day totals of a rule's members: what rules are evaluated on
//! - `measure`: the steps that every kind shares: owner, days, driver, verdict of a percent
//! - `finding`: what a rule found of one member in one window
//! - `driver`: who is behind a number
//! - `owner_template`: a rule's owner, with places to fill
//! - `mute`: messages that are withheld for a while
//! - `sentence`: words that the sentences of all kinds share
//! - `weaker`: what a changed configuration no longer tells

pub mod anomaly;
pub mod budget;
pub mod delta;
pub mod driver;
pub mod evaluation;
pub mod finding;
pub mod hygiene;
pub mod measure;
pub(crate) mod member_totals;
pub mod mute;
pub mod overrides;
pub mod owner_template;
pub mod rule;
pub mod rule_kind;
pub mod sentence;
pub mod weaker;
