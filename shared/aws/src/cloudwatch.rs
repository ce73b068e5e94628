//! Metrics in CloudWatch.
//!
//! A put adds to what is there: the same data put twice count twice. So a put is tried once. Only an answer that proves
//! that nothing was taken, or that there never was a connection, lets the caller put it again; all else is in doubt,
//! and settled by reading the sums back.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::BoxError;
use aws_sdk_cloudwatch::primitives::DateTime as SdkTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricDatum, MetricStat, StandardUnit, StatusCode,
};
use chrono::{DateTime, NaiveDate, NaiveTime};
use spend_ledger::outputs::{Datum, Metrics, PUT_TAKES, PublishError, Series, Unit, check_data, dimension_text};

use crate::failure::{self, Effect, Failure};

/// The most queries of one call. Source: Amazon CloudWatch API Reference, `GetMetricData`.
pub const MAX_QUERIES: usize = 500;
/// A day: the shortest period that puts all data of a UTC day into one point, which is stamped with the day's start.
const DAY_SECONDS: i32 = 86_400;

/// [`Metrics`] in CloudWatch. The limits of a call are those of [`check_data`].
#[derive(Clone, Debug)]
pub struct CloudWatch {
    /// Tries everything once.
    once: Client,
    /// Repeats what failed: for reading.
    patient: Client,
}

impl CloudWatch {
    /// Puts and reads with the credentials and in the region of `config`.
    ///
    /// Below the SDK's retries there are none either: the HTTP client sends a request again only where the connection
    /// that it had kept turns out to be closed before the request was written to it.
    pub fn new(config: &SdkConfig) -> Self {
        let builder = aws_sdk_cloudwatch::config::Builder::from(config);
        let timeouts = config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        // Whoever puts something has kept that much time for it.
        let timeouts = timeouts.operation_attempt_timeout(PUT_TAKES).operation_timeout(PUT_TAKES).build();
        let once = builder.retry_config(RetryConfig::disabled()).timeout_config(timeouts);
        let once = Client::from_conf(once.build());
        Self { once, patient: Client::new(config) }
    }
}

impl Metrics for CloudWatch {
    async fn put(&self, namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
        check_data(namespace, data)?;
        if data.is_empty() {
            return Ok(());
        }
        let what = format!("{} metrics in the namespace {namespace}", data.len());
        let request = self.once.put_metric_data().namespace(namespace).set_metric_data(Some(encoded(data)));
        let Err(error) = request.send().await else { return Ok(()) };
        let source = Box::new(Failure::of("cloudwatch:PutMetricData", &error));
        Err(match failure::effect(&error) {
            Effect::Refused => PublishError::Refused { what, reason: source.to_string().into() },
            Effect::None => PublishError::NotSent { what, source },
            Effect::InDoubt => PublishError::InDoubt { what, source },
        })
    }

    async fn daily_sums(
        &self,
        namespace: &str,
        series: &[Series],
        days: RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError> {
        let mut sums = Vec::with_capacity(series.len());
        for series in series.chunks(MAX_QUERIES) {
            let read = self.sums(namespace, series, &days).await.map_err(|source| PublishError::NotRead {
                what: format!("the sums of {} series in the namespace {namespace}", series.len()),
                source,
            })?;
            sums.extend(read);
        }
        Ok(sums)
    }
}

impl CloudWatch {
    /// The sums of no more series than one call answers.
    async fn sums(
        &self,
        namespace: &str,
        series: &[Series],
        days: &RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, BoxError> {
        let mut sums = vec![BTreeMap::new(); series.len()];
        let Some(end) = days.end().succ_opt().filter(|_| !days.is_empty()) else { return Ok(sums) };
        let queries = series.iter().enumerate().map(|(index, series)| query(namespace, index, series)).collect();
        let request = self.patient.get_metric_data().start_time(midnight(*days.start())).end_time(midnight(end));
        let mut pages = request.set_metric_data_queries(Some(queries)).into_paginator().send();
        let mut last = vec![None; series.len()];
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Box::new(Failure::of("cloudwatch:GetMetricData", &error)))?;
            for result in page.metric_data_results() {
                let index = result.id().and_then(index).filter(|index| *index < series.len());
                let (Some(sums), Some(last)) =
                    index.map_or((None, None), |index| (sums.get_mut(index), last.get_mut(index)))
                else {
                    return Err(unusable(format!("a result {:?} that nobody asked for", result.id())));
                };
                read(result, sums)?;
                *last = result.status_code().cloned();
            }
        }
        // On a page that others follow a series may be partial; not on its last.
        match last.iter().position(|status| *status != Some(StatusCode::Complete)) {
            None => Ok(sums),
            Some(index) => {
                let name = series.get(index).map(|series| series.name.as_str()).unwrap_or_default();
                Err(unusable(format!("the sums of {name} are not complete: {:?}", last.get(index).unwrap_or(&None))))
            }
        }
    }
}

/// Adds a page's points to a series's sums.
fn read(result: &MetricDataResult, sums: &mut BTreeMap<NaiveDate, f64>) -> Result<(), BoxError> {
    let (times, values) = (result.timestamps(), result.values());
    if times.len() != values.len() {
        return Err(unusable(format!("{} times and {} values", times.len(), values.len())));
    }
    for (time, value) in times.iter().zip(values) {
        let Some(time) = DateTime::from_timestamp(time.secs(), 0) else {
            return Err(unusable(format!("the time {time:?}")));
        };
        if sums.insert(time.date_naive(), *value).is_some() {
            return Err(unusable(format!("two sums of {}", time.date_naive())));
        }
    }
    Ok(())
}

fn unusable(text: String) -> BoxError {
    Box::new(Failure::new("cloudwatch:GetMetricData", text))
}

fn query(namespace: &str, index: usize, series: &Series) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(&series.name)
        .set_dimensions(Some(dimensions(&series.dimensions)))
        .build();
    let stat = MetricStat::builder().metric(metric).period(DAY_SECONDS).stat("Sum").build();
    MetricDataQuery::builder().id(format!("{ID}{index}")).metric_stat(stat).return_data(true).build()
}

/// A query's id begins with a lower-case letter. Source: Amazon CloudWatch API Reference, `MetricDataQuery`.
const ID: &str = "s";

fn index(id: &str) -> Option<usize> {
    id.strip_prefix(ID)?.parse().ok()
}

fn midnight(day: NaiveDate) -> SdkTime {
    SdkTime::from_secs(day.and_time(NaiveTime::MIN).and_utc().timestamp())
}

/// The data as CloudWatch takes them. Each has one value: no lists of up to 150 values, whose counts are doubles. No
/// value is out of its range of ±2^360: a [`Decimal`](spend_core::money::decimal::Decimal) ends at 2^127 parts of 10^18.
fn encoded(data: &[Datum]) -> Vec<MetricDatum> {
    data.iter().map(datum).collect()
}

fn datum(datum: &Datum) -> MetricDatum {
    MetricDatum::builder()
        .metric_name(&datum.name)
        .set_dimensions(Some(dimensions(&datum.dimensions)))
        .timestamp(SdkTime::from_millis(datum.timestamp.timestamp_millis()))
        .value(datum.value.to_f64())
        .unit(match datum.unit {
            Unit::None => StandardUnit::None,
            Unit::Count => StandardUnit::Count,
            Unit::Percent => StandardUnit::Percent,
        })
        .build()
}

fn dimensions(texts: &BTreeMap<String, String>) -> Vec<Dimension> {
    let texts = texts.iter();
    texts
        .map(|(name, value)| Dimension::builder().name(dimension_text(name)).value(dimension_text(value)).build())
        .collect()
}
