//! What `aggregate` does: a delivery that is ready replaces its period's state, then metrics follow; a configuration
//! that its owner wrote is adopted. The sweep drives what no event has told of.

use std::time::{Duration, Instant};

use lambda_runtime::tracing;
use spend_aws::by_class::{Doing, settle};
use spend_aws::chain::said;
use spend_aws::event::{Event, Item, Trigger};
use spend_aws::lambda::{Answer, Failed, Invocation, SqsBatchResponse};
use spend_core::errors::fault::Fault as _;
use spend_ledger::config::in_force::{self, Configured, InForceError};
use spend_ledger::config::{Config, Counting};
use spend_ledger::metrics::{self, Published};
use spend_ledger::outputs::Metrics;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::Store;
use spend_pipeline::period::aggregate;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::sweep::{self, Counted};

use crate::error::AggregateError;

/// How much of a sweep's time is kept for metrics: in a backfill, which takes many sweeps, they keep up with it. It is
/// twice what one put needs, see [`metrics::TIME_TO_PUT`]: the rest is for planning.
const FOR_METRICS: Duration = metrics::TIME_TO_PUT.saturating_mul(2);

/// What the function works on.
#[derive(Debug)]
pub(crate) struct Aggregate<L, M> {
    pub(crate) ledger: L,
    /// Where metrics are put.
    pub(crate) metrics: M,
    /// The name of the ledger's bucket.
    pub(crate) bucket: String,
    /// The metrics' namespace: it overrides the configuration's.
    pub(crate) namespace: String,
    /// What the stack counts at most: it bounds the configuration.
    pub(crate) counting: Counting,
}

impl<L: Store, M: Metrics> Aggregate<L, M> {
    /// Handles an invocation: every message on its own, so that only those that failed come again, and metrics once, of
    /// what all of them have come to.
    pub(crate) async fn handle(&self, event: &Event, invocation: &Invocation) -> Result<SqsBatchResponse, Failed> {
        let mut outcomes = Vec::new();
        for item in &event.items {
            outcomes.push((item, self.item(item, invocation).await));
        }
        // Also of what failed: what else is committed by now does not wait for it.
        let published = if outcomes.iter().any(|(_, (moved, _))| *moved == Moved::Maybe) {
            self.publish(invocation).await
        } else {
            Ok(())
        };
        let mut answer = Answer::default();
        for (item, (moved, outcome)) in outcomes {
            let published = if moved == Moved::Maybe { published.clone() } else { Ok(()) };
            answer.take(item, outcome.and(published));
        }
        answer.finish()
    }

    /// Does all that the item tells of. One failure keeps nothing else from being done; the first one is what comes of it.
    async fn item(&self, item: &Item, invocation: &Invocation) -> (Moved, Result<(), Failed>) {
        let (mut moved, mut outcome) = (Moved::Nothing, Ok(()));
        for trigger in &item.triggers {
            let done = match trigger {
                Trigger::Created { bucket, key } if *bucket != self.bucket => {
                    tracing::info!(bucket, key, outcome = "ignored", "ignored: the object is not in the ledger bucket");
                    continue;
                }
                // What counts as spend, and which series there are.
                Trigger::Created { key, .. } if keys::is_of_configuration(key) => self.adopt(invocation).await,
                Trigger::Created { key, .. } => {
                    let Some((statement, delivery_id)) = Statement::from_ready_key(key) else {
                        tracing::info!(key, outcome = "ignored", "ignored: the object is not a ready delivery");
                        continue;
                    };
                    self.aggregate(&statement, &delivery_id, invocation).await
                }
                Trigger::Sweep => self.sweep(invocation).await,
                Trigger::S3Test => {
                    tracing::info!(outcome = "ignored", "ignored: the test notification of S3");
                    continue;
                }
                Trigger::Digest | Trigger::TestAlert => {
                    tracing::info!(outcome = "ignored", "ignored: another function's schedule");
                    continue;
                }
                Trigger::Ignored { reason } => {
                    tracing::info!(outcome = "ignored", "ignored: {reason}");
                    continue;
                }
            };
            moved = Moved::Maybe;
            outcome = outcome.and(done);
        }
        (moved, outcome)
    }

