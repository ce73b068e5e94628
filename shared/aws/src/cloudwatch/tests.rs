use aws_smithy_cbor::Encoder;
use spend_core::errors::fault::Fault as _;
use spend_core::money::decimal::Decimal;
use spend_ledger::outputs::MAX_DATA;

use super::*;
use crate::wire::{Reply, Wire, config, serve_in_turn};

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn datum(value: &str) -> Datum {
    Datum {
        name: "Spend".to_owned(),
        dimensions: texts([("Currency", "USD"), ("Identity", "größe")]),
        timestamp: DateTime::from_timestamp_millis(1_795_132_800_250).unwrap(),
        value: value.parse::<Decimal>().unwrap(),
        unit: Unit::None,
    }
}

fn series(name: &str) -> Series {
    Series { name: name.to_owned(), dimensions: texts([("Currency", "USD")]) }
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

fn cbor(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder);
    encoder.into_writer()
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    Reply::new(status, body).with("smithy-protocol", "rpc-v2-cbor").with("content-type", "application/cbor")
}

fn error(status: u16, code: &str) -> Reply {
    let shape = format!("com.amazonaws.cloudwatch#{code}");
    reply(
        status,
        cbor(|encoder| {
            encoder.map(2).str("__type").str(&shape).str("message").str("because");
        }),
    )
}

type Points<'a> = &'a [(NaiveDate, f64)];

/// A page: of each series its id, its status and its points by day.
fn page(token: Option<&str>, results: &[(&str, &str, Points<'_>)]) -> Reply {
    reply(
        200,
        cbor(|encoder| {
            encoder.map(1 + usize::from(token.is_some())).str("MetricDataResults").array(results.len());
            for (id, status, points) in results {
                encoder.map(4).str("Id").str(id).str("StatusCode").str(status);
                encoder.str("Timestamps").array(points.len());
                for (day, _) in *points {
                    encoder.timestamp(&midnight(*day));
                }
                encoder.str("Values").array(points.len());
                for (_, value) in *points {
                    encoder.double(*value);
                }
            }
            if let Some(token) = token {
                encoder.str("NextToken").str(token);
            }
        }),
    )
}

async fn wire(replies: impl IntoIterator<Item = Reply>) -> (CloudWatch, Wire) {
    let wire = serve_in_turn(replies.into_iter().map(Some).collect()).await;
    (CloudWatch::new(&wire.config()), wire)
}

#[test]
fn a_datum_is_encoded_with_all_that_it_says() {
    let dimension = |name, value| Dimension::builder().name(name).value(value).build();
    let expected = MetricDatum::builder()
        .metric_name("Spend")
        .dimensions(dimension("Currency", "USD"))
        .dimensions(dimension("Identity", "gr\\u{f6}\\u{df}e"))
        .timestamp(SdkTime::from_millis(1_795_132_800_250))
        .value(-12.345_678_9)
        .unit(StandardUnit::None)
        .build();
    assert_eq!(encoded(&[datum("-12.3456789")]), [expected]);
    let units = [Unit::Count, Unit::Percent].map(|unit| encoded(&[Datum { unit, ..datum("1") }])[0].unit().cloned());
    assert_eq!(units, [Some(StandardUnit::Count), Some(StandardUnit::Percent)]);
}

#[test]
fn no_decimal_is_beyond_the_range_of_values() {
    let largest = Decimal::from_units(10_i128.pow(38) - 1).unwrap().to_f64();
    assert!(largest.is_finite() && largest < 2_f64.powi(360));
}

#[test]
fn a_call_at_its_limit_is_no_larger_than_it_is_taken_to_be() {
    // Texts as long as they may be, of which one call takes less than 1000.
    let long = Datum { dimensions: texts([("Identity", &"x".repeat(1024)), ("Currency", "USD")]), ..datum("1") };
    let data = vec![long; MAX_DATA];
    let batches: Vec<_> = spend_ledger::outputs::batches(&data).map(<[_]>::len).collect();
    assert!(batches.len() > 1, "{batches:?}");
    assert_eq!(batches.iter().sum::<usize>(), MAX_DATA);
}

#[tokio::test]
async fn a_put_goes_out_once_and_in_the_services_own_format() {
    let (cloudwatch, wire) = wire([reply(
        200,
        cbor(|encoder| {
            encoder.map(0);
        }),
    )])
    .await;
    cloudwatch.put("BedrockLedger/stack", &[datum("1.5")]).await.unwrap();
    let requests = wire.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].path.ends_with("/operation/PutMetricData"), "{}", requests[0].path);
    let holds = |text: &str| requests[0].body.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(["BedrockLedger/stack", "Spend", "USD", "gr\\u{f6}\\u{df}e"].into_iter().all(holds));
    cloudwatch.put("BedrockLedger/stack", &[]).await.unwrap();
    assert_eq!(wire.requests().len(), 1, "no data is no call");
}

