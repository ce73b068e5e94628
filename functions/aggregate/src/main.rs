//! The Lambda function `aggregate`: commits ready deliveries, publishes metrics, adopts the configuration.

// The SDK's futures nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

mod error;
mod handler;
mod settings;
#[cfg(test)]
mod tests;

use handler::Aggregate;
use settings::Settings;
use spend_aws::cloudwatch::CloudWatch;
use spend_aws::environment::Reader;
use spend_aws::s3_store::S3Store;
use spend_aws::{certificates, clients, lambda};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda::start_logs();
    certificates::find();
    let Settings { ledger_bucket, namespace, counting, clock } =
        lambda::settings(Settings::read(Reader::of_process()))?;
    let sdk = clients::of_a_function().await;
    let aggregate = Aggregate {
        ledger: S3Store::new(&sdk, &ledger_bucket, ""),
        metrics: CloudWatch::new(&sdk),
        bucket: ledger_bucket,
        namespace,
        counting,
    };
    let aggregate = &aggregate;
    // On the heap: an invocation holds what all its steps hold, once.
    lambda::run(clock, |event, invocation| async move { Box::pin(aggregate.handle(&event, &invocation)).await }).await
}
