//! `claim`: which export a payer's month is counted from.

use std::io::Write;

use chrono::{DateTime, SubsecRound, Utc};
use spend_core::text::clean;
use spend_ledger::outputs::MetricsFile;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::Store;
use spend_pipeline::period::aggregated::Aggregated;
use spend_pipeline::period::claims;
use spend_pipeline::period::counting::{self, Moved};
use spend_pipeline::period::deriver::Deriver;

use crate::cli::Claim;
use crate::error::CommandError;
use crate::progress::Progress;
use crate::run::{self, Outlets};
use crate::sent::Post;
use crate::{in_force, ledger, periods};

/// Moves the claim, counts the export's deliveries, and lets gauges and alerts follow. What was, what is and what comes
/// next goes to `notes`.
///
/// # Errors
///
/// [`CommandError`]; run again, it goes on where it stopped.
pub(crate) async fn run(options: &Claim, now: DateTime<Utc>, notes: &mut impl Write) -> Result<(), CommandError> {
    let Claim { payer, period, export_id, .. } = options;
    let statement = Statement { export_id: export_id.clone(), period: *period };
    // Looking first: a claim of an export that has delivered nothing would leave the month empty.
    let there = periods::open(&options.ledger)?.list(&statement.deliveries_prefix()).await?;
    if !there.iter().any(|object| Statement::from_ready_key(&object.key).is_some()) {
        return Err(CommandError::NothingFound(format!(
            "{} has no delivery of {} for {period}, so nothing can be counted from it: see bedrock-ledger history for what \
             there is, or read it first with bedrock-ledger run",
            options.ledger.display(),
            clean(export_id)
        )));
    }
    let (ledger, _turn) = ledger::open(&options.ledger, notes)?;
    let payers = claims::payers(&ledger).await?;
    if !payers.contains(payer) {
        let known: Vec<_> = payers.iter().map(|payer| clean(payer)).collect();
        return Err(CommandError::NothingFound(format!(
            "no month of payer {} was ever counted: the ledger has {}",
            clean(payer),
            known.join(", ")
        )));
    }
    let config = in_force::put(&ledger, None).await?;
    if let Some(chosen) = config.counting.chosen(payer, *period).filter(|chosen| chosen != export_id) {
        return Err(CommandError::Unsupported(format!(
            "claims of [export] in the configuration counts {payer}/{period} from {chosen}: change it there, and run again \
             with --config"
        )));
    }
    if !config.counting.has_export(export_id) || !config.counting.has_payer(payer) {
        return Err(CommandError::Unsupported(format!(
            "count or payers of [export] in the configuration leaves out {} or {}: name it there, and run again with --config",
            clean(export_id),
            clean(payer)
        )));
    }
    let deriver = Deriver::from(&config);
    // State is stored to the second, and so is what is derived from it.
    let now = options.now.unwrap_or(now).trunc_subsecs(0);
    let Moved { was, left } = counting::move_claim(&ledger, payer, *period, export_id, now).await?;
    let (payer, export_id) = (clean(payer), clean(export_id));
    match was.as_deref() {
        None => {
            writeln!(notes, "{period} of payer {payer}: nobody had claimed it; it is counted from {export_id} now")?;
        }
        Some(was) if was == export_id => {
            writeln!(notes, "{period} of payer {payer}: it was counted from {export_id} already")?;
        }
        Some(was) => {
            let was = clean(was);
            writeln!(notes, "{period} of payer {payer}: it was counted from {was}, and is from {export_id} now")?;
        }
    }
    for other in left {
        writeln!(notes, "{} {period}: the spend of payer {payer} has left the month", clean(&other))?;
    }
    for (delivery_id, outcome) in counting::recount(&ledger, &statement, &deriver, now).await? {
        if outcome != Aggregated::Known {
            writeln!(notes, "{statement}: delivery {delivery_id}: {outcome}")?;
        }
    }
    let progress = Progress::on_stderr();
    let (metrics, post) = (MetricsFile::in_ledger(&options.ledger), Post::in_ledger(&options.ledger));
    let outlets = Outlets { metrics: &metrics, post: &post };
    let reacted = run::react(&ledger, None, outlets, &config, now, &progress, notes).await;
    progress.clear();
    post.tell(notes)?;
    reacted?;
    let ledger = options.ledger.display();
    writeln!(
        notes,
        "next: look at the month with bedrock-ledger report --ledger {ledger} --period {period} --by owner, and stop the \
         export that is not counted in AWS Data Exports. To go back, run this with the other --export-id"
    )?;
    Ok(())
}
