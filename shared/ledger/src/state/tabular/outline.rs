//! Which frames a table has, and how long they are. Every length is in bytes, compressed; nothing has no frame.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The columns of a table, in the order of their frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outline {
    pub(super) rows: usize,
    pub(super) days: Column,
    #[serde(deserialize_with = "crate::state::columns::unique_keys")]
    pub(super) columns: BTreeMap<String, Column>,
    pub(super) tags: Column,
    pub(super) usage_amount: Amounts,
    pub(super) tokens: Optional,
    pub(super) unblended_cost: Amounts,
    pub(super) net_unblended_cost: Amounts,
    pub(super) list_cost: Optional,
    pub(super) line_items: Numbers,
    pub(super) lines_without_net: Numbers,
}

/// A column of values that repeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    /// The distinct values, in order: a JSON array.
    pub(super) values: usize,
    /// For each row, which of them it has, from 0.
    pub(super) codes: Numbers,
}

/// A column of numbers of so many bytes each; of none where all are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Numbers {
    pub(super) width: usize,
    pub(super) bytes: usize,
}

/// A column of exact decimals: numbers, each of them so many `unit`s of 10⁻¹⁸.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Amounts {
    pub(super) unit: i64,
    pub(super) width: usize,
    pub(super) bytes: usize,
}

/// A column of decimals that some rows do not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Optional {
    pub(super) amounts: Amounts,
    /// 1 for each row that has one.
    pub(super) present: Numbers,
}
