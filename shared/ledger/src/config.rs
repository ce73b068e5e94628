//! The configuration: one TOML file, read strictly. What is misspelt, contradictory or not evaluated by this release
//! is an error with its line and its cure, because a rule that is silently inert is worse than none.
//!
//! - `settings`: what a configuration says, [`Config`]; `parse`: reading all of it, section by section;
//! - `in_force`: the last valid one, putting another in its place, and what a deployment goes by;
//! - `counting` (`[export]`), `metrics` (`[metrics]`), `digest` (`[digest]`), `owners` (`[[owner]]`), `splits`
//!   (`[[split]]`), `mutes` (`[[mute]]`): one section each;
//! - `rules`: rules of every kind; `rule`: what all kinds have in common; `budgets`, `deltas`, `anomalies`, `hygiene`: one
//!   kind each; `overrides`: budgets of single members, also out of a file;
//! - `weaker`: what a new configuration tells less of; `fingerprint`: texts that tell whether facts or metrics would differ;
//! - `reader`: tables read strictly; `problem`: what is wrong, by line; `encoding`: UTF-8; `tag_keys`: keys of tags.

mod anomalies;
mod budgets;
mod counting;
mod deltas;
mod digest;
mod encoding;
mod fingerprint;
mod hygiene;
pub mod in_force;
mod metrics;
mod mutes;
mod overrides;
mod owners;
mod parse;
mod problem;
mod reader;
mod rule;
mod rules;
mod settings;
mod splits;
mod tag_keys;
#[cfg(test)]
mod tests;
mod weaker;

pub use counting::Counting;
pub use digest::DigestConfig;
pub use encoding::{check_size, text};
pub use metrics::{MetricsConfig, RESTS};
pub use problem::{ConfigError, Problem};
pub use settings::{Config, FirstRun};
