//! `run`: every delivery of an export tree, through the same steps as the Lambdas, in order.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use spend_core::errors::fault::Fault;
use spend_core::facts::net_cost::StandIn;
use spend_core::text;
use spend_ledger::alert::{self, AlertError, Given};
use spend_ledger::config::Config;
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{MetricsFile, operations};
use spend_ledger::state::book::Book;
use spend_ledger::state::commit::OrderSource;
use spend_ledger::state::committed::{self, Committed};
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::directory::DirectoryStore;
use spend_ledger::store::{Store, StoreError};
use spend_ledger::{digest, metrics};
use spend_pipeline::error::PipelineError;
use spend_pipeline::examination::{self, Examined};
use spend_pipeline::files::inventory::{Found, Inventory};
use spend_pipeline::files::location::ManifestLocation;
use spend_pipeline::files::tree::{Tree, TreeError};
use spend_pipeline::ingest::{self, FileTimes, Reductions, Seal};
use spend_pipeline::period::aggregated::Aggregated;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::{aggregate, unusual};
use spend_pipeline::sweep;

use crate::cli::Run;
use crate::error::CommandError;
use crate::export_store::ExportStore;
use crate::progress::Progress;
use crate::sent::Post;
use crate::{idle, in_force, ledger, summary, version_names};

/// What a run works on.
struct Workshop<'a, W> {
    export: Arc<Tree<ExportStore>>,
    ledger: DirectoryStore,
    metrics: MetricsFile,
    post: Post,
    config: Config,
    deriver: Deriver,
    now: DateTime<Utc>,
    /// Whether that is not the clock's time.
    is_told_now: bool,
    /// The deliveries that were spoken of: an export that keeps every delivery lists the newest twice.
    told: BTreeSet<String>,
    progress: Progress,
    /// The files of the deliveries, by key.
    read: BTreeSet<String>,
    /// What the delivery before has committed: mostly the only new one, whose facts everything that follows is made of.
    committed: Option<Committed>,
    notes: &'a mut W,
}

/// Processes the tree. Notes for people go to `notes`.
///
/// # Errors
///
/// [`CommandError`]; a delivery that cannot be published does not keep the others from it, and is an error at the end.
pub(crate) async fn run(options: &Run, now: DateTime<Utc>, notes: &mut impl Write) -> Result<(), CommandError> {
    // The export first: nothing is made where there is nothing to read.
    let export = match open(&options.export).await {
        Err(CommandError::Tree(error)) => return Err(refusal(&options.export, error, now).await),
        opened => opened?,
    };
    let inventory = Inventory::of(&export.list("").await?);
    // Nor is it where the configuration is none.
    options.config.as_deref().map(in_force::read).transpose()?;
    let (ledger, _turn) = ledger::open(&options.ledger, notes)?;
    version_names::keep(export.store(), &ledger).await?;
    let config = in_force::put(&ledger, options.config.as_deref()).await?;
    let mut workshop = Workshop {
        export: Arc::new(export),
        metrics: MetricsFile::in_ledger(&options.ledger),
        post: Post::in_ledger(&options.ledger),
        ledger,
        deriver: Deriver::from(&config),
        config,
        // State is stored to the second, and so is what is derived from it.
        now: options.now.unwrap_or(now).trunc_subsecs(0),
        is_told_now: options.now.is_some(),
        told: BTreeSet::new(),
        progress: Progress::on_stderr(),
        read: BTreeSet::new(),
        committed: None,
        notes,
    };
    let deliveries = distinct(&*workshop.export, &inventory).await;
    let mut failures = 0;
    for found in deliveries.iter().copied() {
        if let Err(error) = workshop.deliver(found).await {
            failures += 1;
            workshop.progress.clear();
            writeln!(workshop.notes, "error: {found}: not published: {error} ({})", error.kind())?;
        }
    }
    workshop.progress.clear();
    let followed = sweep::follow(&workshop.ledger, &workshop.deriver, workshop.now).await;
    workshop.passed_over(&inventory, failures)?;
    // Once, of what all deliveries have come to: an alert of an older one would tell numbers that are known to be others
    // by now, and `[alerts] first_run` is about the whole run.
    let reacted = workshop.react().await;
    let digested = workshop.digest(reacted.as_ref().ok()).await;
    workshop.progress.clear();
    if let Ok(book) = &digested {
        let stand_in = StandIn::of(workshop.config.cost.basis, book.facts())?.sentence();
        for line in idle::all(&workshop.config, book).into_iter().chain(stand_in) {
            writeln!(workshop.notes, "note: {line}")?;
        }
    }
    workshop.post.tell(workshop.notes)?;
    followed?;
    reacted?;
    digested?;
    match failures {
        0 => Ok(()),
        failures => Err(CommandError::Unpublished { failures, deliveries: deliveries.len() }),
    }
}

