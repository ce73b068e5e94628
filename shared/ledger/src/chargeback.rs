//! A month's bill as files for finance: as billed, as charged, and what a token costs; with what they rest on.
//!
//! The files of a month are of one state of the ledger, whose name is in the last column of each and in
//! [`About`], which is written after them and has their hashes: what does not bear one name does not belong together.
//! They are nobody's input: removed, they are made again.
//!
//! - `about`: what the files rest on, `about.json`;
//! - `tables`: the tables of a chargeback as CSV;
//! - `metering`: the metering files of a ledger; `metering_csv`: one of them as text.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use spend_core::allocation::chargeback::{Chargeback, chargeback, is_split_identity};
use spend_core::allocation::metering::Metering;
use spend_core::allocation::showback::showback;
use spend_core::calendar::period::BillingPeriod;
use spend_core::digest::extent::Extent;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::facts::fact::{Fact, FactField};
use spend_core::facts::net_cost::StandIn;
use spend_core::facts::spend::Basis;
use spend_core::messages::chargeback::{self, ChargeSums};
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::reporting::tier_mix::tier_mix;
use spend_core::reporting::unit_cost::{cache_use, unit_costs};
use spend_core::text;

use crate::config::Config;
use crate::outputs::operations::NoteError;
use crate::state::book::{Book, BookPeriod};
use crate::state::document::{DocumentError, encode_ascii};
use crate::state::keys::{Statement, chargeback_key, hash};
use crate::store::conditional::put_over;
use crate::store::content_tag::hex;
use crate::store::{ETag, Put, Store, StoreError};

pub(crate) mod about;
pub mod metering;
pub mod metering_csv;
mod tables;

pub use about::{About, DeliveryAbout, FileAbout, MeteringAbout, TotalAbout};

use metering::MeteringFiles;
use tables::Table;

/// The name of the file that says what the others rest on.
pub const ABOUT: &str = "about.json";

/// How many digits of a hash name a state.
const STATE_DIGITS: usize = 16;

/// The files of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The month.
    pub period: BillingPeriod,
    /// Each by name, [`ABOUT`] the last.
    pub files: Vec<(&'static str, Bytes)>,
    /// What they rest on: the last file, before it was written.
    pub about: About,
}

/// Why there are no files.
#[derive(Debug, thiserror::Error)]
pub enum ChargebackError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A note to operations was not left.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// What the files rest on cannot be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A sum is too large to be money.
    #[error("failed to sum up the chargeback: {0}")]
    Sum(#[from] SumOutOfRange),
    /// A table cannot be written as CSV: a mistake in this program.
    #[error("failed to write csv: {0}; report this")]
    Csv(#[from] csv::Error),
}

impl Fault for ChargebackError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Store(error) => Says::As(error),
            Self::Note(error) => Says::As(error),
            Self::Document(error) => Says::As(error),
            Self::Sum(_) => Says::Itself("bug.sum_out_of_range", Class::Operator),
            Self::Csv(_) => Says::Itself("bug.csv", Class::Operator),
        }
    }
}

/// Makes the files of a month from what each export has of it, by the splits of `config`. Nothing is written.
pub fn make(
    period: BillingPeriod,
    found: &[&BookPeriod],
    config: &Config,
    basis: Basis,
    metering: &MeteringFiles,
    now: DateTime<Utc>,
) -> Result<Files, ChargebackError> {
    let facts = found.iter().flat_map(|of_export| &of_export.facts);
    let records = Metering::new(&metering.records, period);
    let charged = chargeback(facts.clone(), basis, &config.splits, &records)?;
    let tables = [
        tables::showback(period, &showback(facts.clone(), basis)?),
        tables::chargeback(period, &charged.rows),
        tables::unit_costs(period, &unit_costs(facts.clone(), basis)?),
        tables::tiers(period, &tier_mix(facts.clone(), basis)?),
        tables::cache(period, &cache_use(facts.clone(), basis)?),
    ];
    let deliveries: Vec<_> = found.iter().map(|of_export| DeliveryAbout::of(of_export)).collect();
    let closed = found.iter().all(|of_export| of_export.closed);
    let extent = Extent::of(period, closed, now).as_str().to_owned();
    let state = state(&extent, basis, &deliveries, &tables)?;
    let mut files = Vec::new();
    let mut of_files = Vec::new();
    for table in &tables {
        let bytes = table.csv(Some(&state))?;
        let (name, rows) = (table.name.to_owned(), table.rows.len());
        of_files.push(FileAbout { name, rows, sha256: sha256(&bytes) });
        files.push((table.name, Bytes::from(bytes)));
    }
    let findings = records.findings(facts.clone(), |fact| is_split_identity(&config.splits, fact, true));
    let mut notes = chargeback::lines(&config.splits, &charged, &findings)?;
    notes.extend(metering.problems());
    notes.extend(remarks(found, config, basis, facts)?);
    let about = About {
        period,
        state,
        extent,
        basis: basis.as_str().to_owned(),
        deliveries,
        totals: totals(&charged)?,
        metering: metering.about(period),
        files: of_files,
        notes,
    };
    files.push((ABOUT, encode_ascii(&about)?.into()));
    Ok(Files { period, files, about })
}

