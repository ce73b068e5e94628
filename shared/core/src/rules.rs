//! Rules over facts: budgets, deltas, anomalies and hygiene, what they find, and who drives it.

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
