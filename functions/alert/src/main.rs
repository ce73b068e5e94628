//! The Lambda function `alert`: tells people of budgets, and operations of what it must mend.

// The SDK's futures nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

mod error;
mod handler;
mod settings;
#[cfg(test)]
mod tests;

use handler::Alert;
use lambda_runtime::tracing;
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
    let Settings { ledger_bucket, alerts_arn, events_arn, digest_arn, operations_arn, stack, clock } =
        lambda::settings(Settings::read(Reader::of_process()))?;
    tracing::info!(stack, "settings read");
    let sdk = clients::of_a_function().await;
    let topics = [
        (Topic::Alerts, alerts_arn),
        (Topic::Events, events_arn),
        (Topic::Digest, digest_arn),
        (Topic::Operations, operations_arn),
    ];
    let alert = Alert {
        ledger: S3Store::new(&sdk, &ledger_bucket, ""),
        notifier: Sns::new(&sdk, topics),
        bucket: ledger_bucket,
    };
    let alert = &alert;
    lambda::run(clock, |event, invocation| async move { alert.handle(&event, &invocation).await }).await
}
