//! The configuration in force: the last one that a command was given, kept in the ledger.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use bytes::Bytes;
use spend_ledger::config::Config;
use spend_ledger::keys::CONFIG_IN_FORCE;
use spend_ledger::store::{Put, Store};
use spend_pipeline::aggregate::Deriver;

use crate::error::CommandError;

/// What facts are derived with.
pub(crate) fn deriver(config: &Config) -> Deriver {
    Deriver {
        derivation: config.derivation(),
        fingerprint: config.derivation_fingerprint(),
        kept_tags: config.kept_tags(),
    }
}

/// The configuration that `path` names, put in force; without one what is in force, else the defaults.
///
/// # Errors
///
/// [`CommandError`]; of a file that is no configuration nothing is put in force.
pub(crate) async fn put<L: Store>(ledger: &L, path: Option<&Path>) -> Result<Config, CommandError> {
    let in_force = ledger.get(CONFIG_IN_FORCE).await?;
    let Some(path) = path else {
        let Some((bytes, _)) = in_force else { return Ok(Config::default()) };
        return Ok(Config::parse(CONFIG_IN_FORCE, &String::from_utf8_lossy(&bytes))?);
    };
    let (config, text) = read(path)?;
    let bytes = Bytes::from(text);
    let put = match in_force {
        Some((found, _)) if found == bytes => return Ok(config),
        Some((_, etag)) => ledger.put_if_match(CONFIG_IN_FORCE, bytes, &etag).await?,
        None => ledger.put_if_absent(CONFIG_IN_FORCE, bytes).await?,
    };
    match put {
        Put::Written(_) => Ok(config),
        Put::Lost => Err(CommandError::ConfigRace),
    }
}

/// The configuration that `path` names, read with the files beside it, and the text that is to be put in force.
///
/// # Errors
///
/// [`CommandError`].
pub(crate) fn read(path: &Path) -> Result<(Config, String), CommandError> {
    let text = std::fs::read_to_string(path).map_err(|source| CommandError::File {
        action: "read the configuration",
        path: path.to_owned(),
        source,
    })?;
    let mut files = BTreeMap::new();
    for name in Config::files(&text) {
        let beside = path.with_file_name(&name);
        match std::fs::read_to_string(&beside) {
            Ok(content) => drop(files.insert(name, content)),
            // The configuration says where it is named.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(CommandError::File { action: "read", path: beside, source }),
        }
    }
    Ok(Config::adopt(&path.display().to_string(), &text, &files)?)
}
