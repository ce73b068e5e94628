//! Who pays: the contract on tags, shared roles, showback, splits, and chargeback that adds up to the bill.

pub mod chargeback;
pub mod metering;
pub mod shared_role;
pub mod showback;
pub mod split;
pub mod tag_contract;
