//! The facts of a delivery, from its reductions.

use spend_core::facts::derivation::Facts;
use spend_core::table::sharing::Sharing;
use spend_ledger::forgotten;
use spend_ledger::state::delivery::SealedDelivery;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::Store;

use crate::error::PipelineError;
use crate::ingest;
use crate::period::deriver::Deriver;

/// The facts of a delivery, from its reductions.
pub(crate) async fn derive<L: Store>(
    ledger: &L,
    statement: &Statement,
    delivery: &SealedDelivery,
    with: &Deriver,
) -> Result<Facts, PipelineError> {
    let out_of_range = |source| PipelineError::Sum { statement: statement.to_string(), source };
    let (forgotten, _) = forgotten::read::<_, PipelineError>(ledger).await?;
    let mut reductions = Vec::new();
    let mut sharing = Sharing::default();
    for chunk in &delivery.chunks {
        let mut reduction = ingest::load_reduction(ledger, statement, chunk, &with.kept_tags).await?;
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
