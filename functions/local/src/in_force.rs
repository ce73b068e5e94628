//! The configuration in force: the last one that a command was given, kept in the ledger.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use spend_ledger::config::in_force::{self, InForceError};
use spend_ledger::config::{self, Config};
use spend_ledger::store::Store;

use crate::error::CommandError;

/// The configuration that `path` names, put in force; without one what is in force, else the defaults.
///
/// # Errors
///
/// [`CommandError`]; of a file that is no configuration nothing is put in force.
pub(crate) async fn put<L: Store>(ledger: &L, path: Option<&Path>) -> Result<Config, CommandError> {
    let Some(path) = path else { return Ok(in_force::read(ledger).await?.unwrap_or_default()) };
    let (_, text) = read(path)?;
    Ok(in_force::put(ledger, &path.display().to_string(), text).await?)
}

/// The configuration that `path` names, to be used once; without one what is in force, else the defaults.
pub(crate) async fn get<L: Store>(ledger: &L, path: Option<&Path>) -> Result<Config, CommandError> {
    let Some(path) = path else { return Ok(in_force::read(ledger).await?.unwrap_or_default()) };
    Ok(read(path)?.0)
}

/// The configuration that `path` names, read with the files beside it, and the text that is to be put in force.
pub(crate) fn read(path: &Path) -> Result<(Config, String), CommandError> {
    let bytes = std::fs::read(path).map_err(|source| CommandError::File {
        action: "read the configuration",
        path: path.to_owned(),
        source,
    })?;
    let mut size = 0;
    let mut text = |path: &Path, bytes: Vec<u8>| {
        let name = path.display().to_string();
        size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        config::check_size(&name, size).map_err(InForceError::from)?;
        config::text(&name, bytes).map_err(InForceError::from)
    };
    let config = text(path, bytes)?;
    let mut files = BTreeMap::new();
    for name in Config::files(&config) {
        let beside = path.with_file_name(&name);
        match std::fs::read(&beside) {
            Ok(bytes) => {
                files.insert(name, text(&beside, bytes)?);
            }
            // The configuration says where it is named.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(CommandError::File { action: "read", path: beside, source }),
        }
    }
    Ok(Config::adopt(&path.display().to_string(), &config, &files).map_err(InForceError::from)?)
}
