//! The four functions, wired as `functions/*/src/handler.rs` wires them over the same steps: what each event asks for, and
//! what becomes of an error of each class. What is left out is logging.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault;
use spend_core::messages::operations::deployed::Place;
use spend_ledger::config::in_force::{self, Configured, InForceError};
use spend_ledger::config::{Config, Counting};
use spend_ledger::forgotten::name::Name;
use spend_ledger::outputs::operations::{self, Note};
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::subscriptions;
use spend_ledger::state::committed;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::{alert, chargeback, digest, metrics};
use spend_pipeline::files::location;
use spend_pipeline::ingest::{self, FileTimes};
use spend_pipeline::period::aggregate;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::forget::{self, ForgetError};
use spend_pipeline::sweep::{self, Sweep};

use crate::history::bill::PERSON;
use crate::world::{BUCKET, Event, Happened, Line, Messages, Objects, Values, World};

/// The metrics' namespace.
pub const NAMESPACE: &str = "BedrockLedger/simulated";

/// How much of an invocation's time is kept for metrics, as in `functions/aggregate/src/handler.rs`.
const FOR_METRICS: std::time::Duration = metrics::TIME_TO_PUT.saturating_mul(2);

/// What is to be done again, in words.
#[derive(Clone, Debug)]
pub struct Failed(pub String);

/// One invocation of a function.
pub struct Invocation {
    world: Arc<World>,
    line: Arc<Line>,
    ledger: Objects,
    now: DateTime<Utc>,
}

/// What is in force, but for the namespace.
impl Configured for Invocation {
    async fn config(&self) -> Result<Config, InForceError> {
        let mut config = in_force::of_deployment(&self.ledger).await?;
        NAMESPACE.clone_into(&mut config.metrics.namespace);
        Ok(config)
    }
}

impl Invocation {
    /// An invocation on a line, at this time by its clock.
    pub fn new(world: &Arc<World>, line: &Arc<Line>, now: DateTime<Utc>) -> Self {
        let ledger = Objects::of_ledger(world, line);
        Self { world: Arc::clone(world), line: Arc::clone(line), ledger, now }
    }

    /// As `shared/aws/src/by_class.rs`, `settle`.
    async fn settle<T, E: Fault>(&self, about: &str, doing: &str, outcome: Result<T, E>) -> Result<Option<T>, Failed> {
        let error = match outcome {
            Ok(done) => return Ok(Some(done)),
            Err(error) => error,
        };
        self.world.say(|| format!("    {}: {doing}: {} {error}", self.line.name, error.kind()));
        match error.class() {
            Class::Retry => return Err(failed(&error)),
            Class::Wait | Class::Ignore => {}
            Class::Operator => {
                let note = Note::of_error(error.kind(), about, doing, &error.to_string(), self.now);
                operations::leave(&self.ledger, &note, self.now).await.map_err(|error| failed(&error))?;
            }
        }
        Ok(None)
    }

    /// The events of `ingest` that have to come again.
    pub async fn ingest(&self, events: Vec<Event>) -> Vec<Event> {
        let config = in_force::of_deployment(&self.ledger).await;
        let Ok(config) = self.settle("configuration", "reading the configuration in force", config).await else {
            return events;
        };
        let Some(config) = config else { return Vec::new() };
        let export = Arc::new(Objects::of_export(&self.world, &self.line));
        let (times, kept) = (times(&config), config.kept_tags());
        let mut again = Vec::new();
        for event in events {
            let done = ingest::object_created(&export, &self.ledger, Some(BUCKET), &event.key, times, &kept).await;
            let about = location::statement(&event.key).map_or_else(|| event.key.clone(), |found| found.to_string());
            if self.settle(&about, &format!("reading {}", event.key), done).await.is_err() {
                again.push(event);
            }
        }
        again
    }

