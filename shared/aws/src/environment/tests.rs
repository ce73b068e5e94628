use std::collections::BTreeMap;

use super::*;

type Variables = BTreeMap<&'static str, &'static str>;

fn good() -> Variables {
    Variables::from([
        ("EXPORT_BUCKET", "my-export.bucket"),
        ("EXPORT_PREFIX", ""),
        ("LEDGER_BUCKET", "my-ledger"),
        ("METRICS_NAMESPACE", "BedrockLedger/stack"),
        ("ALERTS_TOPIC_ARN", "arn:aws-cn:sns:cn-northwest-1:123456789012:alerts.fifo"),
        ("STACK_NAME", "bedrock-ledger"),
    ])
}

type Read = (String, String, String, String, String, String, Clock);

fn read(variables: &Variables) -> Result<Read, EnvironmentError> {
    let mut reader = Reader::new(|name| variables.get(name).map(|value| (*value).to_owned()));
    let (export, prefix) = (reader.bucket(EXPORT_BUCKET), reader.prefix(EXPORT_PREFIX));
    let (ledger, namespace) = (reader.bucket(LEDGER_BUCKET), reader.namespace(METRICS_NAMESPACE));
    let (topic, stack, clock) = (reader.topic_arn(ALERTS_TOPIC_ARN), reader.stack_name(STACK_NAME), reader.clock());
    reader.finish(|| Some((export?, prefix?, ledger?, namespace?, topic?, stack?, clock?)))
}

#[test]
fn what_is_set_is_read_as_it_is() {
    let (export, prefix, ledger, namespace, topic, stack, clock) = read(&good()).unwrap();
    assert_eq!([export.as_str(), &prefix, &ledger], ["my-export.bucket", "", "my-ledger"]);
    assert_eq!([namespace.as_str(), &stack], ["BedrockLedger/stack", "bedrock-ledger"]);
    assert_eq!(topic, "arn:aws-cn:sns:cn-northwest-1:123456789012:alerts.fifo");
    assert_eq!(clock, Clock::Real);
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let error = read(&Variables::new()).unwrap_err();
    let names: Vec<_> = error.0.iter().map(|problem| problem.variable.name).collect();
    let expected =
        ["EXPORT_BUCKET", "EXPORT_PREFIX", "LEDGER_BUCKET", "METRICS_NAMESPACE", "ALERTS_TOPIC_ARN", "STACK_NAME"];
    assert_eq!(names, expected);
    assert_eq!(error.kind(), "config.environment");
    let text = error.to_string();
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
}

#[test]
fn an_error_says_what_a_value_must_look_like_and_where_it_comes_from() {
    let mut variables = good();
    variables.insert("LEDGER_BUCKET", "My Ledger");
    assert_eq!(
        read(&variables).unwrap_err().to_string(),
        "the function's environment is not as infra/template.yaml sets it: LEDGER_BUCKET is \"My Ledger\", and must be \
         3 to 63 lower-case letters, digits, hyphens and dots; it is the name of the stack's ledger bucket; deploy the \
         stack again, or set them under Configuration, Environment variables"
    );
}

#[test]
fn bad_values_are_refused() {
    for (name, value) in [
        ("EXPORT_BUCKET", ""),
        ("EXPORT_BUCKET", "ab"),
        ("EXPORT_BUCKET", "s3://bucket"),
        ("METRICS_NAMESPACE", "AWS/Lambda"),
        ("METRICS_NAMESPACE", ":x"),
        ("METRICS_NAMESPACE", "a b"),
        ("ALERTS_TOPIC_ARN", "alerts"),
        ("ALERTS_TOPIC_ARN", "arn:aws:sqs:us-east-1:123456789012:alerts"),
        ("ALERTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:"),
        ("STACK_NAME", "1st"),
        ("BEDROCK_LEDGER_NOW", "yesterday"),
        ("BEDROCK_LEDGER_NOW", ""),
    ] {
        let mut variables = good();
        variables.insert(name, value);
        let error = read(&variables).unwrap_err();
        let names: Vec<_> = error.0.iter().map(|problem| problem.variable.name).collect();
        assert_eq!(names, [name], "{value}");
    }
}

#[test]
fn the_time_of_tests_is_any_rfc_3339() {
    let mut variables = good();
    variables.insert("BEDROCK_LEDGER_NOW", "2026-11-20T07:00:00+01:00");
    let clock = read(&variables).unwrap().6;
    assert_eq!(clock.now().to_rfc3339(), "2026-11-20T06:00:00+00:00");
    assert_eq!(clock.now(), clock.now());
}

#[test]
fn a_long_value_is_not_repeated_whole() {
    let value = "x".repeat(100_000);
    let mut reader = Reader::new(|_| Some(value.clone()));
    let bucket = reader.bucket(LEDGER_BUCKET);
    assert!(reader.finish(|| bucket).unwrap_err().to_string().len() < 500);
}
