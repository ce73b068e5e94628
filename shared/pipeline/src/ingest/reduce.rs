//! The step map: a chunk is reduced to its Bedrock rows, once for each version of the file.

use std::collections::HashMap;
use std::sync::Arc;

use spend_core::bill::line::KeptTags;
use spend_core::bill::reduction::Reduction;
use spend_cur::chunk;
use spend_cur::error::CurError;
use spend_ledger::forgotten;
use spend_ledger::state::delivery::PinnedChunk;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::reduction::StoredReduction;
use spend_ledger::state::tabular;
use spend_ledger::store::{Put, Store, StoreError};

use crate::error::{PipelineError, not_found};
use crate::files::pinned::{PinnedObject, Turn};

/// Reductions that are in memory as they are stored, by their keys.
pub type Reductions = HashMap<String, Reduction>;

/// Reduces `chunk` to its Bedrock rows unless that was done before. Returns whether there was something to do.
///
/// # Errors
///
/// [`PipelineError`]; a damaged chunk or one without the columns that are needed is an error of its own.
pub async fn map<E, L>(
    export: &Arc<E>,
    ledger: &L,
    statement: &Statement,
    chunk: &PinnedChunk,
    kept: &KeptTags,
) -> Result<bool, PipelineError>
where
    E: Store + Send + 'static,
    L: Store,
{
    map_and(export, ledger, statement, chunk, kept, |_, reduction| drop(reduction)).await
}

/// As [`map`]. Its key and the reduction are handed to `keep` before it is written.
///
/// # Errors
///
/// [`PipelineError`]
pub async fn map_and<E, L>(
    export: &Arc<E>,
    ledger: &L,
    statement: &Statement,
    chunk: &PinnedChunk,
    kept: &KeptTags,
    keep: impl FnOnce(&str, Reduction),
) -> Result<bool, PipelineError>
where
    E: Store + Send + 'static,
    L: Store,
{
    let key = statement.reduction_key(&chunk.key, &chunk.etag, kept);
    if ledger.head(&key).await?.is_some() {
        return Ok(false);
    }
    let turn = Turn::default();
    let source = PinnedObject::with_turn(export, chunk, &turn);
    let reduced = Box::pin(chunk::sum(&chunk.key, statement.period, kept, source)).await;
    let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
    let Reduction { counts, lines } = reduced.map_err(from_source)?.finish();
    let (forgotten, _) = forgotten::read::<_, PipelineError>(ledger).await?;
    let lines = forgotten.lines(lines).map_err(out_of_range)?;
    let stored = StoredReduction { chunk: chunk.key.clone(), etag: chunk.etag.clone(), counts, lines };
    // Losing this write is fine: the other writer has made the same object.
    let bytes = tabular::encode(&stored)?;
    keep(&key, Reduction { counts: stored.counts, lines: stored.lines });
    let (Put::Written(_) | Put::Lost) = ledger.put_if_absent(&key, bytes).await?;
    drop(turn);
    Ok(true)
}

/// A reduction that was stored, with its lines: that of the release before, where this one has not read the chunk.
///
/// # Errors
///
/// [`PipelineError`]; a reduction that is not there is [`StoreError::NotFound`].
pub async fn load_reduction<L: Store>(
    ledger: &L,
    statement: &Statement,
    chunk: &PinnedChunk,
    kept: &KeptTags,
) -> Result<Reduction, PipelineError> {
    let key = statement.reduction_key(&chunk.key, &chunk.etag, kept);
    let earlier = statement.earlier_reduction_key(&chunk.key, &chunk.etag, kept);
    let (key, bytes) = match ledger.get(&key).await? {
        Some((bytes, _)) => (key, bytes),
        None => match ledger.get(&earlier).await? {
            Some((bytes, _)) => (earlier, bytes),
            None => return Err(not_found(&key).into()),
        },
    };
    let stored: StoredReduction = tabular::decode(&key, &bytes)?;
    let reduction = Reduction { counts: stored.counts, lines: stored.lines };
    match reduction.check_texts() {
        Ok(()) => Ok(reduction),
        Err((column, reason)) => {
            Err(PipelineError::Overlong { key, chunk: stored.chunk, column: column.to_owned(), reason })
        }
    }
}

/// The store's own error, where one kept a chunk from being read. Its class tells a replaced chunk, which is waited
/// for, from a forbidden one, which a person must see to.
fn from_source(error: CurError) -> PipelineError {
    match error {
        CurError::Source { file, range, source } => match source.downcast::<StoreError>() {
            Ok(error) => PipelineError::Store(*error),
            Err(source) => PipelineError::Export(CurError::Source { file, range, source }),
        },
        error => PipelineError::Export(error),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use spend_core::bill::line::{LineField, LineKey, LineTable, ScanCounts};
    use spend_core::errors::class::Class;
    use spend_core::errors::fault::Fault as _;
    use spend_core::table::measures::Measures;
    use spend_ledger::store::memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_reduction_of_before_texts_had_a_limit_is_refused_with_its_cure() {
        let statement = Statement { export_id: "e".to_owned(), period: "2026-11".parse().unwrap() };
        let chunk = PinnedChunk {
            key: "e/data/BILLING_PERIOD=2026-11/e-00001.csv.gz".to_owned(),
            etag: spend_ledger::store::ETag("1".to_owned()),
            size: 1,
            last_modified: DateTime::UNIX_EPOCH,
        };
        for (length, is_read) in [(2_048, true), (110 << 10, false)] {
            let fields = LineField::ALL.map(|_| Arc::from("x".repeat(length)));
            let key = LineKey { usage_date: statement.period.first_day(), fields, tags: Arc::default() };
            let lines = LineTable::of([(key, Measures::default())]).unwrap();
            let (name, etag) = (chunk.key.clone(), chunk.etag.clone());
            let stored = StoredReduction { chunk: name, etag, counts: ScanCounts::default(), lines };
            let ledger = MemoryStore::default();
            let kept = KeptTags::default();
            let at = statement.reduction_key(&chunk.key, &chunk.etag, &kept);
            let (Put::Written(_) | Put::Lost) =
                ledger.put_if_absent(&at, tabular::encode(&stored).unwrap()).await.unwrap();
            let read = load_reduction(&ledger, &statement, &chunk, &kept).await;
            assert_eq!(read.is_ok(), is_read);
            let Err(error) = read else { continue };
            assert_eq!((error.kind(), error.class()), ("export.too_long", Class::Operator));
            let text = error.to_string();
            assert!(
                text.starts_with(&at) && text.contains(&chunk.key) && text.contains(" remove the object"),
                "{text}"
            );
            assert!(text.len() < 1_000, "{text}");
        }
    }
}
