//! What the function is set up with.

use spend_aws::clock::Clock;
use spend_aws::environment::{DIGEST_TOPIC_ARN, EVENTS_TOPIC_ARN, EnvironmentError, LEDGER_BUCKET, Reader};

/// The environment, read once.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) ledger_bucket: String,
    pub(crate) digest_arn: String,
    pub(crate) events_arn: String,
    pub(crate) clock: Clock,
}

impl Settings {
    /// An error names everything that is missing or bad.
    pub(crate) fn read<L: Fn(&str) -> Option<String>>(mut reader: Reader<L>) -> Result<Self, EnvironmentError> {
        let ledger_bucket = reader.bucket(LEDGER_BUCKET);
        let digest_arn = reader.topic_arn(DIGEST_TOPIC_ARN);
        let events_arn = reader.topic_arn(EVENTS_TOPIC_ARN);
        let clock = reader.clock();
        reader.finish(|| {
            Some(Self {
                ledger_bucket: ledger_bucket?,
                digest_arn: digest_arn?,
                events_arn: events_arn?,
                clock: clock?,
            })
        })
    }
}
