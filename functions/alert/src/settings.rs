//! What the function is set up with.

use spend_aws::clock::Clock;
use spend_aws::environment::{
    ALERTS_TOPIC_ARN, DIGEST_TOPIC_ARN, EVENTS_TOPIC_ARN, EnvironmentError, LEDGER_BUCKET, OPERATIONS_TOPIC_ARN,
    Reader, STACK_NAME,
};

/// The environment, read once.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) ledger_bucket: String,
    pub(crate) alerts_arn: String,
    pub(crate) events_arn: String,
    pub(crate) digest_arn: String,
    pub(crate) operations_arn: String,
    pub(crate) stack: String,
    pub(crate) clock: Clock,
}

impl Settings {
    /// An error names everything that is missing or bad.
    pub(crate) fn read<L: Fn(&str) -> Option<String>>(mut reader: Reader<L>) -> Result<Self, EnvironmentError> {
        let ledger_bucket = reader.bucket(LEDGER_BUCKET);
        let alerts_arn = reader.topic_arn(ALERTS_TOPIC_ARN);
        let events_arn = reader.topic_arn(EVENTS_TOPIC_ARN);
        let digest_arn = reader.topic_arn(DIGEST_TOPIC_ARN);
        let operations_arn = reader.topic_arn(OPERATIONS_TOPIC_ARN);
        let stack = reader.stack_name(STACK_NAME);
        let clock = reader.clock();
        reader.finish(|| {
            Some(Self {
                ledger_bucket: ledger_bucket?,
                alerts_arn: alerts_arn?,
                events_arn: events_arn?,
                digest_arn: digest_arn?,
                operations_arn: operations_arn?,
                stack: stack?,
                clock: clock?,
            })
        })
    }
}
