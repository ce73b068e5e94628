//! What the function is set up with.

use spend_aws::clock::Clock;
use spend_aws::environment::{
    COUNTED_EXPORTS, COUNTED_PAYERS, EnvironmentError, LEDGER_BUCKET, METRICS_NAMESPACE, Reader,
};
use spend_ledger::config::Counting;

/// The environment, read once.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) ledger_bucket: String,
    /// Overrides the configuration's.
    pub(crate) namespace: String,
    /// Bounds what the configuration counts.
    pub(crate) counting: Counting,
    pub(crate) clock: Clock,
}

impl Settings {
    /// An error names everything that is missing or bad.
    pub(crate) fn read<L: Fn(&str) -> Option<String>>(mut reader: Reader<L>) -> Result<Self, EnvironmentError> {
        let ledger_bucket = reader.bucket(LEDGER_BUCKET);
        let namespace = reader.namespace(METRICS_NAMESPACE);
        let (exports, payers) = (reader.list(COUNTED_EXPORTS), reader.list(COUNTED_PAYERS));
        let clock = reader.clock();
        reader.finish(|| {
            Some(Self {
                ledger_bucket: ledger_bucket?,
                namespace: namespace?,
                counting: Counting::only(&exports?, &payers?),
                clock: clock?,
            })
        })
    }
}
