//! A ledger on disk, and which of its periods a command is about.

use std::collections::BTreeSet;
use std::path::Path;

use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::selection::meant;
use spend_core::text::clean;
use spend_ledger::state::committed;
use spend_ledger::state::keys::Statement;
use spend_ledger::store::StoreError;
use spend_ledger::store::directory::{DirectoryStore, OWN_FOLDER};

use crate::error::CommandError;

/// How many months are named.
const MONTHS: usize = 12;

/// The ledger, to be read.
pub(crate) fn open(ledger: &Path) -> Result<DirectoryStore, CommandError> {
    DirectoryStore::open_read_only(ledger.to_owned()).map_err(|error| match error {
        StoreError::NotFound { .. } => no_ledger(ledger),
        other => CommandError::of_folder("--ledger", ledger, other),
    })
}

/// The ledger, to be read, if there is one: a folder of other things is none.
pub(crate) async fn there(ledger: &Path) -> Result<DirectoryStore, CommandError> {
    let store = open(ledger)?;
    if is_used(ledger) || !committed::statements(&store).await?.is_empty() { Ok(store) } else { Err(no_ledger(ledger)) }
}

/// Whether a command has ever written there.
fn is_used(ledger: &Path) -> bool {
    ledger.join(OWN_FOLDER).is_dir()
}

/// The committed statements of `period` and `export_id`, or of all where one is not given, sorted.
pub(crate) async fn of(
    store: &DirectoryStore,
    ledger: &Path,
    period: Option<BillingPeriod>,
    export_id: Option<&str>,
) -> Result<Vec<Statement>, CommandError> {
    let statements = committed::statements(store).await?;
    let is_wanted = |statement: &&Statement| {
        period.is_none_or(|period| statement.period == period)
            && export_id.is_none_or(|export_id| statement.export_id == export_id)
    };
    let wanted: Vec<_> = statements.iter().filter(is_wanted).cloned().collect();
    if !wanted.is_empty() {
        return Ok(wanted);
    }
    if statements.is_empty() {
        return Err(nothing_delivered(ledger));
    }
    Err(CommandError::NothingFound(format!("{} has {}", ledger.display(), instead(&statements, period, export_id))))
}

/// What a ledger has instead of a period and an export that it does not have together: `nothing of 2026-13; …`.
fn instead(statements: &[Statement], period: Option<BillingPeriod>, export_id: Option<&str>) -> String {
    let exports: BTreeSet<&str> = statements.iter().map(|statement| statement.export_id.as_str()).collect();
    if let Some(unknown) = export_id.filter(|export_id| !exports.contains(export_id)) {
        let meant = meant(unknown, exports.iter().copied()).map_or_else(String::new, |meant| format!("; {meant}"));
        let known: Vec<_> = exports.into_iter().collect();
        return format!("no export {}; it has {}{meant}", clean(unknown), known.join(", "));
    }
    let of_export = statements.iter().filter(|found| export_id.is_none_or(|export_id| export_id == found.export_id));
    let periods: BTreeSet<_> = of_export.map(|statement| statement.period).collect();
    let periods: Vec<_> = periods.into_iter().map(|period| period.to_string()).collect();
    let of = export_id.map_or_else(String::new, |export_id| format!(" of {export_id}"));
    let wanted = period.map_or_else(String::new, |period| period.to_string());
    format!("nothing{of} in {wanted}; it has {}", spans(&periods))
}

/// Months, in order; of many the first, the last and how many.
fn spans(months: &[String]) -> String {
    match (months.first(), months.last()) {
        (Some(first), Some(last)) if months.len() > MONTHS => format!("{} months from {first} to {last}", months.len()),
        _ => months.join(", "),
    }
}

/// Why there is nothing to read: no ledger, or nothing in it.
pub(crate) fn nothing_delivered(ledger: &Path) -> CommandError {
    if !is_used(ledger) {
        return no_ledger(ledger);
    }
    let ledger = ledger.display();
    CommandError::NothingFound(format!(
        "{ledger} holds no delivery that could be told of: bedrock-ledger run publishes them, or says why it does not"
    ))
}

fn no_ledger(ledger: &Path) -> CommandError {
    let ledger = ledger.display();
    CommandError::NothingFound(format!(
        "{ledger} holds no ledger: make one with bedrock-ledger run --export DIR --ledger {ledger}"
    ))
}
