//! What the function is set up with.

use spend_aws::clock::Clock;
use spend_aws::environment::{EnvironmentError, LEDGER_BUCKET, METRICS_NAMESPACE, Reader};

/// The environment, read once.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) ledger_bucket: String,
    /// Overrides the configuration's.
    pub(crate) namespace: String,
    pub(crate) clock: Clock,
}

impl Settings {
    /// # Errors
    ///
    /// Names everything that is missing or bad.
    pub(crate) fn read<L: Fn(&str) -> Option<String>>(mut reader: Reader<L>) -> Result<Self, EnvironmentError> {
        let ledger_bucket = reader.bucket(LEDGER_BUCKET);
        let namespace = reader.namespace(METRICS_NAMESPACE);
        let clock = reader.clock();
        reader.finish(|| Some(Self { ledger_bucket: ledger_bucket?, namespace: namespace?, clock: clock? }))
    }
}
