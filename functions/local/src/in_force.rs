//! The configuration in force: the last one that a command was given, kept in the ledger.

use std::path::Path;

use spend_ledger::config::Config;
use spend_ledger::in_force::{self, InForceError};
use spend_ledger::store::Store;

use crate::error::CommandError;

/// The configuration that `path` names, put in force; without one what is in force, else the defaults.
///
/// # Errors
///
/// [`CommandError`]; of a file that is no configuration nothing is put in force.
pub(crate) async fn put<L: Store>(ledger: &L, path: Option<&Path>) -> Result<Config, CommandError> {
    let Some(path) = path else { return Ok(in_force::read(ledger).await?.unwrap_or_default()) };
    Ok(in_force::put(ledger, &path.display().to_string(), text(path)?).await?)
}

/// The configuration that `path` names, to be used once; without one what is in force, else the defaults.
///
/// # Errors
///
/// [`CommandError`].
pub(crate) async fn get<L: Store>(ledger: &L, path: Option<&Path>) -> Result<Config, CommandError> {
    let Some(path) = path else { return Ok(in_force::read(ledger).await?.unwrap_or_default()) };
    Ok(Config::parse(&path.display().to_string(), &text(path)?).map_err(InForceError::from)?)
}

fn text(path: &Path) -> Result<String, CommandError> {
    std::fs::read_to_string(path).map_err(|source| CommandError::File {
        action: "read the configuration",
        path: path.to_owned(),
        source,
    })
}