#[tokio::test]
async fn whatever_the_outcome_a_put_is_tried_once_and_only_proof_clears_it_of_doubt() {
    for (outcome, kind) in [
        (Some(error(400, "InvalidParameterValueException")), "publish.refused"),
        (Some(error(400, "MissingRequiredParameterException")), "publish.refused"),
        (Some(error(403, "AccessDeniedException")), "publish.refused"),
        (Some(error(400, "Throttling")), "publish.not_sent"),
        (Some(error(400, "ThrottlingException")), "publish.not_sent"),
        (Some(error(429, "TooManyRequestsException")), "publish.not_sent"),
        (Some(error(403, "ExpiredTokenException")), "publish.not_sent"),
        (Some(error(500, "InternalServiceFault")), "publish.in_doubt"),
        (Some(error(503, "ServiceUnavailable")), "publish.in_doubt"),
        (Some(Reply::new(502, "<html>bad gateway</html>")), "publish.in_doubt"),
        (Some(Reply::new(400, "<html>a proxy's page</html>")), "publish.in_doubt"),
        (Some(Reply::new(302, "")), "publish.in_doubt"),
        (Some(Reply { broken_off: Some(3), ..error(400, "InvalidParameterValueException") }), "publish.in_doubt"),
        // Closed without an answer: it may have been read before.
        (None, "publish.in_doubt"),
    ] {
        let wire = serve_in_turn(vec![outcome.clone()]).await;
        let error = CloudWatch::new(&wire.config()).put("n", &[datum("1")]).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{outcome:?}: {error}");
        assert_eq!(wire.requests().len(), 1, "{outcome:?}");
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let cloudwatch = CloudWatch::new(&config("http://127.0.0.1:1"));
    assert_eq!(cloudwatch.put("n", &[datum("1")]).await.unwrap_err().kind(), "publish.not_sent");
    let cloudwatch = CloudWatch::new(&config("http://no-such-host.invalid"));
    assert_eq!(cloudwatch.put("n", &[datum("1")]).await.unwrap_err().kind(), "publish.not_sent");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_in_doubt() {
    // A server that takes the request and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let timeouts = aws_config::timeout::TimeoutConfig::builder().read_timeout(std::time::Duration::from_millis(20));
    let config = config(&url).into_builder().timeout_config(timeouts.build()).build();
    let error = CloudWatch::new(&config).put("n", &[datum("1")]).await.unwrap_err();
    assert_eq!(error.kind(), "publish.in_doubt", "{error}");
}

#[test]
fn a_put_is_given_up_in_the_time_that_is_kept_for_it() {
    let cloudwatch = CloudWatch::new(&config("http://127.0.0.1:1"));
    let timeouts = cloudwatch.once.config().timeout_config().unwrap();
    assert_eq!([timeouts.operation_timeout(), timeouts.operation_attempt_timeout()], [Some(PUT_TAKES); 2]);
    assert_eq!(timeouts.read_timeout(), crate::clients::timeouts().read_timeout(), "the others are everybody's");
}

#[tokio::test]
async fn what_cloudwatch_would_refuse_is_never_sent() {
    let (cloudwatch, wire) = wire([error(500, "InternalServiceFault")]).await;
    let error = cloudwatch.put("AWS/Bedrock", &[datum("1")]).await.unwrap_err();
    assert_eq!(error.kind(), "publish.refused");
    assert!(wire.requests().is_empty());
}

#[tokio::test]
async fn daily_sums_are_read_page_by_page_in_the_order_of_the_series() {
    let (cloudwatch, wire) = wire([
        page(Some("next"), &[("s1", "PartialData", &[(day(3), 2.5)]), ("s0", "Complete", &[(day(1), -1.0)])]),
        page(None, &[("s1", "Complete", &[(day(1), 0.5)])]),
    ])
    .await;
    let sums = cloudwatch.daily_sums("n", &[series("A"), series("B")], day(1)..=day(3)).await.unwrap();
    assert_eq!(sums, [BTreeMap::from([(day(1), -1.0)]), BTreeMap::from([(day(1), 0.5), (day(3), 2.5)])]);
    assert_eq!(wire.requests().len(), 2);
}

#[tokio::test]
async fn more_series_than_a_call_answers_are_asked_for_in_several() {
    let ids: Vec<_> = (0..MAX_QUERIES).map(|index| format!("s{index}")).collect();
    let full: Vec<(&str, &str, Points<'_>)> = ids.iter().map(|id| (id.as_str(), "Complete", &[][..])).collect();
    let (cloudwatch, wire) = wire([page(None, &full), page(None, &[("s0", "Complete", &[(day(1), 7.0)])])]).await;
    let sums = cloudwatch.daily_sums("n", &vec![series("A"); MAX_QUERIES + 1], day(1)..=day(1)).await.unwrap();
    assert_eq!(sums.len(), MAX_QUERIES + 1);
    assert_eq!(sums[MAX_QUERIES], BTreeMap::from([(day(1), 7.0)]));
    assert_eq!(wire.requests().len(), 2);
}

#[tokio::test]
async fn sums_that_are_not_complete_are_no_sums() {
    let one: Points<'_> = &[(day(1), 1.0)];
    for (results, says) in [
        (vec![("s0", "PartialData", one)], "not complete"),
        (vec![("s0", "InternalError", one)], "not complete"),
        (vec![("s0", "Forbidden", &[][..])], "not complete"),
        (vec![], "not complete"),
        (vec![("s1", "Complete", one)], "nobody asked for"),
        (vec![("s0", "Complete", one), ("s0", "Complete", one)], "two sums of 2026-11-01"),
    ] {
        let (cloudwatch, _wire) = wire([page(None, &results)]).await;
        let error = cloudwatch.daily_sums("n", &[series("A")], day(1)..=day(1)).await.unwrap_err();
        assert_eq!(error.kind(), "publish.not_read");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn reading_is_tried_again_and_no_days_are_no_call() {
    let (cloudwatch, wire) = wire([error(500, "InternalServiceFault"), page(None, &[("s0", "Complete", &[])])]).await;
    let sums = cloudwatch.daily_sums("n", &[series("A")], day(1)..=day(1)).await.unwrap();
    assert_eq!((sums, wire.requests().len()), (vec![BTreeMap::new()], 2));
    let none = cloudwatch.daily_sums("n", &[series("A")], day(2)..=day(1)).await.unwrap();
    assert_eq!((none, wire.requests().len()), (vec![BTreeMap::new()], 2));
}
