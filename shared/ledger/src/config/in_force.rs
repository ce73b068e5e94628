//! The configuration in force: the last one that was valid. Its owner writes [`keys::CONFIG`], which is copied to
//! [`keys::CONFIG_IN_FORCE`] if it is one, and only the copy is ever used.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::messages::operations::adopted::{FirstConfig, WeakerConfig};
use spend_core::messages::operations::broken::BrokenConfig;

use crate::config::problem::ConfigError;
use crate::config::settings::{Config, FirstRun};
use crate::config::{encoding, weaker};
use crate::outputs::operations::{self, Note, NoteError};
use crate::state::keys;
use crate::store::conditional::{ATTEMPTS, put_over};
use crate::store::{ETag, Put, Store, StoreError};

/// Why there is no configuration to go by, or none was put in force.
#[derive(Debug, thiserror::Error)]
pub enum InForceError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not valid: of one that is to be put in force, nothing was written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A note that the configuration is not valid was not left.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Others changed the configuration in force at the same time.
    #[error("the configuration in force was changed by others at the same time: run again")]
    Race,
}

impl Fault for InForceError {
    fn says(&self) -> Says<'_> {
        match self {
            Self::Store(error) => Says::As(error),
            Self::Config(error) => Says::As(error),
            Self::Note(error) => Says::As(error),
            Self::Race => Says::Itself("store.conflict", Class::Retry),
        }
    }
}

/// The configuration in force, if there is one.
///
/// It is invalid only if another release, or something else than this program, wrote it.
pub async fn read<S: Store>(store: &S) -> Result<Option<Config>, InForceError> {
    let Some((bytes, _)) = store.get(keys::CONFIG_IN_FORCE).await? else { return Ok(None) };
    Ok(Some(Config::parse(keys::CONFIG_IN_FORCE, &encoding::text(keys::CONFIG_IN_FORCE, bytes.into())?)?))
}

/// What a deployment goes by: the configuration in force, else the defaults, except that the first evaluation of
/// budgets sends one summary.
pub async fn of_deployment<S: Store>(store: &S) -> Result<Config, InForceError> {
    let default = || Config { first_run: FirstRun::Summary, ..Config::default() };
    Ok(read(store).await?.unwrap_or_else(default))
}

/// Where a step finds its configuration, each time that it looks. A step that plans looks after it has read the state
/// that the plan replaces, see [`crate::state::basis`].
pub trait Configured: Sync {
    /// The configuration as it is now.
    fn config(&self) -> impl Future<Output = Result<Config, InForceError>> + Send;
}

/// One that does not change: of a command that nobody else runs beside.
impl Configured for Config {
    async fn config(&self) -> Result<Config, InForceError> {
        Ok(self.clone())
    }
}

/// Which configuration is in force, and since when by the store's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Its version; empty where there is none, and the defaults are in force.
    pub etag: ETag,
    /// When it was written. The defaults are older than any.
    pub written_at: DateTime<Utc>,
}

/// Which configuration is in force.
pub async fn version<S: Store>(store: &S) -> Result<InForce, StoreError> {
    let head = store.head(keys::CONFIG_IN_FORCE).await?;
    let head = head.map(|head| InForce { etag: head.etag, written_at: head.last_modified });
    Ok(head.unwrap_or_else(|| InForce { etag: ETag(String::new()), written_at: DateTime::UNIX_EPOCH }))
}

/// As [`of_deployment`], with which one it is.
///
/// # Errors
///
/// As [`of_deployment`]; [`InForceError::Race`] if it is replaced again and again meanwhile.
pub async fn version_of_deployment<S: Store>(store: &S) -> Result<(Config, InForce), InForceError> {
    let mut before = version(store).await?;
    for _ in 0..ATTEMPTS {
        let config = of_deployment(store).await?;
        let after = version(store).await?;
        if after == before {
            return Ok((config, after));
        }
        before = after;
    }
    Err(InForceError::Race)
}

