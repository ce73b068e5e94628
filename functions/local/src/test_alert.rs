//! `test-alert`: a message that tells of nothing, the way of every alert.

use std::io::Write;

use chrono::{DateTime, SubsecRound, Utc};
use spend_ledger::alert;
use spend_ledger::outputs::MessageFile;
use spend_ledger::outputs::outbox::Lease;

use crate::cli::TestAlert;
use crate::error::CommandError;
use crate::{ledger, periods};

/// Sends it, and says in `notes` where it can be read.
pub(crate) async fn run(options: &TestAlert, now: DateTime<Utc>, notes: &mut impl Write) -> Result<(), CommandError> {
    // A mistyped name must not become a ledger.
    periods::there(&options.ledger).await?;
    let (store, _turn) = ledger::open(&options.ledger, notes)?;
    let messages = MessageFile::in_ledger(&options.ledger);
    let id = alert::test(&store, &messages, Lease::Alone, options.now.unwrap_or(now).trunc_subsecs(0)).await?;
    writeln!(notes, "sent {id} to alerts and events: {}", options.ledger.join("out/messages.jsonl").display())?;
    Ok(())
}
