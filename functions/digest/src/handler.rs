//! What `digest` does: when its schedule strikes it writes the pages and the chargeback files of all months, makes the
//! digest that is due, if one is, and sends it. The sweep sends what is pending.

use lambda_runtime::tracing;
use spend_aws::by_class::{Doing, settle};
use spend_aws::event::{Event, Item, Trigger};
use spend_aws::lambda::{Answer, Failed, Invocation, SqsBatchResponse};
use spend_ledger::chargeback;
use spend_ledger::config::{Config, in_force};
use spend_ledger::digest::{self, DigestError, DigestSummary, page};
use spend_ledger::outputs::Notifier;
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::state::book::Book;
use spend_ledger::state::committed;
use spend_ledger::store::Store;

use crate::error::TellingError;

/// What the function works on.
#[derive(Debug)]
pub(crate) struct Digest<L, N> {
    pub(crate) ledger: L,
    /// Where messages go.
    pub(crate) notifier: N,
}

impl<L: Store, N: Notifier> Digest<L, N> {
    pub(crate) async fn handle(&self, event: &Event, invocation: &Invocation) -> Result<SqsBatchResponse, Failed> {
        let mut answer = Answer::default();
        for item in &event.items {
            answer.take(item, self.item(item, invocation).await);
        }
        answer.finish()
    }

    async fn item(&self, item: &Item, invocation: &Invocation) -> Result<(), Failed> {
        for trigger in &item.triggers {
            match trigger {
                Trigger::Digest => self.tell(invocation).await?,
                Trigger::Sweep => {
                    let sent = self.send(invocation).await;
                    self.sent(sent, invocation).await?;
                }
                Trigger::S3Test => tracing::info!(outcome = "ignored", "ignored: the test notification of S3"),
                Trigger::Created { .. } | Trigger::TestAlert => {
                    tracing::info!(outcome = "ignored", "ignored: the digest follows the calendar");
                }
                Trigger::Ignored { reason } => tracing::info!(outcome = "ignored", "ignored: {reason}"),
            }
        }
        Ok(())
    }

    /// Writes the pages and the chargeback files, makes the digest that is due, and sends what is pending. None of these
    /// waits for another.
    async fn tell(&self, invocation: &Invocation) -> Result<(), Failed> {
        let Some((config, book)) =
            self.settled("digest", "reading the ledger", self.read(invocation).await, invocation).await?
        else {
            return Ok(());
        };
        let (ledger, now) = (&self.ledger, invocation.now);
        // The pages first: they have the numbers of the digest that is due, which then is one that was sent.
        let pages = page::write(ledger, &config, &book, now).await.map_err(TellingError::Page);
        let files = chargeback::write(ledger, &config, &book, now).await.map_err(TellingError::Chargeback);
        let told = digest::react(ledger, &self.notifier, &config, &book, Lease::INVOCATION, now)
            .await
            .map_err(TellingError::from);
        let pages = self.settled("pages", "writing the pages", pages, invocation).await;
        let files = self.settled("chargeback", "writing the chargeback files", files, invocation).await;
        self.sent(told, invocation).await?;
        let (pages, months) = (pages?, files?);
        tracing::info!(pages, months, outcome = "written", "pages, and chargeback files that have changed");
        Ok(())
    }

    async fn read(&self, invocation: &Invocation) -> Result<(Config, Book), TellingError> {
        let config = in_force::of_deployment(&self.ledger).await?;
        Ok((config, committed::book(&self.ledger, invocation.now).await?))
    }

    async fn sent(&self, told: Result<DigestSummary, TellingError>, invocation: &Invocation) -> Result<(), Failed> {
        let told = self.settled("digest", "sending the digest", told, invocation).await?;
        if let Some(DigestSummary { made, sent }) = told {
            tracing::info!(made, sent, outcome = "sent", "digest");
        }
        Ok(())
    }

    async fn settled<T>(
        &self,
        about: &str,
        what: &str,
        outcome: Result<T, TellingError>,
        invocation: &Invocation,
    ) -> Result<Option<T>, Failed> {
        settle(&self.ledger, Doing { about, what }, outcome, invocation.now).await
    }

    /// Sends what is pending.
    async fn send(&self, invocation: &Invocation) -> Result<DigestSummary, TellingError> {
        let sent = digest::drain(&self.ledger, &self.notifier, Lease::INVOCATION, invocation.now)
            .await
            .map_err(DigestError::from)?;
        Ok(DigestSummary { made: None, sent })
    }
}
