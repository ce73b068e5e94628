//! One record of a gateway: who used how many tokens of a model.

use chrono::NaiveDate;

use crate::money::decimal::Decimal;

/// What one tenant used of one gateway on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeteringRecord {
    /// The usage day (UTC), as on the bill.
    pub date: NaiveDate,
    /// The gateway, by the identity that the ledger gives it: `role/ai-gateway@444455556666`.
    pub gateway: String,
    /// Whose usage it is: the owner that the spend is charged to.
    pub tenant: String,
    /// The model's canonical name; empty where the gateway counts all models together.
    pub model: String,
    /// How much, zero or more.
    pub amount: Decimal,
}