/// Puts `text` in force, if it is valid. `file` is how errors call it.
///
/// After a race that was lost to another text nothing was written. Losing to identical bytes counts as success.
pub async fn put<S: Store>(store: &S, file: &str, text: String) -> Result<Config, InForceError> {
    let in_force = store.get(keys::CONFIG_IN_FORCE).await?;
    let config = Config::parse(file, &text)?;
    let bytes = Bytes::from(text);
    if replace(store, in_force, bytes.clone()).await?.is_some() {
        return Ok(config);
    }
    match store.get(keys::CONFIG_IN_FORCE).await? {
        Some((found, _)) if found == bytes => Ok(config),
        _ => Err(InForceError::Race),
    }
}

/// What became of the configuration that its owner wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// There is none: the one in force, if any, stays.
    Absent,
    /// It is in force already.
    Unchanged,
    /// It is in force from now on.
    Replaced,
    /// It is not valid, and operations has a note. The last good one stays.
    Refused,
}

impl Adopted {
    /// The name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
            Self::Refused => "refused",
        }
    }
}

/// Puts in force what its owner wrote, together with the files beside it that it names, if it is valid; else leaves a
/// note to operations, once for each version of it. Operations is told too of what it tells less of than the one before:
/// budgets that are gone or raised, mutes.
///
/// What is in force is read first: whoever adopts an older version after somebody has adopted a newer one loses, and
/// looks again.
///
/// Running it again is safe.
pub async fn adopt<S: Store>(store: &S, now: DateTime<Utc>) -> Result<Adopted, InForceError> {
    for _ in 0..ATTEMPTS {
        let in_force = store.get(keys::CONFIG_IN_FORCE).await?;
        let Some(Written { version, files }) = written(store).await? else { return Ok(Adopted::Absent) };
        let (config, text) = match files.and_then(|(bytes, files)| parse(bytes, files)) {
            Ok(parsed) => parsed,
            Err(error) => {
                operations::leave(store, &broken(&error, &version, in_force.is_some()), now).await?;
                return Ok(Adopted::Refused);
            }
        };
        let bytes = Bytes::from(text);
        // Before it is in force: whoever dies in between leaves it again, under the same id. Who loses the race to another
        // text has told of one that was in force for nobody, or only just.
        if in_force.as_ref().is_none_or(|(found, _)| *found != bytes)
            && let Some(note) = weaker(store, in_force.as_ref(), (&config, &bytes), now).await?
        {
            operations::leave(store, &note, now).await?;
        }
        if let Some(adopted) = replace(store, in_force, bytes).await? {
            return Ok(adopted);
        }
    }
    Err(InForceError::Race)
}

/// What the owner of a configuration wrote.
struct Written {
    /// The version of all of it.
    version: String,
    /// The configuration, and the files that it names beside it, by name; unless they are larger than is read. A file that is
    /// not there is spoken of where the configuration names it.
    files: Result<(Bytes, BTreeMap<String, Bytes>), ConfigError>,
}

/// What the owner of the configuration wrote, if anything.
async fn written<S: Store>(store: &S) -> Result<Option<Written>, StoreError> {
    let mut size = 0;
    let (config, mut version) = match sized(store, keys::CONFIG, &mut size).await? {
        None => return Ok(None),
        Some((Err(error), etag)) => return Ok(Some(Written { version: etag.0, files: Err(error) })),
        Some((Ok(bytes), etag)) => (bytes, etag.0),
    };
    let mut files = BTreeMap::new();
    for name in Config::files(&String::from_utf8_lossy(&config)) {
        let Some((found, etag)) = sized(store, &keys::beside_config(&name), &mut size).await? else { continue };
        version = format!("{version} {name} {etag}");
        match found {
            Ok(bytes) => drop(files.insert(name, bytes)),
            Err(error) => return Ok(Some(Written { version, files: Err(error) })),
        }
    }
    Ok(Some(Written { version, files: Ok((config, files)) }))
}

