//! What becomes of a ready delivery.

use std::fmt;

/// What became of a ready delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aggregated {
    /// It is the period's state now, as commit number `sequence`.
    Applied {
        /// Which commit of the period it is.
        sequence: u64,
    },
    /// It was applied before, and is in force or was replaced since. Nothing changed.
    Known,
    /// A newer delivery is in force. Nothing changed.
    Older {
        /// The delivery in force.
        in_force: String,
    },
    /// Another export is counted for the same payer and period, so that nothing is counted twice. Nothing changed.
    Overlapping {
        /// The payer; empty if one of the two exports does not name its payer.
        payer: String,
        /// The export that is counted.
        counted: String,
    },
    /// The configuration does not count it. Nothing changed, and nothing is claimed.
    NotCounted {
        /// The payer that is not counted; none if the export is not.
        payer: Option<String>,
    },
}

impl Aggregated {
    /// The name in logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Known => "known",
            Self::Older { .. } => "older",
            Self::Overlapping { .. } => "overlapping",
            Self::NotCounted { .. } => "not_counted",
        }
    }
}

/// What happened, in words.
impl fmt::Display for Aggregated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied { sequence } => write!(formatter, "applied as commit {sequence} of its period"),
            Self::Known => formatter.write_str("already known, nothing to do"),
            Self::Older { in_force } => write!(formatter, "older than {in_force}, which stays in force"),
            Self::Overlapping { payer, counted } => {
                let payer = if payer.is_empty() { "that may be this one" } else { payer };
                write!(formatter, "not counted: export {counted} already covers payer {payer} in this period")
            }
            Self::NotCounted { payer: None } => {
                formatter.write_str("not counted: count of [export] in the configuration does not name the export")
            }
            Self::NotCounted { payer: Some(payer) } if payer.is_empty() => formatter
                .write_str("not counted: rows name no payer, and payers of [export] in the configuration names some"),
            Self::NotCounted { payer: Some(payer) } => {
                write!(formatter, "not counted: payers of [export] in the configuration does not name payer {payer}")
            }
        }
    }
}