/// The tree at `path`, wherever it was cut off.
pub(crate) async fn open(path: &Path) -> Result<Tree<ExportStore>, CommandError> {
    let (store, folder) = ExportStore::open(path).await?;
    Ok(Tree::open(store, &path.display().to_string(), folder.as_deref()).await?)
}

/// Why a tree cannot be run: what its files are matters more than where they lie.
async fn refusal(path: &Path, error: TreeError, now: DateTime<Utc>) -> CommandError {
    let Ok((store, _)) = ExportStore::open(path).await else { return error.into() };
    let tree = Arc::new(Tree::whole(store));
    let findings = examination::examine(&tree, Examined::Copy, now, |_| ()).await.unwrap_or_default();
    let of_another_kind = findings.into_iter().find(|finding| finding.is_of_another_kind).map(|finding| finding.what);
    match of_another_kind.or_else(|| tree.store().left_out()) {
        Some(what) => CommandError::NotAnExport { tree: path.to_owned(), what },
        None => error.into(),
    }
}

/// The deliveries, each once: an export that keeps every delivery has the manifest of its newest a second time, without
/// a folder. Two manifests of a period with the same bytes are of one delivery.
async fn distinct<'a, E: Store>(export: &E, inventory: &'a Inventory) -> Vec<&'a Found> {
    let mut seen = BTreeSet::new();
    let mut distinct = Vec::new();
    for found in &inventory.deliveries {
        if let Found::Manifest(key) = found
            && let Some(location) = ManifestLocation::of(key)
            // What cannot be read is spoken of when it is to be.
            && let Ok(Some(head)) = export.head(key).await
            && !seen.insert((location.export, location.period, head.etag.0))
        {
            continue;
        }
        distinct.push(found);
    }
    distinct
}

/// Where metrics and messages go.
#[derive(Clone, Copy)]
pub(crate) struct Outlets<'a> {
    pub(crate) metrics: &'a MetricsFile,
    pub(crate) post: &'a Post,
}

/// What follows from a commit: metrics and alerts. Each knows what it did before. A state that is in memory is not read
/// again. Notes for people go to `notes`. Returns what it is all made of.
pub(crate) async fn react(
    ledger: &DirectoryStore,
    committed: Option<Committed>,
    Outlets { metrics: file, post }: Outlets<'_>,
    config: &Config,
    now: DateTime<Utc>,
    progress: &Progress,
    notes: &mut impl Write,
) -> Result<Arc<Book>, CommandError> {
    // Who works alone on a ledger reads it once: nobody else changes it meanwhile.
    let (book, versions) = committed::book_with(ledger, committed, now).await?;
    let book = Arc::new(book);
    progress.show(|| "putting metrics".to_owned());
    let known = Some((Arc::clone(&book), versions));
    let published = metrics::publish_of(ledger, file, config, known, now, || Duration::MAX).await;
    // An alert does not wait for a metric that cannot be put.
    let rules = config.rules.all().count();
    progress.show(|| format!("evaluating {rules} rules over three months"));
    let alerted = alert::react(ledger, post, &Given { config, book: &book }, Lease::Alone, now).await;
    operations::drain(ledger, post, Lease::Alone, now).await.map_err(AlertError::from)?;
    alerted?;
    progress.clear();
    summary::write_metrics(&published, notes)?;
    match published.failures.into_iter().next() {
        None => Ok(book),
        Some(failure) => Err(failure.into()),
    }
}

