//! Listing a folder as S3 lists a bucket: by a prefix of the whole key, sorted by the whole key.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use crate::store::directory::disk::{IS_A_LINK, IS_TOO_LONG, LeftOut, OWN_FOLDER, failed, is_absent, last_modified};
use crate::store::{MAX_KEY_BYTES, ObjectSummary, StoreError, check_key};

/// The objects below `root` whose keys start with `prefix`, and what of it is no object.
pub(super) fn list(root: &Path, prefix: &str) -> Result<(Vec<ObjectSummary>, Vec<LeftOut>), StoreError> {
    let mut walk = Walk { found: Vec::new(), left_out: Vec::new() };
    walk.folder(root, "", prefix)?;
    // A folder's place among its siblings is not the place of its keys: `a.b` comes before `a/b`.
    walk.found.sort_unstable_by(|left, right| left.key.cmp(&right.key));
    Ok((walk.found, walk.left_out))
}

/// It follows no links, so it ends, and it goes no deeper than keys are long.
struct Walk {
    found: Vec<ObjectSummary>,
    left_out: Vec<LeftOut>,
}

impl Walk {
    /// Lists what is below `path`, whose keys start with `parent`, as far as the rest of their keys starts with `rest`.
    fn folder(&mut self, path: &Path, parent: &str, rest: &str) -> Result<(), StoreError> {
        if let Some((name, below)) = rest.split_once('/') {
            // The prefix names the folder, so that the others need not be looked at.
            return match check_key(name) {
                Ok(()) => self.entry(&path.join(name), OsStr::new(name), parent, name, Some(below)),
                // No key has such a part.
                Err(_) => Ok(()),
            };
        }
        let failed = |error| failed("list", &path.to_string_lossy(), error);
        let entries = match fs::read_dir(path) {
            Err(error) if is_absent(&error) => return Ok(()),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            self.entry(&entry.path(), &entry.file_name(), parent, rest, None)?;
        }
        Ok(())
    }

    /// Lists one entry, if its name starts with `start`; `below` is what the rest of the keys must start with where
    /// only a folder will do.
    fn entry(
        &mut self,
        path: &Path,
        name: &OsStr,
        parent: &str,
        start: &str,
        below: Option<&str>,
    ) -> Result<(), StoreError> {
        if !name.as_encoded_bytes().starts_with(start.as_bytes()) || (parent.is_empty() && name == OWN_FOLDER) {
            return Ok(());
        }
        // A name that is not UTF-8 is shown as far as it can be, and refused to whoever reads it.
        let key = format!("{parent}{}", name.to_string_lossy());
        // What was there a moment ago and is not any more is not listed.
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if is_absent(&error) => return Ok(()),
            metadata => metadata.map_err(|error| failed("list", &key, error))?,
        };
        if metadata.is_symlink() {
            self.left_out.push(LeftOut { key, reason: IS_A_LINK });
        } else if metadata.is_dir() {
            let inner = format!("{key}/");
            if inner.len() < MAX_KEY_BYTES {
                return self.folder(path, &inner, below.unwrap_or_default());
            }
            self.left_out.push(LeftOut { key, reason: IS_TOO_LONG });
        } else if metadata.is_file() && below.is_none() {
            if key.len() > MAX_KEY_BYTES {
                self.left_out.push(LeftOut { key, reason: IS_TOO_LONG });
                return Ok(());
            }
            check_key(&key)?;
            self.found.push(summary(&key, &metadata).map_err(|error| failed("list", &key, error))?);
        }
        Ok(())
    }
}

fn summary(key: &str, metadata: &Metadata) -> io::Result<ObjectSummary> {
    Ok(ObjectSummary { key: key.to_owned(), size: metadata.len(), last_modified: last_modified(metadata)? })
}
