//! Which export a payer's month is counted from, as it is stored.

use serde::{Deserialize, Serialize};

use crate::state::document::Document;

/// Which export a payer's period is counted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The export that is counted.
    pub export_id: String,
}

impl Document for Claim {
    const FORMAT: &'static str = "claim";
    const VERSION: u32 = 1;
}
