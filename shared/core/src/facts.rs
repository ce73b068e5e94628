//! The fact table: a day of one caller, account and model, with what follows from the bill's fields.

pub mod derivation;
pub mod dimension;
pub mod explanation;
pub mod fact;
pub mod folding;
pub mod matcher;
pub mod net_cost;
pub mod owner;
pub mod owner_names;
pub mod people;
pub mod restated;
pub mod selection;
pub mod spend;
pub mod tag_keys;