    /// The sweep of `ingest`.
    pub async fn sweep_ingest(&self) -> Result<(), Failed> {
        let config = in_force::of_deployment(&self.ledger).await;
        let config = self.settle("configuration", "reading the configuration in force", config).await?;
        let Some(config) = config else { return Ok(()) };
        let export = Arc::new(Objects::of_export(&self.world, &self.line));
        let (place, kept) = (Place { bucket: BUCKET, prefix: "" }, config.kept_tags());
        let (times, counting) = (times(&config), &config.counting.clone().within(&Counting::default()));
        let (export, ledger, now) = (&export, &self.ledger, self.now);
        let sweep = Sweep { export, ledger, place, times, kept: &kept, counting, now };
        let swept = sweep.deliveries(|| self.line.time_left(self.world.now())).await;
        let swept = self.settle(&place.to_string(), &format!("looking through {place}"), swept).await?;
        match swept.and_then(|swept| swept.failures.into_iter().next()) {
            Some(error) => Err(failed(&error)),
            None => Ok(()),
        }
    }

    /// The events of `aggregate` that have to come again.
    pub async fn aggregate(&self, events: Vec<Event>) -> Vec<Event> {
        let mut again = Vec::new();
        let mut others = Vec::new();
        for event in events {
            let done = if keys::is_of_configuration(&event.key) {
                self.adopt().await
            } else if let Some((statement, delivery_id)) = Statement::from_ready_key(&event.key) {
                self.aggregate_one(&statement, &delivery_id).await
            } else {
                Ok(())
            };
            if done.is_err() { again.push(event) } else { others.push(event) }
        }
        if self.publish().await.is_err() {
            again.extend(others);
        }
        again
    }

    async fn aggregate_one(&self, statement: &Statement, delivery_id: &str) -> Result<(), Failed> {
        let config = in_force::of_deployment(&self.ledger).await;
        let about = statement.to_string();
        let doing = format!("adding up {statement}");
        let Some(config) = self.settle(&about, &doing, config).await? else { return Ok(()) };
        let with = Deriver::of_deployment(&config, &Counting::default());
        let done = async {
            let outcome = aggregate::aggregate(&self.ledger, statement, delivery_id, &with, self.now).await?;
            sweep::not_counted(&self.ledger, statement, &outcome, self.now).await?;
            sweep::unusual(&self.ledger, statement, delivery_id, &outcome, self.now).await
        };
        self.settle(&about, &doing, done.await).await.map(drop)
    }

    async fn adopt(&self) -> Result<(), Failed> {
        let adopted = in_force::adopt(&self.ledger, self.now).await;
        self.settle(keys::CONFIG, "adopting config/ledger.toml", adopted).await.map(drop)
    }

    /// The sweep of `aggregate`.
    pub async fn sweep_aggregate(&self) -> Result<(), Failed> {
        let adopted = self.adopt().await;
        let swept = self.sweep_ready().await;
        let published = self.publish().await;
        adopted.and(swept).and(published)
    }

    async fn sweep_ready(&self) -> Result<(), Failed> {
        let (about, doing) = (keys::DELIVERIES_PREFIX, "looking through the ready deliveries");
        let config = in_force::of_deployment(&self.ledger).await;
        let Some(config) = self.settle(about, doing, config).await? else { return Ok(()) };
        let with = Deriver::of_deployment(&config, &Counting::default());
        let time_left = || self.line.time_left(self.world.now()).saturating_sub(FOR_METRICS);
        let counted = sweep::ready(&self.ledger, &with, self.now, time_left).await;
        let counted = self.settle(about, doing, counted).await?;
        match counted.and_then(|counted| counted.failures.into_iter().next()) {
            Some(error) => Err(failed(&error)),
            None => Ok(()),
        }
    }

    async fn publish(&self) -> Result<(), Failed> {
        let values = Values::new(&self.world, &self.line);
        let time_left = || self.line.time_left(self.world.now());
        let published = metrics::publish(&self.ledger, &values, self, self.now, time_left).await;
        if published.failures.is_empty() {
            let outside = published.outside_window.iter().map(|(currency, sum)| (currency.clone(), sum.to_string()));
            self.world.inside().log.happened.push(Happened::Published { outside: outside.collect() });
        }
        let mut outcome = Ok(());
        for error in published.failures {
            outcome = outcome.and(self.settle::<(), _>("metrics", "putting metrics", Err(error)).await.map(drop));
        }
        if let Some(withheld) = published.withheld {
            let mut inside = self.world.inside();
            inside.log.happened.push(Happened::Withheld { why: withheld.to_string() });
        }
        outcome
    }

