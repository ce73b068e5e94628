//! The program's ports on a sandbox's line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{NaiveDate, TimeDelta};
use spend_ledger::outputs::{
    Datum, Message, Metrics, Notifier, PublishError, Series, Subscribers, Subscriptions, Topic,
};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError};

use crate::history::trouble::{Purpose, SLOW, Trouble};
use crate::world::line::{Line, turn};
use crate::world::log::Happened;
use crate::world::outside::World;
use crate::world::sns;

/// A bucket.
#[derive(Clone, Debug)]
pub struct Objects {
    world: Arc<World>,
    line: Arc<Line>,
    is_ledger: bool,
}

/// Metrics.
#[derive(Clone, Debug)]
pub struct Values {
    world: Arc<World>,
    line: Arc<Line>,
}

/// Topics.
#[derive(Clone, Debug)]
pub struct Messages {
    world: Arc<World>,
    line: Arc<Line>,
}

impl Objects {
    /// The ledger's bucket.
    pub fn of_ledger(world: &Arc<World>, line: &Arc<Line>) -> Self {
        Self { world: Arc::clone(world), line: Arc::clone(line), is_ledger: true }
    }

    /// The export's bucket.
    pub fn of_export(world: &Arc<World>, line: &Arc<Line>) -> Self {
        Self { world: Arc::clone(world), line: Arc::clone(line), is_ledger: false }
    }

    fn bucket(&self) -> &MemoryStore {
        if self.is_ledger { &self.world.ledger } else { &self.world.export }
    }

    fn say(&self, action: &str, key: &str, trouble: Option<Trouble>) {
        self.world.say(|| match trouble {
            None => format!("  {} {action} {key}", self.line.name),
            Some(trouble) => format!("  {} {action} {key}: {trouble}", self.line.name),
        });
    }

    /// A call that changes nothing: whatever goes wrong with it, it has had no effect.
    async fn read<T>(
        &self,
        action: &'static str,
        key: &str,
        effect: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let trouble = call(&self.world, &self.line, Purpose::Reading).await;
        self.say(action, key, trouble);
        match trouble {
            // A read that is tried again is a read.
            None | Some(Trouble::TriedAgain) => effect.await,
            Some(Trouble::DiesAfter | Trouble::DiesBefore) => {
                self.line.die().await;
                unreachable!("nobody asks the dead")
            }
            Some(trouble) => Err(failed(action, key, trouble)),
        }
    }

    async fn write(
        &self,
        key: &str,
        bytes: Bytes,
        effect: impl Future<Output = Result<Put, StoreError>> + Send,
    ) -> Result<Put, StoreError> {
        let trouble = call(&self.world, &self.line, Purpose::Writing).await;
        self.say("writes", key, trouble);
        if let Some(Trouble::Throttled | Trouble::NoEffect | Trouble::Refused) = trouble {
            return Err(failed("write", key, Trouble::NoEffect));
        }
        let put = effect.await?;
        if let Put::Written(_) = &put {
            self.world.ledger_written(key, &bytes);
        } else {
            self.world.say(|| format!("    {} was too late for {key}", self.line.name));
        }
        match trouble {
            Some(Trouble::DiesAfter) => {
                self.line.die().await;
                unreachable!("nobody asks the dead")
            }
            Some(Trouble::NoAnswer) => Err(failed("write", key, Trouble::NoAnswer)),
            // The client tries it again, is told that the condition does not hold, and looks whether what stands there is its
            // own: see the store on S3.
            Some(Trouble::TriedAgain) if matches!(put, Put::Written(_)) => {
                turn().await;
                Ok(match self.bucket().get(key).await? {
                    Some((found, etag)) if found == bytes => Put::Written(etag),
                    _ => Put::Lost,
                })
            }
            _ => Ok(put),
        }
    }
}

/// A call begins on a line. Nothing goes wrong with a slow call, but that time passes.
async fn call(world: &World, line: &Line, purpose: Purpose) -> Option<Trouble> {
    let trouble = line.call(purpose).await;
    if trouble == Some(Trouble::Slow) {
        world.say(|| format!("  a call of {} is slow", line.name));
        world.pass(TimeDelta::seconds(SLOW.into()));
        turn().await;
    }
    if line.is_over(world.now()) {
        world.say(|| format!("  the time of {} is over", line.name));
        line.die().await;
    }
    trouble.filter(|trouble| *trouble != Trouble::Slow)
}

fn failed(action: &'static str, key: &str, trouble: Trouble) -> StoreError {
    StoreError::Unavailable { action, key: key.to_owned(), source: trouble.to_string().into() }
}

impl Store for Objects {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        self.read("reads", key, self.bucket().get(key)).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.read("reads a part of", key, self.bucket().get_range(key, range, etag)).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        self.read("looks at", key, self.bucket().head(key)).await
    }

    /// Page by page, as S3 does it: what is written meanwhile is in a later page or in none.
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        let mut found: Vec<ObjectSummary> = Vec::new();
        loop {
            let last = found.last().map(|object| object.key.as_str());
            let page = async { Ok(self.bucket().page(prefix, last, self.world.setup.page)) };
            let (page, has_more) = self.read("lists", prefix, page).await?;
            found.extend(page);
            if !has_more {
                return Ok(found);
            }
        }
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.write(key, bytes.clone(), self.bucket().put_if_absent(key, bytes)).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.write(key, bytes.clone(), self.bucket().put_if_match(key, bytes, etag)).await
    }
}