impl<W: Write> Workshop<'_, W> {
    /// One delivery, from what was found to the committed period.
    async fn deliver(&mut self, found: &Found) -> Result<(), CommandError> {
        self.committed = None;
        let mut known = Reductions::new();
        let sealed = self.reduce(found, &mut known).await.map_err(|error| match error {
            PipelineError::Store(StoreError::Replaced { key, .. }) => CommandError::Changed { key },
            error => error.into(),
        })?;
        let sealed = match sealed {
            Seal::Sealed(sealed) => sealed,
            Seal::Incomplete { chunks, .. } => return Err(CommandError::MissingChunks { chunks }),
            // A tree on a disk is not waited for.
            Seal::Unquiet { .. } | Seal::Unsure(_) => return Ok(()),
        };
        let statement = sealed.statement();
        self.progress.show(|| format!("adding up {statement}"));
        let (ledger, id) = (&self.ledger, &sealed.delivery_id);
        let aggregated = aggregate::aggregate_known(ledger, &statement, id, known, &self.deriver, self.now);
        let (outcome, committed) = aggregated.await?;
        self.committed = committed;
        self.tell(&statement, &sealed, &outcome).await?;
        self.read.extend(sealed.chunks.into_iter().map(|chunk| chunk.key));
        Ok(())
    }

    /// Pins a delivery and reduces its files, unless that was done before. Of a delivery of one file `known` keeps the
    /// reduction: of several it would take memory while the next file is read.
    async fn reduce(&self, found: &Found, known: &mut Reductions) -> Result<Seal, PipelineError> {
        let (export, ledger) = (&*self.export, &self.ledger);
        let seal = match found {
            Found::Manifest(key) => ingest::seal(export, ledger, None, key, FileTimes::Copied).await?,
            Found::Unlisted(files) => ingest::seal_unlisted(export, ledger, files, FileTimes::Copied, None).await?,
        };
        let Seal::Sealed(sealed) = &seal else { return Ok(seal) };
        let kept = &self.deriver.kept_tags;
        if ingest::complete(ledger, sealed, kept).await? {
            return Ok(seal);
        }
        let (statement, count) = (sealed.statement(), sealed.chunks.len());
        for (index, chunk) in sealed.chunks.iter().enumerate() {
            self.progress.show(|| format!("reading {statement}: chunk {} of {count}", index + 1));
            let keep = |key: &str, reduction| {
                if count == 1 {
                    known.insert(key.to_owned(), reduction);
                }
            };
            ingest::map_and(&self.export, ledger, &statement, chunk, kept, keep).await?;
        }
        // A copy that goes on while it is read may have pinned files of two deliveries.
        ingest::still_stands(export, sealed).await?;
        ingest::complete(ledger, sealed, kept).await?;
        Ok(seal)
    }

    /// Says what of the tree was not read.
    fn passed_over(&mut self, inventory: &Inventory, failures: usize) -> Result<(), CommandError> {
        if let Some(left_out) = self.export.store().left_out() {
            writeln!(self.notes, "note: {left_out}")?;
        }
        if !inventory.strangers.is_empty() {
            let count: usize = inventory.strangers.values().map(|strangers| strangers.count).sum();
            let reasons = inventory.strangers.iter();
            let reasons =
                reasons.map(|(reason, found)| format!("{} because {reason} ({})", found.count, found.example));
            let reasons: Vec<_> = reasons.collect();
            let files = if count == 1 { "1 file is" } else { &format!("{count} files are") };
            writeln!(self.notes, "note: {files} none of an export's and not read: {}", reasons.join("; "))?;
        }
        // What a delivery that was not published lists is not known.
        if failures > 0 {
            return Ok(());
        }
        for ((export, period), chunks) in &inventory.listed {
            let surplus: Vec<_> = chunks.iter().filter(|key| !self.read.contains(*key)).collect();
            if let Some(first) = surplus.first() {
                let count = surplus.len();
                writeln!(
                    self.notes,
                    "note: {export} {period}: {count} data files that no manifest names were not read, such as {first}"
                )?;
            }
        }
        Ok(())
    }

    async fn react(&mut self) -> Result<Arc<Book>, CommandError> {
        let committed = self.committed.take();
        let outlets = Outlets { metrics: &self.metrics, post: &self.post };
        react(&self.ledger, committed, outlets, &self.config, self.now, &self.progress, self.notes).await
    }

    /// The digest follows the calendar: it is made of what all deliveries have come to. Returns what it was made of.
    async fn digest(&self, book: Option<&Arc<Book>>) -> Result<Arc<Book>, CommandError> {
        self.progress.show(|| "writing the digest".to_owned());
        let book = match book {
            Some(book) => Arc::clone(book),
            None => Arc::new(committed::book(&self.ledger, self.now).await?),
        };
        digest::react(&self.ledger, &self.post, &self.config, &book, Lease::Alone, self.now).await?;
        Ok(book)
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
        self.progress.clear();
        writeln!(self.notes, "{statement}: delivery {}: {outcome}", sealed.delivery_id)?;
        if let Aggregated::Overlapping { payer, counted } = outcome {
            let Statement { export_id, period } = statement;
            let bill = match payer.as_str() {
                "" => {
                    "one (which payer's is not known, where an export lacks the column bill_payer_account_id: add it)"
                }
                payer => &format!("that of payer {payer}"),
            };
            writeln!(
                self.notes,
                "  WARNING: {export_id} is not counted in {period}: one bill is counted once, and {counted} was the \
                 first to deliver {bill}. If both deliver the same bill, stop one of them in AWS Data \
                 Exports. If {export_id} has taken the place of {counted} (created again, renamed, moved to another \
                 prefix), this period stays at what {counted} delivered last: to count {export_id} instead, run \
                 bedrock-ledger claim --ledger DIR --payer {} --period {period} --export-id {export_id}",
                if payer.is_empty() { "ID" } else { payer }
            )?;
            return Ok(());
        }
        self.warn_of_newer_files(sealed, outcome)?;
        self.warn_of_other_files(sealed, outcome).await?;
        if let Some(first) = sealed.earlier.first() {
            writeln!(
                self.notes,
                "  unverified: {} of {} data files are those of an earlier delivery, such as {first}: if copying was cut \
                 short or goes on, the numbers are of two deliveries; run again when all of it is there",
                sealed.earlier.len(),
                sealed.chunks.len()
            )?;
        } else if sealed.unverified {
            writeln!(
                self.notes,
                "  unverified: there is no manifest, and the files are taken as found; copy metadata/ too, so that a \
                 manifest says which files make up the delivery"
            )?;
        }
        if let Some(state) = committed::head(&self.ledger, statement).await? {
            summary::write(&state, outcome, &self.deriver.fingerprint, self.notes)?;
            if matches!(outcome, Aggregated::Applied { .. }) {
                let unusual = unusual::of(&self.ledger, statement, &state).await?;
                summary::write_unusual(&state, &unusual, self.notes)?;
            }
            self.warn_of_the_future(&state)?;
        }
        Ok(())
    }

    /// A delivery is counted once, as it was found first. Where its files are others by now the tree and the ledger do
    /// not say the same, and nobody but a person knows which is right.
    async fn warn_of_other_files(&mut self, sealed: &SealedDelivery, outcome: &Aggregated) -> Result<(), CommandError> {
        if !matches!(outcome, Aggregated::Known) {
            return Ok(());
        }
        match ingest::still_stands(&*self.export, sealed).await {
            Ok(()) => Ok(()),
            Err(StoreError::Replaced { key, .. } | StoreError::NotFound { key }) => Ok(writeln!(
                self.notes,
                "  WARNING: {key} is not what this delivery was counted from, and was not read: if the next delivery \
                 is being copied, run again when all of it is there; if the file was wrong when it was counted, run \
                 into a new --ledger"
            )?),
            Err(error) => Err(error.into()),
        }
    }

    /// Whoever names a time before the data gets facts, and neither metrics nor alerts of months that begin later.
    fn warn_of_the_future(&mut self, state: &PeriodState) -> Result<(), CommandError> {
        let Some(until) = state.counts.latest_usage_end.filter(|until| self.is_told_now && *until > self.now) else {
            return Ok(());
        };
        let (period, until, now) = (state.period, text::instant(until), text::instant(self.now));
        if period.start() > self.now {
            writeln!(
                self.notes,
                "  note: {period} begins after --now ({now}): its spend is in reports, and in no metric, alert or digest"
            )?;
        } else {
            writeln!(
                self.notes,
                "  note: the bill has usage until {until}, after --now ({now}): metrics, alerts and the digest are told as \
                 of --now"
            )?;
        }
        Ok(())
    }

    /// `aws s3 sync` keeps times and copies `data/` before `metadata/`: cut short, it leaves the files of one delivery
    /// with the manifest of the one before. Other copies have any times, so that this can only be a note.
    fn warn_of_newer_files(&mut self, sealed: &SealedDelivery, outcome: &Aggregated) -> Result<(), CommandError> {
        let in_place = sealed.order.source == OrderSource::Arrival && !sealed.manifest.is_empty();
        if !in_place || !matches!(outcome, Aggregated::Applied { .. }) {
            return Ok(());
        }
        let hour = TimeDelta::hours(1);
        let is_late = |at: DateTime<Utc>| at.signed_duration_since(sealed.order.at) > hour;
        let newer = sealed.chunks.iter().filter(|chunk| is_late(chunk.last_modified)).count();
        if newer > 0 {
            writeln!(
                self.notes,
                "  note: {newer} of {} data files are more than an hour newer than their manifest: if copying them was \
                 cut short, they are of two deliveries; copy again and run again",
                sealed.chunks.len()
            )?;
        }
        Ok(())
    }
}
