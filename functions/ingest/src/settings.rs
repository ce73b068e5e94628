//! What the function is set up with.

use spend_aws::clock::Clock;
use spend_aws::environment::{COUNTED_EXPORTS, EXPORT_BUCKET, EXPORT_PREFIX, EnvironmentError, LEDGER_BUCKET, Reader};
use spend_ledger::config::Counting;

/// The environment, read once.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) export_bucket: String,
    pub(crate) export_prefix: String,
    pub(crate) ledger_bucket: String,
    /// Bounds what the configuration counts.
    pub(crate) counting: Counting,
    pub(crate) clock: Clock,
}

impl Settings {
    /// An error names everything that is missing or bad.
    pub(crate) fn read<L: Fn(&str) -> Option<String>>(mut reader: Reader<L>) -> Result<Self, EnvironmentError> {
        let export_bucket = reader.bucket(EXPORT_BUCKET);
        let export_prefix = reader.prefix(EXPORT_PREFIX);
        let ledger_bucket = reader.bucket(LEDGER_BUCKET);
        let exports = reader.list(COUNTED_EXPORTS);
        let clock = reader.clock();
        reader.finish(|| {
            Some(Self {
                export_bucket: export_bucket?,
                export_prefix: export_prefix?,
                ledger_bucket: ledger_bucket?,
                counting: Counting::only(&exports?, &[]),
                clock: clock?,
            })
        })
    }
}