    /// A ready delivery replaces its period's state.
    async fn aggregate(&self, statement: &Statement, delivery_id: &str, invocation: &Invocation) -> Result<(), Failed> {
        let begun = Instant::now();
        let now = invocation.now;
        let aggregated = async {
            let with = Deriver::of_deployment(&self.config().await?, &self.counting);
            let outcome = aggregate::aggregate(&self.ledger, statement, delivery_id, &with, now).await?;
            sweep::not_counted(&self.ledger, statement, &outcome, now).await?;
            sweep::unusual(&self.ledger, statement, delivery_id, &outcome, now).await?;
            Ok::<_, AggregateError>(outcome)
        };
        let (about, what) = (statement.to_string(), format!("adding up {statement}"));
        let doing = Doing { about: &about, what: &what };
        let Some(outcome) = settle(&self.ledger, doing, aggregated.await, now).await? else { return Ok(()) };
        let Statement { export_id, period } = statement;
        let ms = begun.elapsed().as_millis();
        tracing::info!(export_id, %period, delivery_id, ms, outcome = outcome.as_str(), "{outcome}");
        Ok(())
    }

    /// What the configuration's owner wrote is in force if it is valid. Periods that are committed stay as they were
    /// derived: the next delivery of each is derived by it.
    async fn adopt(&self, invocation: &Invocation) -> Result<(), Failed> {
        let adopted = in_force::adopt(&self.ledger, invocation.now).await.map_err(AggregateError::from);
        let doing = Doing { about: keys::CONFIG, what: "adopting config/ledger.toml" };
        if let Some(adopted) = settle(&self.ledger, doing, adopted, invocation.now).await? {
            let (outcome, key) = (adopted.as_str(), keys::CONFIG);
            if adopted == in_force::Adopted::Refused {
                tracing::error!(outcome, "{key} is not valid: the note to operations has its errors");
            } else {
                tracing::info!(outcome, "{key}");
            }
        }
        Ok(())
    }

    async fn sweep(&self, invocation: &Invocation) -> Result<(), Failed> {
        let adopted = self.adopt(invocation).await;
        let swept = self.sweep_ready(invocation).await;
        adopted.and(swept)
    }

    async fn sweep_ready(&self, invocation: &Invocation) -> Result<(), Failed> {
        let begun = Instant::now();
        let time_left = || invocation.deadline.left().saturating_sub(FOR_METRICS);
        let swept = async {
            let with = Deriver::of_deployment(&self.config().await?, &self.counting);
            Ok::<_, AggregateError>(sweep::ready(&self.ledger, &with, invocation.now, time_left).await?)
        };
        let doing = Doing { about: keys::DELIVERIES_PREFIX, what: "looking through the ready deliveries" };
        let Some(counted) = settle(&self.ledger, doing, swept.await, invocation.now).await? else { return Ok(()) };
        let Counted { found, known, applied, passed_over, waiting, left, paused, troubles, failures } = counted;
        for error in &troubles {
            tracing::error!(kind = error.kind(), outcome = "told", "{}", said(error));
        }
        for error in &failures {
            tracing::warn!(kind = error.kind(), outcome = "failed", "{}", said(error));
        }
        let (told, failed, ms) = (troubles.len(), failures.len(), begun.elapsed().as_millis());
        tracing::info!(found, known, applied, passed_over, waiting, left, paused, told, failed, ms, outcome = "swept");
        failures.into_iter().next().map_or(Ok(()), |error| Err(AggregateError::from(error).into()))
    }

    /// Metrics follow what is committed. They know what was put, and one part's failure keeps back no other.
    async fn publish(&self, invocation: &Invocation) -> Result<(), Failed> {
        let (begun, now) = (Instant::now(), invocation.now);
        let doing = Doing { about: "metrics", what: "putting metrics" };
        let time_left = || invocation.deadline.left();
        let published = metrics::publish(&self.ledger, &self.metrics, self, now, time_left).await;
        let Published { spend, gauges, health, waiting, left, refused, in_doubt, settled, .. } = published;
        for set_back in &published.set_back {
            tracing::warn!(outcome = "set_back", "{set_back}: metrics follow what is committed now");
        }
        let ms = begun.elapsed().as_millis();
        tracing::info!(
            spend,
            gauges,
            health,
            waiting,
            left,
            refused,
            in_doubt,
            settled,
            ms,
            outcome = "published",
            "metrics"
        );
        let withheld = published.withheld.map(AggregateError::Withheld);
        let mut outcome = Ok(());
        for error in published.failures.into_iter().map(AggregateError::from).chain(withheld) {
            let settled = settle::<_, (), _>(&self.ledger, doing, Err(error), now).await;
            outcome = outcome.and(settled.map(drop));
        }
        outcome
    }
}

/// What is in force, but for the namespace.
impl<L: Store, M: Metrics> Configured for Aggregate<L, M> {
    async fn config(&self) -> Result<Config, InForceError> {
        let mut config = in_force::of_deployment(&self.ledger).await?;
        config.metrics.namespace.clone_from(&self.namespace);
        Ok(config)
    }
}

/// Whether metrics may have to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    Maybe,
    Nothing,
}