/// Writes the files of every month of the book into the ledger, where they differ from what is there, and leaves notes
/// to operations on metering files that cannot be used. Returns how many months were written.
///
/// What was there is read before anything is written, and each file replaces what was read. Who loses leaves all that
/// follows to the other.
///
/// Doing it again is harmless.
pub async fn write<S: Store>(
    store: &S,
    config: &Config,
    book: &Book,
    now: DateTime<Utc>,
) -> Result<usize, ChargebackError> {
    let months = book.months();
    let metering = metering::read(store, &months).await?;
    metering.tell(store, now).await?;
    let mut written = 0;
    for period in months {
        let found: Vec<_> = book.of(period).collect();
        let files = make(period, &found, config, config.cost.basis, &metering, now)?;
        written += usize::from(replace(store, look(store, &files).await?).await?);
    }
    Ok(written)
}

/// A file that is to be written, and what is there.
struct Planned {
    key: String,
    bytes: Bytes,
    was: Option<(Bytes, ETag)>,
}

async fn look<S: Store>(store: &S, files: &Files) -> Result<Vec<Planned>, StoreError> {
    let mut planned = Vec::new();
    for (name, bytes) in &files.files {
        let key = chargeback_key(files.period, name);
        let was = store.get(&key).await?;
        planned.push(Planned { key, bytes: bytes.clone(), was });
    }
    Ok(planned)
}

/// Whether anything was written.
async fn replace<S: Store>(store: &S, planned: Vec<Planned>) -> Result<bool, StoreError> {
    let mut is_written = false;
    for Planned { key, bytes, was } in planned {
        let put = match was {
            Some((old, _)) if old == bytes => continue,
            was => put_over(store, &key, bytes, was.map(|(_, etag)| etag).as_ref()).await?,
        };
        match put {
            Put::Written(_) => is_written = true,
            Put::Lost => break,
        }
    }
    Ok(is_written)
}

/// The name of the state that tables are of: equal where everything that they say and rest on is.
fn state(extent: &str, basis: Basis, deliveries: &[DeliveryAbout], tables: &[Table]) -> Result<String, csv::Error> {
    let mut parts = vec![extent.to_owned(), basis.as_str().to_owned()];
    for delivery in deliveries {
        let DeliveryAbout { export_id, delivery_id, revision, .. } = delivery;
        parts.extend([export_id.clone(), delivery_id.clone(), revision.to_string()]);
    }
    for table in tables {
        parts.push(sha256(&table.csv(None)?));
    }
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    Ok(hash(&parts).chars().take(STATE_DIGITS).collect())
}

fn totals(charged: &Chargeback) -> Result<Vec<TotalAbout>, SumOutOfRange> {
    let total = |(currency, sums): (&str, ChargeSums)| {
        let ChargeSums { billed, charged, invoices } = sums;
        TotalAbout { currency: currency.to_owned(), billed, charged, invoices }
    };
    Ok(chargeback::sums(charged)?.into_iter().map(total).collect())
}

/// What else readers must know.
fn remarks<'a>(
    found: &[&BookPeriod],
    config: &Config,
    basis: Basis,
    facts: impl Iterator<Item = Fact<'a>> + Clone,
) -> Result<Vec<String>, SumOutOfRange> {
    let mut remarks = Vec::new();
    for of_export in found {
        let statement = Statement { export_id: of_export.export_id.clone(), period: of_export.period };
        if of_export.derivation != config.derivation_fingerprint() {
            remarks.push(format!(
                "note: {statement}: owners are those of the configuration that it was derived with; `rebuild` derives \
                 them again"
            ));
        }
        if of_export.unverified {
            remarks.push(format!("warning: {statement}: taken as found, nothing says that it is complete"));
        }
    }
    remarks.extend(StandIn::of(basis, facts.clone())?.sentence().map(|sentence| format!("warning: {sentence}")));
    if basis == Basis::NetUnblended {
        let mut invoiced: BTreeMap<&str, Decimal> = BTreeMap::new();
        for fact in facts {
            let sum = invoiced.entry(fact.get(FactField::Currency)).or_default();
            *sum = sum.checked_add(fact.unblended_cost()).ok_or(SumOutOfRange)?;
        }
        let remark = |(currency, sum)| {
            let currency = text::currency(currency);
            format!("note: at net cost, after discounts; invoiced is the unblended cost: {sum} {currency}")
        };
        remarks.extend(invoiced.into_iter().map(remark));
    }
    Ok(remarks)
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    hex(&digest, digest.len())
}

#[cfg(test)]
mod tests;
