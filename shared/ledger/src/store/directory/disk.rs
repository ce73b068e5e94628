//! What the store in a folder and its listing share: its own folder, what is left out, and what errors of the disk mean.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;

use chrono::{DateTime, Utc};

use crate::store::StoreError;

/// The folder below the root that is the store's own: no key begins with it, and no listing shows it.
pub const OWN_FOLDER: &str = ".store";

/// Something below a store's folder that is no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The key that it would have; of a folder without what is below it.
    pub key: String,
    /// Why it is none.
    pub reason: &'static str,
}

/// Why a symbolic link is no object.
pub const IS_A_LINK: &str = "a symbolic link stands in its path, and none is followed below the folder that was named; \
                             put the file or folder itself there";

/// Why a path is none.
pub const IS_TOO_LONG: &str = "its path is longer than the 1024 bytes of a key; shorten it";

/// Whether a path leads to no file: also where one of its folders is a file.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

pub(crate) fn last_modified(metadata: &Metadata) -> io::Result<DateTime<Utc>> {
    DateTime::from_timestamp(metadata.mtime(), 0)
        .ok_or_else(|| io::Error::other("its modification time is no date; set another with `touch`"))
}

pub(crate) fn failed(action: &'static str, key: &str, error: io::Error) -> StoreError {
    let key = key.to_owned();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::Denied { action, key, source: Box::new(error) }
        }
        ErrorKind::InvalidFilename => {
            StoreError::BadKey { key, reason: "one of its parts is longer than this file system allows" }
        }
        _ => StoreError::Unavailable { action, key, source: Box::new(error) },
    }
}
