//! `run`: every delivery of an export tree, through the same steps as the Lambdas, in order.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use spend_ledger::committed;
use spend_ledger::config::Config;
use spend_ledger::directory_store::DirectoryStore;
use spend_ledger::keys::Statement;
use spend_ledger::outputs::{MessageFile, MetricsFile};
use spend_ledger::state::SealedDelivery;
use spend_ledger::store::Store;
use spend_ledger::{alert, digest, gauges};
use spend_pipeline::aggregate::{self, Aggregated, Deriver};
use spend_pipeline::ingest::{self, FileTimes, ManifestLocation, Seal};

use crate::cli::Run;
use crate::error::CommandError;
use crate::{in_force, summary};

/// What a run works on.
struct Workshop<'a, W> {
    export: Arc<DirectoryStore>,
    ledger: DirectoryStore,
    metrics: MetricsFile,
    messages: MessageFile,
    config: Config,
    deriver: Deriver,
    now: DateTime<Utc>,
    /// The deliveries that were spoken of: an export that keeps every delivery lists the newest twice.
    told: BTreeSet<String>,
    notes: &'a mut W,
}

/// Processes the tree. Notes for people go to `notes`.
///
/// # Errors
///
/// [`CommandError`]; a delivery that cannot be published does not keep the others from it, and is an error at the end.
pub(crate) async fn run(options: &Run, now: DateTime<Utc>, notes: &mut impl Write) -> Result<(), CommandError> {
    let ledger = DirectoryStore::open(options.ledger.clone())?;
    let config = in_force::put(&ledger, options.config.as_deref()).await?;
    let mut workshop = Workshop {
        export: Arc::new(DirectoryStore::open_read_only(options.export.clone())?),
        metrics: MetricsFile::in_ledger(&options.ledger),
        messages: MessageFile::in_ledger(&options.ledger),
        ledger,
        deriver: in_force::deriver(&config),
        config,
        // State is stored to the second, and so is what is derived from it.
        now: options.now.unwrap_or(now).trunc_subsecs(0),
        told: BTreeSet::new(),
        notes,
    };
    let manifests = manifests(&*workshop.export).await?;
    if manifests.is_empty() {
        return Err(CommandError::NoManifest { export: options.export.clone() });
    }
    let mut failures = 0;
    for manifest in &manifests {
        if let Err(error) = workshop.deliver(manifest).await {
            failures += 1;
            writeln!(workshop.notes, "error: {manifest}: not published: {error} ({})", error.kind())?;
        }
    }
    // Everything may have been applied by a run that did not get to here.
    workshop.react().await?;
    workshop.digest().await?;
    match failures {
        0 => Ok(()),
        failures => Err(CommandError::Unpublished { failures, deliveries: manifests.len() }),
    }
}

/// The manifests of the tree, oldest delivery first: create-new folders by their time, then the ones that are replaced
/// in place.
async fn manifests<E: Store>(export: &E) -> Result<Vec<String>, CommandError> {
    let mut manifests = Vec::new();
    for object in export.list("").await? {
        if let Some(location) = ManifestLocation::of(&object.key) {
            let in_place = location.folder_time.is_none();
            manifests.push((location.period, in_place, location.folder_time, object.key));
        }
    }
    manifests.sort();
    Ok(manifests.into_iter().map(|(.., key)| key).collect())
}

/// What follows from a commit: gauges and alerts. Each knows what it did before.
pub(crate) async fn react(
    ledger: &DirectoryStore,
    metrics: &MetricsFile,
    messages: &MessageFile,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    let book = committed::book(ledger, now).await?;
    gauges::publish(ledger, metrics, config, &book, now).await?;
    alert::react(ledger, messages, config, &book, now).await?;
    Ok(())
}

impl<W: Write> Workshop<'_, W> {
    /// One delivery, from its manifest to the committed period and what follows from it.
    async fn deliver(&mut self, manifest: &str) -> Result<(), CommandError> {
        let seal = ingest::seal(&*self.export, &self.ledger, None, manifest, FileTimes::Copied).await?;
        let sealed = match seal {
            Seal::Sealed(sealed) => sealed,
            Seal::Incomplete { chunks } => return Err(CommandError::MissingChunks { chunks }),
        };
        let statement = sealed.statement();
        let kept = &self.deriver.kept_tags;
        if !ingest::complete(&self.ledger, &sealed, kept).await? {
            for chunk in &sealed.chunks {
                ingest::map(&self.export, &self.ledger, &statement, chunk, kept).await?;
            }
            ingest::complete(&self.ledger, &sealed, kept).await?;
        }
        let outcome =
            aggregate::aggregate(&self.ledger, &statement, &sealed.delivery_id, &self.deriver, self.now).await?;
        self.tell(&statement, &sealed, &outcome).await?;
        if let Aggregated::Overlapping { .. } = outcome {
            return Ok(());
        }
        self.react().await
    }

    async fn react(&self) -> Result<(), CommandError> {
        react(&self.ledger, &self.metrics, &self.messages, &self.config, self.now).await
    }

    /// The digest follows the calendar: it is made of what all deliveries have come to.
    async fn digest(&self) -> Result<(), CommandError> {
        let book = committed::book(&self.ledger, self.now).await?;
        digest::react(&self.ledger, &self.messages, &self.config, &book, self.now).await?;
        Ok(())
    }

    async fn tell(
        &mut self,
        statement: &Statement,
        sealed: &SealedDelivery,
        outcome: &Aggregated,
    ) -> Result<(), CommandError> {
        if !self.told.insert(format!("{statement} {}", sealed.delivery_id)) {
            return Ok(());
        }
        writeln!(self.notes, "{statement}: delivery {}: {outcome}", sealed.delivery_id)?;
        if let Some((state, _)) = committed::state(&self.ledger, statement).await? {
            summary::write(&state, outcome, &self.deriver.fingerprint, self.notes)?;
        }
        Ok(())
    }
}