impl Values {
    pub fn new(world: &Arc<World>, line: &Arc<Line>) -> Self {
        Self { world: Arc::clone(world), line: Arc::clone(line) }
    }
}

impl Metrics for Values {
    async fn put(&self, namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
        if data.is_empty() {
            return Ok(());
        }
        let what = || format!("{} data", data.len());
        let trouble = call(&self.world, &self.line, Purpose::Telling).await;
        self.world.say(|| match trouble {
            None => format!("  {} puts {} data", self.line.name, data.len()),
            Some(trouble) => format!("  {} puts {} data: {trouble}", self.line.name, data.len()),
        });
        let in_doubt = || PublishError::InDoubt { what: what(), source: "no answer".into() };
        match trouble {
            Some(Trouble::Throttled) => {
                return Err(PublishError::NotSent { what: what(), source: "throttled".into() });
            }
            Some(Trouble::Refused) => return Err(PublishError::Refused { what: what(), reason: "refused".into() }),
            // Nobody tries again what may have been added: the client of metrics has its retries switched off.
            Some(Trouble::NoEffect) => return Err(in_doubt()),
            _ => {}
        }
        {
            let mut inside = self.world.inside();
            let now = inside.now;
            inside
                .cloudwatch
                .put(now, namespace, data)
                .map_err(|reason| PublishError::Refused { what: what(), reason: reason.into() })?;
            inside.log.data += data.len() as u64;
        }
        match trouble {
            Some(Trouble::DiesAfter) => {
                self.line.die().await;
                unreachable!("nobody asks the dead")
            }
            Some(Trouble::NoAnswer | Trouble::TriedAgain) => Err(in_doubt()),
            _ => Ok(()),
        }
    }

    async fn daily_sums(
        &self,
        _: &str,
        series: &[Series],
        days: RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError> {
        let trouble = call(&self.world, &self.line, Purpose::Reading).await;
        match trouble {
            None | Some(Trouble::TriedAgain) => {
                let inside = self.world.inside();
                Ok(inside.cloudwatch.daily_sums(inside.now, series, &days))
            }
            Some(Trouble::DiesAfter | Trouble::DiesBefore) => {
                self.line.die().await;
                unreachable!("nobody asks the dead")
            }
            Some(trouble) => Err(PublishError::NotRead { what: "sums".to_owned(), source: trouble.to_string().into() }),
        }
    }
}

impl Messages {
    pub fn new(world: &Arc<World>, line: &Arc<Line>) -> Self {
        Self { world: Arc::clone(world), line: Arc::clone(line) }
    }
}

impl Notifier for Messages {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        let trouble = call(&self.world, &self.line, Purpose::Telling).await;
        let what = || message.subject.clone();
        self.world.say(|| {
            let (topic, id) = (message.topic.as_str(), message.attributes.get("alert_id").map_or("", |id| id));
            let trouble = trouble.map(|trouble| format!(": {trouble}")).unwrap_or_default();
            format!("  {} sends to {topic}: {} ({id}){trouble}", self.line.name, message.subject)
        });
        match trouble {
            Some(Trouble::Throttled) => {
                return Err(PublishError::NotSent { what: what(), source: "throttled".into() });
            }
            Some(Trouble::Refused) => {
                self.world.inside().log.happened.push(Happened::Refused { message: message.clone() });
                return Err(PublishError::Refused { what: what(), reason: "refused".into() });
            }
            Some(Trouble::NoEffect) => return Err(PublishError::InDoubt { what: what(), source: "no answer".into() }),
            _ => {}
        }
        if let Some(reason) = sns::refusal(message) {
            return Err(PublishError::Refused { what: what(), reason: reason.into() });
        }
        {
            let mut inside = self.world.inside();
            let at = inside.now;
            // A message that the client tries again arrives twice.
            let times = if trouble == Some(Trouble::TriedAgain) { 2 } else { 1 };
            for _ in 0..times {
                inside.log.happened.push(Happened::Sent { message: message.clone(), at });
            }
        }
        match trouble {
            Some(Trouble::DiesAfter) => {
                self.line.die().await;
                unreachable!("nobody asks the dead")
            }
            Some(Trouble::NoAnswer) => Err(PublishError::InDoubt { what: what(), source: "no answer".into() }),
            _ => Ok(()),
        }
    }
}

impl Subscriptions for Messages {
    async fn subscribers(&self, _: Topic) -> Result<Subscribers, PublishError> {
        match call(&self.world, &self.line, Purpose::Reading).await {
            None | Some(Trouble::TriedAgain) => Ok(sns::subscribers()),
            Some(Trouble::DiesAfter | Trouble::DiesBefore) => {
                self.line.die().await;
                unreachable!("nobody asks the dead")
            }
            Some(trouble) => {
                Err(PublishError::NotRead { what: "subscribers".to_owned(), source: trouble.to_string().into() })
            }
        }
    }
}
