//! Files that are whole or absent: each is written beside its place and moved there, so that no full disk and no kill
//! leaves a part of it under its name. A new one is its owner's alone; one that is replaced keeps its rights.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use spend_ledger::store::private_files;

use crate::error::CommandError;

/// Writes files that belong together: all are whole beside their places before the first is moved to its own.
///
/// # Errors
///
/// [`CommandError::File`]; if one cannot be written, those that were there stay as they were.
pub(crate) fn write(files: &[(PathBuf, &[u8])]) -> Result<(), CommandError> {
    let mut written = Vec::new();
    for (path, bytes) in files {
        match Beside::write(path, bytes) {
            Ok(beside) => written.push((path, beside)),
            Err(source) => return Err(failed(path, source)),
        }
    }
    for (path, beside) in written {
        beside.publish().map_err(|source| failed(path, source))?;
    }
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> CommandError {
    CommandError::File { action: "write", path: path.to_owned(), source }
}

/// A file beside its place. Dropping it before it is published removes it.
#[derive(Debug)]
struct Beside {
    /// None where there was nothing to move: a device or a pipe is written to as it is.
    temporary: Option<PathBuf>,
    place: PathBuf,
}

impl Beside {
    fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        // What a link points to is replaced, not the link.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let permissions = match fs::metadata(&place) {
            Ok(found) if !found.is_file() => {
                fs::write(&place, bytes)?;
                return Ok(Self { temporary: None, place });
            }
            found => found.ok().map(|found| found.permissions()),
        };
        let beside = Self { temporary: Some(beside(&place)), place };
        beside.fill(bytes, permissions)?;
        Ok(beside)
    }

    fn fill(&self, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
        let Some(temporary) = &self.temporary else { return Ok(()) };
        let mut file = private_files::options().write(true).create(true).truncate(true).open(temporary)?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        file.write_all(bytes)?;
        // The name must not outlive a loss of power without what it names.
        file.sync_all()
    }

    fn publish(mut self) -> io::Result<()> {
        match self.temporary.take() {
            Some(temporary) => fs::rename(&temporary, &self.place).inspect_err(|_| drop(fs::remove_file(&temporary))),
            None => Ok(()),
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Best effort: there is nobody to tell.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// A name of its own in the same folder: only there can a file be moved as a whole.
fn beside(place: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    place.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_together_or_not_at_all_and_nothing_is_left_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let (page, numbers) = (folder.path().join("page.html"), folder.path().join("no/such/page.json"));
        fs::write(&page, "old").unwrap();
        let error = write(&[(page.clone(), b"new"), (numbers, b"{}")]).unwrap_err();
        assert!(error.to_string().contains("page.json"), "{error}");
        assert_eq!(fs::read(&page).unwrap(), b"old");
        write(&[(page.clone(), b"new"), (folder.path().join("page.json"), b"{}")]).unwrap();
        assert_eq!(fs::read(&page).unwrap(), b"new");
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["page.html", "page.json"]);
    }

    #[test]
    fn a_new_file_is_its_owners_alone_and_one_that_is_replaced_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.html");
        let mode = || fs::metadata(&page).unwrap().permissions().mode() & 0o777;
        write(&[(page.clone(), b"new")]).unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&page, Permissions::from_mode(0o644)).unwrap();
        write(&[(page.clone(), b"newer")]).unwrap();
        assert_eq!(mode(), 0o644);
    }

    #[test]
    #[cfg(unix)]
    fn what_a_link_points_to_is_replaced_and_a_device_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write(&[(link.clone(), b"new"), (PathBuf::from("/dev/null"), b"gone")]).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
