//! Who pays: the contract on tags, shared roles, showback, splits, and chargeback that adds up to the bill.
//!
//! - `tag_contract`: which tags and values spend should have, and where the bill departs from that
//! - `shared_role`: roles, users and keys that several parties probably stand behind
//! - `showback`: the bill by owner, identity and model, as billed
//! - `split`: the rules by which finance divides spend
//! - `metering`: what each tenant of a shared gateway used on a day
//! - `chargeback`: the bill divided by the splits, and invoices that add up to it

pub mod chargeback;
pub mod metering;
pub mod shared_role;
pub mod showback;
pub mod split;
pub mod tag_contract;
