//! A Lambda function that panics when it is told of an object whose key is `panic`, and else answers: driven by the same
//! wrapper as the functions that are deployed, it shows what becomes of a panic in any of them.

use spend_aws::clock::Clock;
use spend_aws::event::{Event, Trigger};
use spend_aws::lambda::{self, Failed, SqsBatchResponse};

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda::start_logs();
    lambda::run(Clock::Real, async |event, _| handle(&event)).await
}

#[expect(clippy::panic, clippy::unnecessary_wraps, reason = "it is what this function is for")]
fn handle(event: &Event) -> Result<SqsBatchResponse, Failed> {
    for trigger in event.items.iter().flat_map(|item| &item.triggers) {
        if matches!(trigger, Trigger::Created { key, .. } if key == "panic") {
            panic!("asked for by {trigger:?}");
        }
    }
    Ok(SqsBatchResponse::default())
}
