//! What `digest` does: when its schedule strikes it writes the pages of all months, makes the digest that is due, if one
//! is, and sends it. The sweep sends what is pending.

use lambda_runtime::tracing;
use spend_aws::by_class::{Doing, settle};
use spend_aws::event::{Event, Item, Tiding};
use spend_aws::lambda::{Answer, Failed, Invocation, SqsBatchResponse};
use spend_ledger::digest::{self, DigestError, DigestSummary, page};
use spend_ledger::outbox::Lease;
use spend_ledger::outputs::Notifier;
use spend_ledger::store::Store;
use spend_ledger::{committed, in_force};

use crate::error::TellingError;

/// What the function works on.
#[derive(Debug)]
pub(crate) struct Digest<L, N> {
    /// The ledger.
    pub(crate) ledger: L,
    /// Where messages go.
    pub(crate) notifier: N,
}

impl<L: Store, N: Notifier> Digest<L, N> {
    /// Handles an invocation.
    pub(crate) async fn handle(&self, event: &Event, invocation: &Invocation) -> Result<SqsBatchResponse, Failed> {
        let mut answer = Answer::default();
        for item in &event.items {
            answer.take(item, self.item(item, invocation).await);
        }
        answer.finish()
    }

    async fn item(&self, item: &Item, invocation: &Invocation) -> Result<(), Failed> {
        for tiding in &item.tidings {
            let told = match tiding {
                Tiding::Digest => self.tell(invocation).await,
                Tiding::Sweep => self.send(invocation).await,
                Tiding::S3Test => {
                    tracing::info!(outcome = "ignored", "S3 has tried its notifications");
                    continue;
                }
                Tiding::Created { .. } | Tiding::TestAlert => {
                    tracing::info!(outcome = "stranger", "ignored: the digest follows the calendar");
                    continue;
                }
                Tiding::Stranger { reason } => {
                    tracing::info!(outcome = "stranger", "ignored: {reason}");
                    continue;
                }
            };
            let doing = Doing { about: "digest", what: "sending the digest" };
            let told = settle(&self.ledger, doing, told.map_err(Failed::from), invocation.now).await?;
            if let Some(DigestSummary { made, sent }) = told {
                tracing::info!(made, sent, outcome = "sent", "digest");
            }
        }
        Ok(())
    }

    /// Writes the pages, makes the digest that is due, and sends what is pending.
    async fn tell(&self, invocation: &Invocation) -> Result<DigestSummary, TellingError> {
        let config = in_force::of_deployment(&self.ledger).await?;
        let book = committed::book(&self.ledger, invocation.now).await?;
        // The pages first: they have the numbers of the digest that is due, which then is one that was sent. A digest does
        // not wait for a page that cannot be written.
        let pages = page::write(&self.ledger, &config, &book, invocation.now).await;
        let told =
            digest::react(&self.ledger, &self.notifier, &config, &book, Lease::INVOCATION, invocation.now).await?;
        let pages = pages.map_err(TellingError::Page)?;
        tracing::info!(pages, outcome = "written", "pages");
        Ok(told)
    }

    /// Sends what is pending.
    async fn send(&self, invocation: &Invocation) -> Result<DigestSummary, TellingError> {
        let sent = digest::drain(&self.ledger, &self.notifier, Lease::INVOCATION, invocation.now)
            .await
            .map_err(DigestError::from)?;
        Ok(DigestSummary { made: None, sent })
    }
}