/// An object that is read if it is not too large with those before it, whose sizes `size` is the sum of.
async fn sized<S: Store>(
    store: &S,
    key: &str,
    size: &mut u64,
) -> Result<Option<(Result<Bytes, ConfigError>, ETag)>, StoreError> {
    let Some(head) = store.head(key).await? else { return Ok(None) };
    if let Err(error) = encoding::check_size(key, size.saturating_add(head.size)) {
        return Ok(Some((Err(error), head.etag)));
    }
    let Some((bytes, etag)) = store.get(key).await? else { return Ok(None) };
    // Another version than the one that was looked at may be larger.
    *size = size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let bytes = encoding::check_size(key, *size).map(|()| bytes);
    Ok(Some((bytes, etag)))
}

/// The note of what `new` tells less of than the configuration in force, if there is anything. It is one for each time that
/// one takes the place of another: its id names both, and since when the old one is in force.
async fn weaker<S: Store>(
    store: &S,
    in_force: Option<&(Bytes, ETag)>,
    (new, bytes): (&Config, &Bytes),
    now: DateTime<Utc>,
) -> Result<Option<Note>, StoreError> {
    let hash = keys::hash(&[&String::from_utf8_lossy(bytes)]);
    let file = keys::CONFIG;
    let old = in_force.map(|(bytes, _)| {
        let text = encoding::text(keys::CONFIG_IN_FORCE, bytes.clone().into())?;
        Config::parse(keys::CONFIG_IN_FORCE, &text)
    });
    if let Some(Ok(old)) = old {
        let changes = weaker::changes(&old, new, now);
        if changes.is_empty() {
            return Ok(None);
        }
        let InForce { etag, written_at } = version(store).await?;
        let text = WeakerConfig { file, changes: &changes, now }.text();
        return Ok(Some(Note { id: format!("config-weaker:{etag}:{}:{hash}", written_at.timestamp()), text }));
    }
    // Before anything is committed nobody was told of anything.
    let is_unreadable = old.is_some();
    if !is_unreadable && store.list(keys::STATE_PREFIX).await?.is_empty() {
        return Ok(None);
    }
    let (rules, mutes) = (new.rules.all().count(), new.mutes_in_force(now).count());
    let text = FirstConfig { file, is_unreadable, rules, mutes, now }.text();
    Ok(Some(Note { id: format!("config-first:{}:{hash}", now.date_naive()), text }))
}

/// The configuration and the text that is to be put in force, if it is valid with the files beside it.
fn parse(bytes: Bytes, beside: BTreeMap<String, Bytes>) -> Result<(Config, String), ConfigError> {
    let text = encoding::text(keys::CONFIG, bytes.into())?;
    let mut files = BTreeMap::new();
    for (name, bytes) in beside {
        let content = encoding::text(&keys::beside_config(&name), bytes.into())?;
        files.insert(name, content);
    }
    Config::adopt(keys::CONFIG, &text, &files)
}

/// Writes what is to be in force over what was read. `None` is a lost race.
async fn replace<S: Store>(
    store: &S,
    in_force: Option<(Bytes, ETag)>,
    bytes: Bytes,
) -> Result<Option<Adopted>, StoreError> {
    let put = match in_force {
        Some((found, _)) if found == bytes => return Ok(Some(Adopted::Unchanged)),
        read => put_over(store, keys::CONFIG_IN_FORCE, bytes, read.map(|(_, etag)| etag).as_ref()).await?,
    };
    Ok(match put {
        Put::Written(_) => Some(Adopted::Replaced),
        Put::Lost => None,
    })
}

fn broken(error: &ConfigError, version: &str, has_earlier: bool) -> Note {
    let problems: Vec<_> = error.to_string().lines().map(str::to_owned).collect();
    let text = BrokenConfig { file: keys::CONFIG, problems: &problems, has_earlier }.text();
    Note { id: format!("config:{version}"), text }
}

#[cfg(test)]
mod tests;
