use super::*;
use crate::environment::{LEDGER_BUCKET, Problem};

#[derive(Debug, thiserror::Error)]
#[error("failed to read the state")]
struct Outer(#[source] std::io::Error);

fn failed() -> Failed {
    Failed::new("store.unavailable", Class::Retry, &Outer(std::io::Error::other("connection reset")))
}

fn item(message_id: Option<&str>) -> Item {
    Item { message_id: message_id.map(str::to_owned), triggers: vec![] }
}

#[test]
fn lambda_is_told_the_kind_the_class_and_every_cause() {
    let diagnostic = Diagnostic::from(failed());
    assert_eq!(diagnostic.error_type, "store.unavailable");
    assert_eq!(diagnostic.error_message, "failed to read the state: connection reset (retry)");
    assert_eq!(format!("{:?}", failed()), "store.unavailable: failed to read the state: connection reset (retry)");
}

#[test]
fn a_queue_hears_which_of_its_messages_failed_and_no_other() {
    let mut answer = Answer::default();
    answer.take(&item(Some("a")), Ok(()));
    answer.take(&item(Some("b")), Err(failed()));
    let answer = serde_json::to_value(answer.finish().unwrap()).unwrap();
    assert_eq!(answer, serde_json::json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
    let well = serde_json::to_value(Answer::default().finish().unwrap()).unwrap();
    assert_eq!(well, serde_json::json!({"batchItemFailures": []}));
}

#[test]
fn what_no_queue_brings_again_fails_the_invocation() {
    let mut answer = Answer::default();
    answer.take(&item(None), Err(failed()));
    assert_eq!(answer.finish().unwrap_err(), failed());
}

#[test]
fn a_bad_environment_is_the_operators() {
    let error = EnvironmentError(vec![Problem { variable: LEDGER_BUCKET, what: "is not set".to_owned() }]);
    let failed = settings::<()>(Err(error)).unwrap_err();
    assert_eq!((failed.kind, failed.class), ("config.environment", Class::Operator));
    assert!(failed.to_string().contains("LEDGER_BUCKET is not set"), "{failed}");
}

/// The names that `LoggingConfig` knows.
#[test]
fn logs_start_at_the_level_that_lambda_names() {
    let named = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "", "loud"].map(level);
    let levels = [
        LevelFilter::TRACE,
        LevelFilter::DEBUG,
        LevelFilter::INFO,
        LevelFilter::WARN,
        LevelFilter::ERROR,
        LevelFilter::ERROR,
        LevelFilter::INFO,
        LevelFilter::INFO,
    ];
    assert_eq!(named, levels);
}

#[test]
fn after_the_deadline_no_time_is_left() {
    assert_eq!(Deadline(SystemTime::UNIX_EPOCH).left(), Duration::ZERO);
    assert!(Deadline::after(Duration::from_hours(1)).left() > Duration::from_mins(59));
    assert!(Deadline::after(Duration::MAX).left() < Duration::from_hours(1));
}

/// What catches panics is nothing without it.
#[test]
fn what_is_deployed_unwinds() {
    let manifest = include_str!("../../../../Cargo.toml");
    let release = manifest.split("\n[").find_map(|section| section.strip_prefix("profile.release]")).unwrap();
    assert!(release.lines().any(|line| line == "panic = \"unwind\""), "{release}");
    assert!(!manifest.contains("\"abort\"\n"));
}

#[tokio::test]
async fn a_panic_is_an_error_with_a_kind_and_the_text_that_it_was_raised_with() {
    type Work = fn() -> Result<(), Failed>;
    let of = async |work: Work| caught(async move { work() }).await.unwrap_err();
    let panics: [(Work, &str); 3] = [
        (|| panic!("index {} of {}", 3, 2), ": index 3 of 2;"),
        (|| panic!("plain"), ": plain;"),
        (|| std::panic::panic_any(7), ": it does not say why;"),
    ];
    for (work, says) in panics {
        let failed = of(work).await;
        assert_eq!((failed.kind, failed.class), ("bug.panic", Class::Operator));
        assert!(failed.to_string().contains(says), "{failed}");
    }
    assert_eq!(caught(async { Ok(7) }).await, Ok(7));
}
