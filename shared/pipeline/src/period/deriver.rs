//! What facts are derived with.

use spend_core::bill::line::KeptTags;
use spend_core::facts::derivation::Derivation;
use spend_ledger::config::{Config, Counting};

/// What facts are derived with.
#[derive(Clone, Debug, Default)]
pub struct Deriver {
    /// How.
    pub derivation: Derivation,
    /// The same as a text, so that a change of configuration shows.
    pub fingerprint: String,
    /// The tags that the reductions keep.
    pub kept_tags: KeptTags,
    /// Which exports and payers count.
    pub counting: Counting,
    /// Whether deliveries come by themselves, from anybody who may write to the export's bucket. Then a month that has
    /// not begun is not counted, and a new month belongs to the export that its payer was counted from before. Where a
    /// person names the files, they are taken as they are.
    pub is_deployment: bool,
}

impl Deriver {
    /// What a deployment derives with: what the configuration counts, within what its stack does.
    pub fn of_deployment(config: &Config, bound: &Counting) -> Self {
        Self { counting: config.counting.clone().within(bound), is_deployment: true, ..Self::from(config) }
    }
}

impl From<&Config> for Deriver {
    fn from(config: &Config) -> Self {
        Self {
            derivation: config.derivation(),
            fingerprint: config.derivation_fingerprint(),
            kept_tags: config.kept_tags(),
            counting: config.counting.clone(),
            is_deployment: false,
        }
    }
}
