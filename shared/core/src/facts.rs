//! The fact table: a day of one caller, account and model, with what follows from the bill's fields.
//!
//! - `fact`: a fact: its fields, its key and its measures
//! - `fact_set`: facts of several tables together
//! - `derivation`: facts out of bill lines and the configuration
//! - `used`: what facts say of what was used, and of who used it
//! - `folding`: which callers facts keep apart, and which they sum as `(other)`
//! - `owner`: whom spend belongs to, and what decided that
//! - `owner_names`: the names that an owner of a rule may be filled with
//! - `people`: the roles through which people came
//! - `net_cost`: net cost where the bill has none
//! - `dimension`: what facts can be grouped and matched by
//! - `combinations`, `matching`: which facts have the same codes; which facts matchers are about, by codes
//! - `grouping`: telling facts apart by dimensions, by codes
//! - `matcher`: which facts a rule is about
//! - `selection`: names that select nothing, and what may have been meant
//! - `tag_keys`: keys of tags that are probably one
//! - `spend`: which categories count as spend, and on which basis
//! - `restated`: what a delivery changed of a settled day
//! - `explanation`: why a bill line is the fact that it is

pub(crate) mod combinations;
pub mod derivation;
pub mod dimension;
pub mod explanation;
pub mod fact;
pub mod fact_set;
pub mod folding;
pub mod grouping;
pub mod matcher;
pub(crate) mod matching;
pub mod net_cost;
pub mod owner;
pub mod owner_names;
pub mod people;
pub mod restated;
pub mod selection;
pub mod spend;
pub mod tag_keys;
pub(crate) mod used;