    /// The events of `alert` that have to come again.
    pub async fn alert(&self, events: Vec<Event>) -> Vec<Event> {
        let is_state = |event: &Event| Statement::from_state_key(&event.key).is_some();
        let is_asked = events.iter().any(is_state);
        let mut told = self.tell().await;
        let mut evaluated = Ok(());
        if is_asked {
            evaluated = self.evaluate().await;
            told = self.tell().await;
        }
        let fails = |event: &Event| told.is_err() || is_state(event) && evaluated.is_err();
        events.into_iter().filter(fails).collect()
    }

    /// The sweep of `alert`.
    pub async fn sweep_alert(&self) -> Result<(), Failed> {
        // What comes of it counts the second time: an evaluation that fails may leave a note.
        let _ = self.tell().await;
        let evaluated = self.evaluate().await;
        let told = self.tell().await;
        let seen = self.see_who_reads().await;
        evaluated.and(told).and(seen)
    }

    async fn evaluate(&self) -> Result<(), Failed> {
        let from = self.world.inside().log.happened.len();
        let deployed = alert::Deployed { ledger: &self.ledger, now: self.now };
        let messages = Messages::new(&self.world, &self.line);
        let done = alert::react(&self.ledger, &messages, &deployed, Lease::INVOCATION, self.now).await;
        if self.settle("alerts", "evaluating budgets", done).await?.is_some() {
            self.world.inside().log.happened.push(Happened::Evaluated { from, now: self.now });
        }
        Ok(())
    }

    async fn tell(&self) -> Result<(), Failed> {
        let messages = Messages::new(&self.world, &self.line);
        let sent = operations::drain(&self.ledger, &messages, Lease::INVOCATION, self.now).await;
        self.settle("operations", "telling operations", sent).await.map(drop)
    }

    async fn see_who_reads(&self) -> Result<(), Failed> {
        let messages = Messages::new(&self.world, &self.line);
        let checked = subscriptions::check(&self.ledger, &messages, self.now).await;
        self.settle("subscriptions", "asking topics who is subscribed", checked).await?;
        let sent = subscriptions::drain(&self.ledger, &messages, Lease::INVOCATION, self.now).await;
        self.settle("subscriptions", "telling of topics that nobody reads", sent).await.map(drop)
    }

    /// What `digest` does when its schedule strikes.
    pub async fn digest(&self) -> Result<(), Failed> {
        let config = in_force::of_deployment(&self.ledger).await;
        let Some(config) = self.settle("digest", "reading the ledger", config).await? else { return Ok(()) };
        let book = committed::book(&self.ledger, self.now).await;
        let Some(book) = self.settle("digest", "reading the ledger", book).await? else { return Ok(()) };
        let messages = Messages::new(&self.world, &self.line);
        let pages = digest::page::write(&self.ledger, &config, &book, self.now).await;
        let files = chargeback::write(&self.ledger, &config, &book, self.now).await;
        let told = digest::react(&self.ledger, &messages, &config, &book, Lease::INVOCATION, self.now).await;
        let pages = self.settle("pages", "writing the pages", pages).await;
        let files = self.settle("chargeback", "writing the chargeback files", files).await;
        self.settle("digest", "sending the digest", told).await?;
        pages?;
        files.map(drop)
    }

    /// The command `forget`. What cannot be forgotten, or not yet, stays.
    pub async fn forget(&self) -> Result<(), Failed> {
        match forget::forget(&self.ledger, &Name::of(PERSON).unwrap(), None, "5a17").await {
            Err(ForgetError::Pipeline(error)) => Err(failed(&error)),
            Err(ForgetError::Unknown(_) | ForgetError::InDoubt(_)) => Ok(()),
            Err(error) => Err(Failed(error.to_string())),
            Ok(forgot) if forgot.still.is_empty() => Ok(()),
            Ok(forgot) => Err(Failed(format!("the name stays: {:?}", forgot.still))),
        }
    }

    /// The sweep of `digest`.
    pub async fn sweep_digest(&self) -> Result<(), Failed> {
        let messages = Messages::new(&self.world, &self.line);
        let sent = digest::drain(&self.ledger, &messages, Lease::INVOCATION, self.now).await;
        self.settle("digest", "sending the digest", sent).await.map(drop)
    }
}

fn failed(error: &impl Fault) -> Failed {
    Failed(format!("{}: {error}", error.kind()))
}

fn times(config: &Config) -> FileTimes {
    if config.copied { FileTimes::Arriving } else { FileTimes::Delivered }
}
