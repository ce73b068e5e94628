//! Files and folders that are their owner's alone, as everything is that this program writes on a disk: names and spend of
//! people are in it. The umask can take rights away, and give none.
//!
//! What was there before keeps its rights: a folder that somebody made and named is theirs to open to others.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Who may do what with a file that is new: its owner reads and writes it.
const FILE: u32 = 0o600;
/// The same of a folder.
const FOLDER: u32 = 0o700;

/// How a file is opened that may be made by it.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE);
    options
}

/// Makes the folder and those above it, as far as they are not there.
pub fn create_folders(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(folder)
}
