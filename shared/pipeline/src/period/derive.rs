//! The facts of a delivery, from its reductions.

use spend_core::facts::derivation::Facts;
use spend_core::table::sharing::Sharing;
use spend_ledger::forgotten;
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::Store;

use crate::error::PipelineError;
use crate::ingest::{self, Reductions};
use crate::period::deriver::Deriver;

/// The facts of a delivery, from its reductions. Those that are in memory are taken from there.
pub(crate) async fn derive<L: Store>(
    ledger: &L,
    statement: &Statement,
    delivery: &SealedDelivery,
    known: &mut Reductions,
    with: &Deriver,
) -> Result<Facts, PipelineError> {
    let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
    let (forgotten, _) = forgotten::read::<_, PipelineError>(ledger).await?;
    let mut reductions = Vec::new();
    let mut sharing = Sharing::default();
    for chunk in &delivery.chunks {
        let key = statement.reduction_key(&chunk.key, &chunk.etag, &with.kept_tags);
        let mut reduction = match known.remove(&key) {
            Some(reduction) => reduction,
            None => ingest::load_reduction(ledger, statement, chunk, &with.kept_tags).await?,
        };
        // A reduction that was being made while somebody was forgotten still has the name.
        reduction.lines = forgotten.lines(reduction.lines).map_err(out_of_range)?;
        if delivery.chunks.len() > 1 {
            sharing.share(&mut reduction.lines);
        }
        reductions.push(reduction);
    }
    drop(sharing);
    with.derivation.derive_of(reductions).map_err(out_of_range)
}
