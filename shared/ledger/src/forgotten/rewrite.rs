//! An object of the ledger with an alias in the place of a name.
//!
//! Where equal names have become one, what was said of each is summed: bill lines, facts, what a commit moved, what metrics
//! were told. Every other object is a text in which the name is replaced, and must still be what its format says.

use std::borrow::Cow;

use bytes::Bytes;
use spend_core::money::decimal::SumOutOfRange;

use super::Forgotten;
use super::name::Name;
use crate::alert::state::AlertState;
use crate::chargeback::about::About;
use crate::digest::page::numbers::PageNumbers;
use crate::digest::state::DigestState;
use crate::metrics::gauges::shown::PutGauges;
use crate::metrics::health::PutHealth;
use crate::metrics::series::Members;
use crate::metrics::told::{Busy, Told};
use crate::outputs::operations::{OperationsState, StoredNote};
use crate::outputs::subscriptions::SubscriptionsState;
use crate::state::delivery::{ReadyDelivery, SealedDelivery, SeenManifest};
use crate::state::document::{
    Document, DocumentError, decode, decode_as, decode_compressed, decompressed, encode_as, encode_compressed,
};
use crate::state::history::HistoryEntry;
use crate::state::keys::{has_extension, is_compressed};
use crate::state::objects::Kind;
use crate::state::period::PeriodState;
use crate::state::reduction::StoredReduction;
use crate::state::tabular;

/// Why an object keeps a name.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read, or the name is a word of its format.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A sum is too large to be money.
    #[error("{key}: {source}")]
    Sum {
        /// The object.
        key: String,
        source: SumOutOfRange,
    },
    /// Nobody knows yet whether metrics of the name were taken.
    #[error(
        "{key} has metrics of that name of which nobody knows yet whether CloudWatch took them: let metrics be put until \
         that is found out (up to four days), and forget again"
    )]
    InDoubt {
        /// The object.
        key: String,
    },
    /// It is the owner's.
    #[error("{key} is written by people: whoever wrote it has to take the name out, see the first lines of its text")]
    Theirs {
        /// The object.
        key: String,
    },
    /// It is no object of the program's.
    #[error("{key} is none of this program's files: take the name out of it, or remove it")]
    Foreign {
        /// The object.
        key: String,
    },
}

/// What an object says, before it is compressed: of one with a table what is not a number.
pub fn plain<'a>(key: &str, bytes: &'a Bytes) -> Result<Cow<'a, [u8]>, DocumentError> {
    Ok(match Kind::of(key) {
        Some(Kind::Reduction) => Cow::Owned(tabular::texts::<StoredReduction>(key, bytes)?),
        Some(Kind::State) => Cow::Owned(tabular::texts::<PeriodState>(key, bytes)?),
        _ if is_compressed(key) => Cow::Owned(decompressed(key, bytes)?),
        _ => Cow::Borrowed(bytes),
    })
}

/// Whether an object has a name in it. Of a facts file its bytes do not tell.
pub fn holds(key: &str, bytes: &Bytes, name: &Name) -> Result<bool, DocumentError> {
    Ok(name.is_in(&String::from_utf8_lossy(&plain(key, bytes)?)))
}

/// The object with the alias that `forgotten` has for the name; none if the name is not in it. Facts files are not
/// rewritten but made again.
pub fn rewritten(key: &str, bytes: &Bytes, name: &Name, forgotten: &Forgotten) -> Result<Option<Bytes>, RewriteError> {
    let kind = Kind::of(key);
    if kind == Some(Kind::Facts) || !holds(key, bytes, name)? {
        return Ok(None);
    }
    let sum = |source| RewriteError::Sum { key: key.to_owned(), source };
    Ok(Some(match kind {
        Some(Kind::Reduction) => {
            let mut stored: StoredReduction = tabular::decode(key, bytes)?;
            stored.lines = forgotten.lines(stored.lines).map_err(sum)?;
            tabular::encode(&stored)?
        }
        Some(Kind::State) => {
            let mut state: PeriodState = tabular::decode(key, bytes)?;
            state.facts = forgotten.facts(state.facts).map_err(sum)?;
            tabular::encode(&state)?
        }
        Some(Kind::History) => {
            let mut entry: HistoryEntry = decode_as(key, bytes)?;
            entry.moved = forgotten.moved(entry.moved).map_err(sum)?;
            encode_as(key, &entry)?
        }
        Some(Kind::Told) => {
            let mut told: Told = decode_compressed(key, bytes)?;
            match told.rename(|member| forgotten.renamed(member)).map_err(sum)? {
                Ok(()) => encode_compressed(&told)?,
                Err(Busy) => return Err(RewriteError::InDoubt { key: key.to_owned() }),
            }
        }
        Some(Kind::Configuration | Kind::InForce | Kind::Metering) => {
            return Err(RewriteError::Theirs { key: key.to_owned() });
        }
        None if !is_output(key) => return Err(RewriteError::Foreign { key: key.to_owned() }),
        _ => replaced(key, bytes, name, forgotten.alias(name.as_str()).unwrap_or_default())?,
    }))
}

/// Whether it is a file of the local outputs.
fn is_output(key: &str) -> bool {
    key.starts_with("out/") && has_extension(key, "jsonl")
}

/// A text with the name replaced, if it still is what lies at its key.
fn replaced(key: &str, bytes: &Bytes, name: &Name, alias: &str) -> Result<Bytes, DocumentError> {
    let text = String::from_utf8_lossy(bytes);
    // The first line of a table says what its columns are.
    let head = if has_extension(key, "csv") { text.find('\n').map_or(0, |end| end + 1) } else { 0 };
    let (head, body) = text.split_at_checked(head).unwrap_or(("", &text));
    let Some(body) = name.replaced(body, alias) else { return Ok(bytes.clone()) };
    let bytes = Bytes::from(format!("{head}{body}"));
    check(key, &bytes)?;
    Ok(bytes)
}

/// Reads a document as what it must be.
fn check(key: &str, bytes: &Bytes) -> Result<(), DocumentError> {
    fn read<D: Document>(key: &str, bytes: &Bytes) -> Result<(), DocumentError> {
        decode::<D>(key, bytes).map(drop)
    }
    match Kind::of(key) {
        Some(Kind::Sealed) => read::<SealedDelivery>(key, bytes),
        Some(Kind::Ready) => read::<ReadyDelivery>(key, bytes),
        Some(Kind::SeenManifest) => read::<SeenManifest>(key, bytes),
        Some(Kind::Series) => read::<Members>(key, bytes),
        Some(Kind::Health) => read::<PutHealth>(key, bytes),
        Some(Kind::Gauges) => read::<PutGauges>(key, bytes),
        Some(Kind::Alerts) => read::<AlertState>(key, bytes),
        Some(Kind::Digests) => read::<DigestState>(key, bytes),
        Some(Kind::Note) => read::<StoredNote>(key, bytes),
        Some(Kind::Operations) => read::<OperationsState>(key, bytes),
        Some(Kind::Subscriptions) => read::<SubscriptionsState>(key, bytes),
        Some(Kind::PageNumbers) => read::<PageNumbers>(key, bytes),
        Some(Kind::Chargeback) => read::<About>(key, bytes),
        _ => Ok(()),
    }
}
