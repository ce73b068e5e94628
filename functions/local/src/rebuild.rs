//! `rebuild`: periods derived again from the reductions of their deliveries.

use std::io::Write;

use chrono::{DateTime, SubsecRound, Utc};
use spend_core::errors::fault::Fault as _;
use spend_ledger::outputs::MetricsFile;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::rebuild;

use crate::cli::Rebuild;
use crate::error::CommandError;
use crate::progress::Progress;
use crate::run::{self, Outlets};
use crate::sent::Post;
use crate::{in_force, ledger, periods};

/// Rebuilds, and lets gauges and alerts follow. Notes for people go to `notes`.
///
/// # Errors
///
/// [`CommandError`]; a period that cannot be derived again does not keep the others from it, and is an error at the
/// end.
pub(crate) async fn run(options: &Rebuild, now: DateTime<Utc>, notes: &mut impl Write) -> Result<(), CommandError> {
    // Looking first: a ledger that is not there is not made.
    let statements = periods::of(&periods::open(&options.ledger)?, &options.ledger, options.period, None).await?;
    let (ledger, _turn) = ledger::open(&options.ledger, notes)?;
    let config = in_force::put(&ledger, options.config.as_deref()).await?;
    let deriver = Deriver::from(&config);
    // State is stored to the second, and so is what is derived from it.
    let now = options.now.unwrap_or(now).trunc_subsecs(0);
    let progress = Progress::on_stderr();
    let mut failures = 0;
    for statement in &statements {
        progress.show(|| format!("deriving {statement} again"));
        let rebuilt = rebuild::rebuild(&ledger, statement, &deriver, now).await;
        progress.clear();
        match rebuilt {
            Ok(rebuilt) => writeln!(notes, "{statement}: {rebuilt}")?,
            Err(error) => {
                failures += 1;
                writeln!(notes, "error: {statement}: not derived again: {error} ({})", error.kind())?;
            }
        }
    }
    let (metrics, post) = (MetricsFile::in_ledger(&options.ledger), Post::in_ledger(&options.ledger));
    let outlets = Outlets { metrics: &metrics, post: &post };
    let reacted = run::react(&ledger, None, outlets, &config, now, &progress, notes).await;
    progress.clear();
    post.tell(notes)?;
    reacted?;
    match failures {
        0 => Ok(()),
        failures => Err(CommandError::NotRebuilt { failures, periods: statements.len() }),
    }
}
