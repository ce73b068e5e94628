//! What `aggregate` does: a delivery that is ready replaces its period's state, then metrics follow; a configuration
//! that its owner wrote is adopted. The sweep drives what no event has told of.

use std::time::Instant;

use lambda_runtime::tracing;
use spend_aws::by_class::{Doing, settle};
use spend_aws::event::{Event, Item, Tiding};
use spend_aws::lambda::{Answer, Failed, Invocation, SqsBatchResponse};
use spend_ledger::config::Config;
use spend_ledger::in_force;
use spend_ledger::keys::{self, Statement};
use spend_ledger::metrics::{self, Published};
use spend_ledger::outputs::Metrics;
use spend_ledger::store::Store;
use spend_pipeline::aggregate::{self, Deriver};
use spend_pipeline::sweep::{self, Counted};

use crate::error::AggregateError;

/// What the function works on.
#[derive(Debug)]
pub(crate) struct Aggregate<L, M> {
    /// The ledger.
    pub(crate) ledger: L,
    /// Where metrics are put.
    pub(crate) metrics: M,
    /// The name of the ledger's bucket.
    pub(crate) bucket: String,
    /// The metrics' namespace: it overrides the configuration's.
    pub(crate) namespace: String,
}

impl<L: Store, M: Metrics> Aggregate<L, M> {
    /// Handles an invocation: every message on its own, so that only those that failed come again, and metrics once, of
    /// what all of them have come to.
    pub(crate) async fn handle(&self, event: &Event, invocation: &Invocation) -> Result<SqsBatchResponse, Failed> {
        let mut outcomes = Vec::new();
        for item in &event.items {
            outcomes.push((item, self.item(item, invocation).await));
        }
        let published = if outcomes.iter().any(|(_, outcome)| matches!(outcome, Ok(Moved::Maybe))) {
            self.publish(invocation).await
        } else {
            Ok(())
        };
        let mut answer = Answer::default();
        for (item, outcome) in outcomes {
            answer.take(
                item,
                match outcome {
                    Ok(Moved::Maybe) => published.clone(),
                    Ok(Moved::Nothing) => Ok(()),
                    Err(failed) => Err(failed),
                },
            );
        }
        answer.finish()
    }

    async fn item(&self, item: &Item, invocation: &Invocation) -> Result<Moved, Failed> {
        let mut moved = Moved::Nothing;
        for tiding in &item.tidings {
            match tiding {
                Tiding::Created { bucket, key } if *bucket != self.bucket => {
                    tracing::info!(bucket, key, outcome = "stranger", "ignored: it is not the ledger's bucket");
                }
                Tiding::Created { key, .. } if keys::is_of_configuration(key) => {
                    self.adopt(invocation).await?;
                    // What counts as spend, and which series there are.
                    moved = Moved::Maybe;
                }
                Tiding::Created { key, .. } => {
                    if let Some((statement, delivery_id)) = Statement::from_ready_key(key) {
                        self.aggregate(&statement, &delivery_id, invocation).await?;
                        moved = Moved::Maybe;
                    } else {
                        tracing::info!(key, outcome = "stranger", "ignored: it is no ready delivery");
                    }
                }
                Tiding::Sweep => {
                    self.sweep(invocation).await?;
                    moved = Moved::Maybe;
                }
                Tiding::S3Test => tracing::info!(outcome = "ignored", "S3 has tried its notifications"),
                Tiding::Digest | Tiding::TestAlert => {
                    tracing::info!(outcome = "stranger", "ignored: another function's schedule");
                }
                Tiding::Stranger { reason } => tracing::info!(outcome = "stranger", "ignored: {reason}"),
            }
        }
        Ok(moved)
    }

    /// A ready delivery replaces its period's state.
    async fn aggregate(&self, statement: &Statement, delivery_id: &str, invocation: &Invocation) -> Result<(), Failed> {
        let begun = Instant::now();
        let now = invocation.now;
        let aggregated = async {
            let with = Deriver::from(&self.config().await?);
            let outcome = aggregate::aggregate(&self.ledger, statement, delivery_id, &with, now).await?;
            sweep::overlap(&self.ledger, statement, &outcome, now).await?;
            sweep::unusual(&self.ledger, statement, delivery_id, &outcome, now).await?;
            Ok::<_, AggregateError>(outcome)
        };
        let (about, what) = (statement.to_string(), format!("adding up {statement}"));
        let doing = Doing { about: &about, what: &what };
        let aggregated = aggregated.await.map_err(Failed::from);
        let Some(outcome) = settle(&self.ledger, doing, aggregated, now).await? else { return Ok(()) };
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
        let adopted = adopted.map_err(Failed::from);
        if let Some(adopted) = settle(&self.ledger, doing, adopted, invocation.now).await? {
            let (outcome, key) = (adopted.as_str(), keys::CONFIG);
            if adopted == in_force::Adopted::Refused {
                tracing::error!(outcome, "{key} is not valid: operations has its errors");
            } else {
                tracing::info!(outcome, "{key}");
            }
        }
        Ok(())
    }

    async fn sweep(&self, invocation: &Invocation) -> Result<(), Failed> {
        let begun = Instant::now();
        self.adopt(invocation).await?;
        let swept = async {
            let with = Deriver::from(&self.config().await?);
            Ok::<_, AggregateError>(
                sweep::ready(&self.ledger, &with, invocation.now, || invocation.deadline.left()).await?,
            )
        };
        let doing = Doing { about: keys::DELIVERIES_PREFIX, what: "looking through the ready deliveries" };
        let swept = swept.await.map_err(Failed::from);
        let Some(counted) = settle(&self.ledger, doing, swept, invocation.now).await? else { return Ok(()) };
        let Counted { found, known, applied, passed_over, waiting, left, troubles, failures } = counted;
        for error in &troubles {
            tracing::error!(kind = error.kind(), outcome = "told", "{error}");
        }
        for error in &failures {
            tracing::warn!(kind = error.kind(), outcome = "failed", "{error}");
        }
        let (told, failed, ms) = (troubles.len(), failures.len(), begun.elapsed().as_millis());
        tracing::info!(found, known, applied, passed_over, waiting, left, told, failed, ms, outcome = "swept");
        failures.into_iter().next().map_or(Ok(()), |error| Err(AggregateError::from(error).into()))
    }

    /// Metrics follow what is committed. They know what was put, and one part's failure keeps back no other.
    async fn publish(&self, invocation: &Invocation) -> Result<(), Failed> {
        let (begun, now) = (Instant::now(), invocation.now);
        let doing = Doing { about: "metrics", what: "putting metrics" };
        let config = self.config().await.map_err(Failed::from);
        let Some(config) = settle(&self.ledger, doing, config, now).await? else { return Ok(()) };
        let published = metrics::publish(&self.ledger, &self.metrics, &config, now).await;
        let Published { spend, gauges, health, waiting, in_doubt, settled, .. } = published;
        let ms = begun.elapsed().as_millis();
        tracing::info!(spend, gauges, health, waiting, in_doubt, settled, ms, outcome = "published", "metrics");
        let withheld = published.withheld.map(AggregateError::Withheld);
        let mut outcome = Ok(());
        for error in published.failures.into_iter().map(AggregateError::from).chain(withheld) {
            let settled = settle::<_, ()>(&self.ledger, doing, Err(error.into()), now).await;
            outcome = outcome.and(settled.map(drop));
        }
        outcome
    }

    async fn config(&self) -> Result<Config, AggregateError> {
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
