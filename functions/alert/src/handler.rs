//! What `alert` does: after a commit budgets are evaluated over what is committed, once for all that an invocation
//! brings, and what is to be told is sent; notes to operations are sent too. The sweep does both again. What is pending is
//! sent before anything is evaluated: an evaluation that fails or is killed keeps nothing back. In the end the sweep sees
//! whether anybody reads the topics.

use std::time::Instant;

use lambda_runtime::tracing;
use spend_aws::by_class::{Doing, settle};
use spend_aws::event::{Event, Item, Trigger};
use spend_aws::lambda::{Answer, Failed, Invocation, SqsBatchResponse};
use spend_ledger::alert::{self, Deployed};
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Notifier, Subscriptions, operations, subscriptions};
use spend_ledger::state::keys::{NOTES_PREFIX, Statement};
use spend_ledger::store::Store;

use crate::error::AlertingError;

/// What the function works on.
#[derive(Debug)]
pub(crate) struct Alert<L, N> {
    pub(crate) ledger: L,
    /// Where messages go.
    pub(crate) notifier: N,
    /// The name of the ledger's bucket.
    pub(crate) bucket: String,
}

/// What a message asks for.
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    /// Facts may have changed, or time has passed.
    evaluate: bool,
    /// There may be notes.
    notes: bool,
    /// Somebody wants to see a message arrive.
    test: bool,
    /// It is time to see whether anybody reads the topics.
    subscriptions: bool,
}

impl<L: Store, N: Notifier + Subscriptions> Alert<L, N> {
    /// Handles an invocation: all that its messages ask for once, and what fails is brought again by those that asked.
    pub(crate) async fn handle(&self, event: &Event, invocation: &Invocation) -> Result<SqsBatchResponse, Failed> {
        let asked: Vec<_> = event.items.iter().map(|item| (item, self.asked(item))).collect();
        let is_asked = |what: fn(&Asked) -> bool| asked.iter().any(|(_, asked)| what(asked));
        let is_told = is_asked(|asked| asked.evaluate || asked.notes);
        let mut told = if is_told { self.tell(invocation).await } else { Ok(()) };
        let mut evaluated = Ok(());
        if is_asked(|asked| asked.evaluate) {
            evaluated = self.evaluate(invocation).await;
            // Again, and this counts: an evaluation that failed may have left a note just now.
            told = self.tell(invocation).await;
        }
        let tested = if is_asked(|asked| asked.test) { self.test(invocation).await } else { Ok(()) };
        let is_due = is_asked(|asked| asked.subscriptions);
        let seen = if is_due { self.see_who_reads(invocation).await } else { Ok(()) };
        let mut answer = Answer::default();
        for (item, Asked { evaluate, notes, test, subscriptions }) in asked {
            let of_evaluation = if evaluate { evaluated.clone() } else { Ok(()) };
            let of_notes = if evaluate || notes { told.clone() } else { Ok(()) };
            let of_test = if test { tested.clone() } else { Ok(()) };
            let of_subscriptions = if subscriptions { seen.clone() } else { Ok(()) };
            answer.take(item, of_evaluation.and(of_notes).and(of_test).and(of_subscriptions));
        }
        answer.finish()
    }

    fn asked(&self, item: &Item) -> Asked {
        let mut asked = Asked::default();
        for trigger in &item.triggers {
            match trigger {
                Trigger::Created { bucket, key } if *bucket != self.bucket => {
                    tracing::info!(bucket, key, outcome = "ignored", "ignored: the object is not in the ledger bucket");
                }
                Trigger::Created { key, .. } if Statement::from_state_key(key).is_some() => asked.evaluate = true,
                Trigger::Created { key, .. } if key.starts_with(NOTES_PREFIX) => asked.notes = true,
                Trigger::Created { key, .. } => {
                    tracing::info!(
                        key,
                        outcome = "ignored",
                        "ignored: the object is neither a period's state nor a note"
                    );
                }
                Trigger::Sweep => (asked.evaluate, asked.notes, asked.subscriptions) = (true, true, true),
                Trigger::S3Test => tracing::info!(outcome = "ignored", "ignored: the test notification of S3"),
                Trigger::TestAlert => asked.test = true,
                Trigger::Digest => tracing::info!(outcome = "ignored", "ignored: another function's schedule"),
                Trigger::Ignored { reason } => tracing::info!(outcome = "ignored", "ignored: {reason}"),
            }
        }
        asked
    }

    /// Evaluates budgets over what is committed, and sends what is pending.
    async fn evaluate(&self, invocation: &Invocation) -> Result<(), Failed> {
        let (begun, now) = (Instant::now(), invocation.now);
        let deployed = Deployed { ledger: &self.ledger, now };
        let evaluated = alert::react(&self.ledger, &self.notifier, &deployed, Lease::INVOCATION, now).await;
        let evaluated = evaluated.map_err(AlertingError::from);
        let doing = Doing { about: "alerts", what: "evaluating budgets" };
        if let Some(summary) = settle(&self.ledger, doing, evaluated, now).await? {
            let alert::AlertSummary { measured, fired, muted, waiting, resolved, seeded, sent } = summary;
            let ms = begun.elapsed().as_millis();
            tracing::info!(
                measured,
                fired,
                muted,
                waiting,
                resolved,
                seeded,
                sent,
                ms,
                outcome = "evaluated",
                "budgets"
            );
        }
        Ok(())
    }

    /// Sends an alert that is marked as a test, on the way that every alert takes. Nobody wants one that comes later: an
    /// error is told to whoever asked.
    async fn test(&self, invocation: &Invocation) -> Result<(), Failed> {
        let tested = alert::test(&self.ledger, &self.notifier, Lease::INVOCATION, invocation.now).await;
        let alert_id = tested.map_err(AlertingError::from)?;
        tracing::info!(alert_id, outcome = "sent", "a test alert");
        Ok(())
    }

    /// Sends the notes to operations.
    async fn tell(&self, invocation: &Invocation) -> Result<(), Failed> {
        let sent = operations::drain(&self.ledger, &self.notifier, Lease::INVOCATION, invocation.now).await;
        let doing = Doing { about: "operations", what: "telling operations" };
        let sent = sent.map_err(AlertingError::from);
        if let Some(sent) = settle(&self.ledger, doing, sent, invocation.now).await? {
            tracing::info!(sent, outcome = "told", "operations");
        }
        Ok(())
    }

    /// Sees whether anybody reads the topics, once in a while, and tells others of those that nobody reads.
    async fn see_who_reads(&self, invocation: &Invocation) -> Result<(), Failed> {
        let now = invocation.now;
        let checked = subscriptions::check(&self.ledger, &self.notifier, now).await.map_err(AlertingError::from);
        let doing = Doing { about: "subscriptions", what: "asking topics who is subscribed" };
        let topics = settle(&self.ledger, doing, checked, now).await?;
        let sent = subscriptions::drain(&self.ledger, &self.notifier, Lease::INVOCATION, now).await;
        let doing = Doing { about: "subscriptions", what: "telling of topics that nobody reads" };
        let sent = settle(&self.ledger, doing, sent.map_err(AlertingError::from), now).await?;
        if topics.is_some_and(|topics| topics > 0) || sent.is_some_and(|sent| sent > 0) {
            tracing::info!(topics, sent, outcome = "seen", "subscriptions");
        }
        Ok(())
    }
}
