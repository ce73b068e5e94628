//! A Lambda function that does nothing: what the others' starts, memory and sizes are measured beside.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    run(service_fn(async |_: LambdaEvent<serde_json::Value>| Ok::<(), Error>(()))).await
}
