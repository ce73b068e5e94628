//! What `ingest` does: an object that was created in the export's bucket is reduced or sealed, and whoever completes a
//! delivery declares it ready. The sweep drives what no event has told of.

use std::sync::Arc;
use std::time::Instant;

use lambda_runtime::tracing;
use spend_aws::by_class::{Doing, settle};
use spend_aws::chain::said;
use spend_aws::event::{Event, Item, Trigger};
use spend_aws::lambda::{Answer, Failed, Invocation, SqsBatchResponse};
use spend_core::errors::fault::Fault as _;
use spend_core::messages::operations::deployed::Place;
use spend_ledger::config::in_force;
use spend_ledger::config::{Config, Counting};
use spend_ledger::store::Store;
use spend_pipeline::files::location;
use spend_pipeline::ingest::{self, FileTimes, Ingested};
use spend_pipeline::sweep::{Sweep, Swept};

/// What the function works on.
#[derive(Debug)]
pub(crate) struct Ingest<E, L> {
    /// The export's bucket.
    pub(crate) export: Arc<E>,
    pub(crate) ledger: L,
    /// The name of the export's bucket.
    pub(crate) bucket: String,
    /// What keys in it start with, or they are none of ours; may be empty.
    pub(crate) prefix: String,
    /// What the stack counts at most: it bounds the configuration.
    pub(crate) counting: Counting,
}

impl<E, L> Ingest<E, L>
where
    E: Store + Send + 'static,
    L: Store,
{
    /// Handles an invocation: every message on its own, so that only those that failed come again.
    pub(crate) async fn handle(&self, event: &Event, invocation: &Invocation) -> Result<SqsBatchResponse, Failed> {
        let mut answer = Answer::default();
        let doing = Doing { about: "configuration", what: "reading the configuration in force" };
        let config = if event.items.iter().flat_map(|item| &item.triggers).any(|trigger| self.concerns(trigger)) {
            let config = in_force::of_deployment(&self.ledger).await.map_err(Failed::from);
            settle(&self.ledger, doing, config, invocation.now).await
        } else {
            // Nobody will look at it.
            Ok(Some(Config::default()))
        };
        for item in &event.items {
            let outcome = match &config {
                Ok(Some(config)) => self.item(item, config, invocation).await,
                // Operations knows, and the sweep goes on once it is mended.
                Ok(None) => Ok(()),
                Err(failed) => Err(failed.clone()),
            };
            answer.take(item, outcome);
        }
        answer.finish()
    }

    /// Whether there is something to do.
    fn concerns(&self, trigger: &Trigger) -> bool {
        match trigger {
            Trigger::Created { bucket, key } => *bucket == self.bucket && key.starts_with(&self.prefix),
            Trigger::Sweep => true,
            Trigger::Digest | Trigger::TestAlert | Trigger::S3Test | Trigger::Ignored { .. } => false,
        }
    }

    async fn item(&self, item: &Item, config: &Config, invocation: &Invocation) -> Result<(), Failed> {
        for trigger in &item.triggers {
            match trigger {
                Trigger::Created { bucket, key } if *bucket != self.bucket => {
                    tracing::info!(bucket, key, outcome = "ignored", "ignored: the object is not in the export bucket");
                }
                Trigger::Created { key, .. } if !key.starts_with(&self.prefix) => {
                    tracing::info!(key, outcome = "ignored", "ignored: the object is not below the export's prefix");
                }
                Trigger::Created { key, .. } => self.created(key, config, invocation).await?,
                Trigger::Sweep => self.sweep(config, invocation).await?,
                Trigger::S3Test => tracing::info!(outcome = "ignored", "ignored: the test notification of S3"),
                Trigger::Digest | Trigger::TestAlert => {
                    tracing::info!(outcome = "ignored", "ignored: another function's schedule");
                }
                Trigger::Ignored { reason } => tracing::info!(outcome = "ignored", "ignored: {reason}"),
            }
        }
        Ok(())
    }

    async fn created(&self, key: &str, config: &Config, invocation: &Invocation) -> Result<(), Failed> {
        let begun = Instant::now();
        let counting = config.counting.clone().within(&self.counting);
        if location::statement(key).is_some_and(|statement| !counting.has_export(&statement.export_id)) {
            // The sweep tells of it.
            tracing::info!(key, outcome = "not_counted", "ignored: the object's export is not counted");
            return Ok(());
        }
        let (times, kept) = (times(config), config.kept_tags());
        let ingested = ingest::object_created(&self.export, &self.ledger, Some(&self.bucket), key, times, &kept).await;
        let about = about(key);
        let doing = Doing { about: &about, what: &format!("reading {key}") };
        let ingested = settle(&self.ledger, doing, ingested, invocation.now).await?;
        let ms = begun.elapsed().as_millis();
        match ingested {
            None => {}
            Some(Ingested::Ready(deliveries)) => {
                for delivery in deliveries {
                    let (export_id, period, chunks) = (delivery.export_id, delivery.period, delivery.chunks.len());
                    let delivery_id = delivery.delivery_id;
                    tracing::info!(export_id, %period, delivery_id, chunks, ms, outcome = "ready", "{key}");
                }
            }
            Some(Ingested::Waiting) => {
                tracing::info!(chunk = key, ms, outcome = "waiting", "the delivery waits for other files");
            }
            Some(Ingested::Incomplete { chunks }) => {
                let files = chunks.len();
                tracing::info!(
                    manifest = key,
                    files,
                    ms,
                    outcome = "incomplete",
                    "the manifest lists files that are not there yet"
                );
            }
            Some(Ingested::Ignored { reason }) => tracing::info!(key, outcome = "ignored", "ignored: {reason}"),
        }
        Ok(())
    }

    async fn sweep(&self, config: &Config, invocation: &Invocation) -> Result<(), Failed> {
        let begun = Instant::now();
        let place = Place { bucket: &self.bucket, prefix: &self.prefix };
        let kept = config.kept_tags();
        let (times, now) = (times(config), invocation.now);
        let counting = &config.counting.clone().within(&self.counting);
        let sweep = Sweep { export: &self.export, ledger: &self.ledger, place, times, kept: &kept, counting, now };
        let swept = sweep.deliveries(|| invocation.deadline.left()).await.map_err(Failed::from);
        let (about, what) = (place.to_string(), format!("looking through {place}"));
        let doing = Doing { about: &about, what: &what };
        let Some(swept) = settle(&self.ledger, doing, swept, invocation.now).await? else { return Ok(()) };
        let Swept { found, known, ready, waiting, incomplete, left, paused, early, uncounted, troubles, failures } =
            swept;
        for error in &troubles {
            tracing::error!(kind = error.kind(), outcome = "told", "{}", said(error));
        }
        for error in &failures {
            tracing::warn!(kind = error.kind(), outcome = "failed", "{}", said(error));
        }
        let (told, failed, ms) = (troubles.len(), failures.len(), begun.elapsed().as_millis());
        tracing::info!(
            found,
            known,
            ready,
            waiting,
            incomplete,
            left,
            paused,
            early,
            uncounted,
            told,
            failed,
            ms,
            outcome = "swept",
            "{place}"
        );
        failures.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
    }
}

fn times(config: &Config) -> FileTimes {
    if config.copied { FileTimes::Arriving } else { FileTimes::Delivered }
}

/// What an error with this object concerns: the delivery that it belongs to, so that its files are one note.
fn about(key: &str) -> String {
    location::statement(key).map_or_else(|| key.to_owned(), |statement| statement.to_string())
}
