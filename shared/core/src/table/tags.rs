//! Tags of a row.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Tag keys and values as the bill has them (`iamPrincipal/team`), sorted by key.
pub type Tags = BTreeMap<Arc<str>, Arc<str>>;
