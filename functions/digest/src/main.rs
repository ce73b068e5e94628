//! The Lambda function `digest`: tells finance, by schedule.

// The SDK's futures nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

mod error;
mod handler;
mod settings;
#[cfg(test)]
mod tests;

use handler::Digest;
use settings::Settings;
use spend_aws::environment::Reader;
use spend_aws::s3_store::S3Store;
use spend_aws::sns::Sns;
use spend_aws::{certificates, clients, lambda};
use spend_ledger::outputs::Topic;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda::start_logs();
    certificates::find();
    let Settings { ledger_bucket, digest_arn, events_arn, clock } =
        lambda::settings(Settings::read(Reader::of_process()))?;
    let sdk = clients::of_a_function().await;
    let digest = Digest {
        ledger: S3Store::new(&sdk, ledger_bucket, ""),
        notifier: Sns::new(&sdk, [(Topic::Digest, digest_arn), (Topic::Events, events_arn)]),
    };
    let digest = &digest;
    lambda::run(clock, |event, invocation| async move { digest.handle(&event, &invocation).await }).await
}
