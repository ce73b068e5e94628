//! The newest delivery of a billing period, read file by file; one that cannot be read does not stop the others.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use chrono::NaiveTime;
use spend_core::bill::category::Category;
use spend_core::bill::line::{KeptTags, Line, LineField, LineTexts, PRINCIPAL_COLUMN, ScanCounts};
use spend_core::bill::reduction::Reduction;
use spend_core::errors::fault::Fault as _;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_cur::chunk::{self, Description};
use spend_cur::error::CurError;
use spend_cur::rows::bill_row::BillRow;
use spend_ledger::state::delivery::PinnedChunk;
use spend_ledger::store::Store;

use super::refusal;
use super::tree::{ExportTree, PeriodTree, Tree};
use crate::examination::finding::{Finding, Step, Subject};
use crate::files::pinned::PinnedObject;

/// What was read of a period's newest delivery.
#[derive(Default)]
pub(super) struct PeriodReading {
    pub(super) subject: Subject,
    /// Whether it is the export's newest period.
    pub(super) is_newest: bool,
    /// The account that the export was made in, where a manifest names it.
    pub(super) account: Option<String>,
    /// How many files could be read.
    pub(super) files_read: usize,
    /// Those that could not.
    pub(super) refused: Vec<Finding>,
    pub(super) counts: ScanCounts,
    /// Whether usage begins at other times than midnight.
    pub(super) is_hourly: bool,
    pub(super) reductions: Vec<Reduction>,
    /// What the files' footers say.
    pub(super) described: Footprint,
}

/// Bytes by column, over all files.
#[derive(Default)]
pub(super) struct Footprint {
    /// Of every column, compressed.
    pub(super) columns: BTreeMap<String, u64>,
    /// Those that are read.
    pub(super) read: HashSet<String>,
}

impl Footprint {
    fn add(&mut self, description: Description) {
        for column in description.columns {
            if column.is_read {
                self.read.insert(column.name.clone());
            }
            *self.columns.entry(column.name).or_default() += column.compressed.unwrap_or(0);
        }
    }
}

impl PeriodReading {
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.reductions.iter().flat_map(|reduction| &reduction.lines)
    }

    /// The lines of usage: what can have a caller and tags.
    pub(super) fn usage(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines().filter(|line| is_usage(*line))
    }

    /// The usage money of the lines that are counted, by currency.
    pub(super) fn money(&self, is_counted: impl Fn(Line<'_>) -> bool) -> Result<Money, SumOutOfRange> {
        let mut money = Money::default();
        for line in self.usage().filter(|line| is_counted(*line)) {
            money.add(line.get(LineField::Currency), line.unblended_cost())?;
        }
        Ok(money)
    }
}

/// Amounts by currency: they are never added together.
#[derive(Clone, Debug, Default)]
pub(super) struct Money(BTreeMap<String, Decimal>);

impl Money {
    pub(super) fn add(&mut self, currency: &str, amount: Decimal) -> Result<(), SumOutOfRange> {
        let sum = self.0.entry(currency.to_owned()).or_insert(Decimal::ZERO);
        *sum = sum.checked_add(amount).ok_or(SumOutOfRange)?;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The currency with the most money in it, and how much; an empty name without any.
    fn main(&self) -> (&str, Decimal) {
        let largest = self.0.iter().max_by_key(|(_, amount)| amount.abs());
        largest.map_or(("", Decimal::ZERO), |(currency, amount)| (currency, *amount))
    }

    /// The share of `whole`'s main currency that this has of it: the part and the whole.
    pub(super) fn part_of(&self, whole: &Self) -> (Decimal, Decimal) {
        let (currency, whole) = whole.main();
        (self.0.get(currency).copied().unwrap_or(Decimal::ZERO), whole)
    }

    /// Whether this is at least `percent` of `whole`, which is more than nothing.
    pub(super) fn is_at_least(&self, percent: i64, whole: &Self) -> bool {
        let (part, whole) = self.part_of(whole);
        let scaled = part.checked_mul(100).zip(whole.checked_mul(percent));
        !whole.is_zero() && scaled.is_some_and(|(part, least)| part >= least)
    }
}

/// Reads the newest delivery of `period`.
pub(super) async fn read<E: Store + Send + 'static>(
    export: &Arc<E>,
    found: &ExportTree,
    period: &PeriodTree,
    is_newest: bool,
    on_step: &mut impl FnMut(&Step),
) -> PeriodReading {
    let subject = Subject { export: Some(found.path.to_string()), period: Some(period.period) };
    let mut reading = PeriodReading { subject, is_newest, ..PeriodReading::default() };
    let Some(delivery) = period.newest() else { return reading };
    reading.account = delivery.manifest.and_then(|manifest| manifest.account.clone());
    let present: Vec<_> = delivery.keys.into_iter().filter_map(|key| period.find(key)).collect();
    let mut errors = Vec::new();
    for (index, key) in present.iter().enumerate() {
        on_step(&Step {
            export: found.path.to_string(),
            period: period.period,
            chunk: index + 1,
            chunks: present.len(),
            rows: reading.counts.rows,
        });
        match read_chunk(export, period, key).await {
            Ok(Some(read)) => {
                reading.files_read += 1;
                reading.is_hourly |= read.is_hourly;
                reading.counts.merge(&read.reduction.counts);
                reading.reductions.push(read.reduction);
                reading.described.add(read.description);
            }
            // It was there when the tree was listed: the next delivery is being written.
            Ok(None) => {}
            Err(error) => errors.push(((*key).to_owned(), error)),
        }
    }
    reading.refused = refusal::findings(&reading.subject, &errors);
    reading
}

