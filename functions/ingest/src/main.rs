//! The Lambda function `ingest`: the steps map, seal and sweep on AWS.

// The SDK's futures nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

mod handler;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use handler::Ingest;
use settings::Settings;
use spend_aws::environment::Reader;
use spend_aws::s3_store::S3Store;
use spend_aws::{certificates, clients, lambda};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda::start_logs();
    certificates::find();
    let Settings { export_bucket, export_prefix, ledger_bucket, counting, clock } =
        lambda::settings(Settings::read(Reader::of_process()))?;
    let sdk = clients::of_a_function().await;
    let ingest = Ingest {
        export: Arc::new(S3Store::new(&sdk, &export_bucket, "")),
        ledger: S3Store::new(&sdk, ledger_bucket, ""),
        bucket: export_bucket,
        prefix: export_prefix,
        counting,
    };
    let ingest = &ingest;
    // On the heap: an invocation holds what all its steps hold, once.
    lambda::run(clock, |event, invocation| async move { Box::pin(ingest.handle(&event, &invocation)).await }).await
}