/// A file that was read: its rows, whether one of them is of an hour, and what its footer says.
struct Read {
    reduction: Reduction,
    is_hourly: bool,
    description: Description,
}

async fn read_chunk<E: Store + Send + 'static>(
    export: &Arc<E>,
    period: &PeriodTree,
    key: &str,
) -> Result<Option<Read>, CurError> {
    let Some(chunk) = pin(export, key).await? else { return Ok(None) };
    let mut is_hourly = false;
    let source = PinnedObject::new(export, &chunk);
    let mut look = |row: &BillRow| is_hourly |= is_usage(&row.key) && row.usage_start.time() != NaiveTime::MIN;
    let builder = Box::pin(chunk::reduce_with(key, period.period, &KeptTags::default(), source, &mut look)).await?;
    let description = chunk::describe(key, PinnedObject::new(export, &chunk)).await?;
    Ok(Some(Read { reduction: builder.finish(), is_hourly, description }))
}

/// The files that a run would read besides those of the newest delivery, or all where that is not read either: each is
/// opened, and its rows are not read.
pub(super) async fn of_others<E: Store + Send + 'static>(
    export: &Arc<E>,
    found: &ExportTree,
    period: &PeriodTree,
    is_read: bool,
) -> Vec<Finding> {
    let newest = period.newest().filter(|_| is_read);
    let read: BTreeSet<&str> =
        newest.iter().flat_map(|newest| &newest.keys).filter_map(|key| period.find(key)).collect();
    let mut errors = Vec::new();
    for key in period.counted().difference(&read) {
        let opened = match pin(export, key).await {
            Ok(Some(chunk)) => chunk::describe(key, PinnedObject::new(export, &chunk)).await.map(drop),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        errors.extend(opened.err().map(|error| ((*key).to_owned(), error)));
    }
    refusal::findings(&Subject { export: Some(found.path.to_string()), period: Some(period.period) }, &errors)
}

/// Whether the period's files have the caller's column, by the footer of the first; `None` if that cannot be told.
pub(super) async fn has_principal_column<E: Store + Send + 'static>(
    export: &Arc<E>,
    period: &PeriodTree,
) -> Option<bool> {
    let newest = period.newest()?;
    let key = newest.keys.into_iter().find_map(|key| period.find(key))?;
    let chunk = pin(export, key).await.ok().flatten()?;
    let description = chunk::describe(key, PinnedObject::new(export, &chunk)).await.ok()?;
    Some(description.columns.iter().any(|column| column.name == PRINCIPAL_COLUMN))
}

/// Where there is no export: what a data file that lies elsewhere is, if it shows that it is of another kind of report.
pub(super) async fn of_another_kind<E: Store + Send + 'static>(export: &Arc<E>, tree: &Tree) -> Vec<Finding> {
    let Some((object, _)) = tree.first_data_stranger().filter(|_| tree.exports.is_empty()) else { return Vec::new() };
    let Ok(Some(chunk)) = pin(export, &object.key).await else { return Vec::new() };
    match chunk::describe(&object.key, PinnedObject::new(export, &chunk)).await {
        Err(error) if matches!(error.kind(), "export.legacy_report" | "export.focus") => {
            refusal::findings(&Subject::default(), &[(object.key.clone(), error)])
        }
        _ => Vec::new(),
    }
}

async fn pin<E: Store>(export: &Arc<E>, key: &str) -> Result<Option<PinnedChunk>, CurError> {
    let unavailable = |error| CurError::Source { file: key.to_owned(), range: 0..0, source: Box::new(error) };
    let head = export.head(key).await.map_err(unavailable)?;
    Ok(head.map(|head| PinnedChunk {
        key: head.key,
        etag: head.etag,
        size: head.size,
        last_modified: head.last_modified,
    }))
}

/// Whether a line is of usage.
fn is_usage<'a>(line: impl LineTexts<'a>) -> bool {
    Category::of(line.get(LineField::LineItemType), line.get(LineField::BillType)) == Category::Usage
}
