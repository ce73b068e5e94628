//! A store in a folder, with S3's promises kept across processes: what the command line works on.
//!
//! An object is a file at its key. Writers of a key take turns by a lock file, write a temporary file, and publish it
//! by renaming; readers take no lock and see the old file or the new one, never a part. The kernel gives a killed
//! process's locks back, and what it left half written lies in a folder that no key can name, where the next writer
//! of that key or the next [`DirectoryStore::open`] removes it.
//!
//! What a folder cannot do: hold an object at `a` and another at `a/b` or at `/a`, or tell `A` from `a` where the file
//! system does not. `/a` is the object `a` here, as for the tools that copy buckets, and is listed as such.
//!
//! The folder that is named may be a symbolic link. No link below it is followed: a stranger's could lead out of the tree,
//! or double its paths. [`DirectoryStore::left_out`] says which were met; a folder that is written to must have none.

mod disk;
mod hashing;
mod listing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

pub use disk::{IS_A_LINK, IS_TOO_LONG, LeftOut, OWN_FOLDER};

use crate::store::content_tag::Scheme;
use crate::store::directory::disk::{failed, is_absent, last_modified};
use crate::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError, check_key, content_tag, private_files};

/// How many lock files there are. A key's is chosen by its hash, so that there are not as many as keys.
const LOCKS: u8 = 64;

/// The file below the store's own folder that is locked by whoever works on the store as a whole.
const TURN: &str = "turn";

/// The right to work on a store as a whole, see [`DirectoryStore::take_turn`]. It is given back when it is dropped, and
/// by the kernel when its process ends.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Turn(#[expect(dead_code, reason = "it holds the lock")] File);

/// A file's time stamps come from a clock that ticks: what was written just now can be written again without a new
/// time. Linux ticks at most every 10 ms.
const TICK: Duration = Duration::from_millis(100);

/// The tick of file systems that keep whole seconds (or, as FAT, every other).
const COARSE_TICK: Duration = Duration::from_secs(3);

/// A [`Store`] in a folder. An object's version is a hash of its content, so that copies of a tree agree.
///
/// Its methods block the calling thread for as long as the disk takes, and writers also for the other writers of the
/// same key: it is made for a command on one machine, not for a server.
#[derive(Debug)]
pub struct DirectoryStore {
    root: PathBuf,
    writable: bool,
    /// The versions of files that have been hashed, by key and by how they were.
    tags: Mutex<HashMap<(String, Scheme), (Fingerprint, ETag)>>,
    /// See [`DirectoryStore::keep_names`].
    names: Mutex<HashMap<u64, HashSet<ETag>>>,
    /// What listings have met and did not list, with why.
    left_out: Mutex<BTreeMap<String, &'static str>>,
}

/// What tells that a file has not changed since it was hashed. The change time is in it because, unlike the
/// modification time, no copying tool can set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether any change from `now` on will have another fingerprint.
    fn is_settled(self, now: SystemTime) -> bool {
        let (seconds, nanos) = self.changed;
        let tick = if nanos == 0 { COARSE_TICK } else { TICK };
        let changed = u64::try_from(seconds).ok().zip(u32::try_from(nanos).ok());
        changed
            .and_then(|(seconds, nanos)| UNIX_EPOCH.checked_add(Duration::new(seconds, nanos)))
            .and_then(|changed| now.duration_since(changed).ok())
            .is_some_and(|age| age > tick)
    }

    /// Whether the bytes are the same as when `other` was taken of the same open file. Publishing and replacing a file
    /// moves its change time, so that does not count.
    fn same_bytes(self, other: Self) -> bool {
        (self.size, self.modified) == (other.size, other.modified)
    }
}

/// An object that is open for reading. It stays whole when it is replaced meanwhile.
struct Opened {
    file: File,
    /// A time before the fingerprint was taken.
    looked_at: SystemTime,
    fingerprint: Fingerprint,
    last_modified: DateTime<Utc>,
}

impl DirectoryStore {
    fn new(root: PathBuf, writable: bool) -> Self {
        Self { root, writable, tags: Mutex::default(), names: Mutex::default(), left_out: Mutex::default() }
    }

    /// What the listings of this store have met below its folder and left out, by key.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        left_out.iter().map(|(key, reason)| LeftOut { key: key.clone(), reason }).collect()
    }

    /// Lets versions keep the names that an earlier release gave them: a file whose size and SHA-256 are among `names`
    /// has that version here, and every other file the one that this release gives it.
    ///
    /// A ledger's deliveries pin versions, and the names of deliveries and reductions are made of them. With another name
    /// a file that nobody changed would be another file.
    pub fn keep_names(&self, names: impl IntoIterator<Item = (u64, ETag)>) {
        let is_other =
            |(size, name): &(u64, ETag)| content_tag::is_sha256(name) && Scheme::of_size(*size) != Scheme::Sha256;
        let mut kept = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for (size, name) in names.into_iter().filter(is_other) {
            kept.entry(size).or_default().insert(name);
        }
    }

    /// The store in the folder `root`, which is created if it is not there.
    pub fn open(root: PathBuf) -> Result<Self, StoreError> {
        let store = Self::new(root, true);
        for folder in [store.locks(), store.temporaries()] {
            private_files::create_folders(&folder)
                .map_err(|error| failed("create", &folder.to_string_lossy(), error))?;
        }
        let swept = store.sweep();
        swept.map_err(|error| failed("clean up", &store.temporaries().to_string_lossy(), error))?;
        Ok(store)
    }

    /// The store in the folder `root`, which is never written to: every put fails with [`StoreError::ReadOnly`].
    pub fn open_read_only(root: PathBuf) -> Result<Self, StoreError> {
        let name = || root.to_string_lossy().into_owned();
        match fs::metadata(&root) {
            Ok(metadata) if metadata.is_dir() => Ok(Self::new(root, false)),
            Ok(_) => Err(StoreError::BadKey { key: name(), reason: "it is a file, and a folder is needed" }),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::NotFound { key: name() }),
            Err(error) => Err(failed("open", &name(), error)),
        }
    }

    /// Waits until no other process works on this store as a whole, and keeps others waiting until what is returned is
    /// dropped or the process ends. `on_wait` is called if there is somebody to wait for.
    ///
    /// Every write is safe without it. It is for work of many writes that is not to be done twice at once.
    pub fn take_turn(&self, on_wait: impl FnOnce()) -> Result<Turn, StoreError> {
        let path = self.root.join(OWN_FOLDER).join(TURN);
        let take = || {
            let file = private_files::options().create(true).truncate(false).write(true).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    on_wait();
                    lock(&file)?;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            Ok(Turn(file))
        };
        take().map_err(|error| failed("lock", &path.to_string_lossy(), error))
    }

    fn locks(&self) -> PathBuf {
        self.root.join(OWN_FOLDER).join("locks")
    }

    fn temporaries(&self) -> PathBuf {
        self.root.join(OWN_FOLDER).join("tmp")
    }

    /// Where the object is.
    fn path(&self, key: &str) -> Result<PathBuf, StoreError> {
        check_key(key)?;
        let bad = |reason| Err(StoreError::BadKey { key: key.to_owned(), reason });
        let key = without_slash(key);
        if key.split('/').next() == Some(OWN_FOLDER) {
            return bad("that folder is the store's own");
        }
        let mut path = self.root.clone();
        for part in key.split('/') {
            // What this system's paths make of a part can be more than its name, such as a drive.
            if !Path::new(part).components().eq([Component::Normal(part.as_ref())]) {
                return bad("one of the parts between its slashes cannot be a file's name");
            }
            path.push(part);
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
                return bad(IS_A_LINK);
            }
        }
        Ok(path)
    }

    fn open_object(&self, key: &str) -> Result<Option<Opened>, StoreError> {
        let path = self.path(key)?;
        let open = || {
            let looked_at = SystemTime::now();
            // Asked before opening, because opening a pipe would wait for its writer.
            if !fs::metadata(&path)?.is_file() {
                return Ok(None);
            }
            let file = File::open(&path)?;
            let metadata = file.metadata()?;
            let last_modified = last_modified(&metadata)?;
            Ok(Some(Opened { file, looked_at, fingerprint: Fingerprint::of(&metadata), last_modified }))
        };
        match open() {
            Err(error) if is_absent(&error) && self.is_misnamed(key) => Err(StoreError::BadKey {
                key: key.to_owned(),
                reason: "the name of its file or of a folder around it is not UTF-8; rename it",
            }),
            Err(error) if is_absent(&error) => Ok(None),
            opened => opened.map_err(|error| failed("open", key, error)),
        }
    }

    /// Whether `key` is what a listing shows of a file whose name, or a folder's around it, is not UTF-8.
    fn is_misnamed(&self, key: &str) -> bool {
        let mut folder = self.root.clone();
        without_slash(key).split('/').any(|part| {
            let is_shown_as = |name: &OsStr| name.to_str().is_none() && name.to_string_lossy() == part;
            let found = part.contains(char::REPLACEMENT_CHARACTER)
                && fs::read_dir(&folder)
                    .is_ok_and(|entries| entries.flatten().any(|entry| is_shown_as(&entry.file_name())));
            folder.push(part);
            found
        })
    }

    /// The object's version.
    fn tag(&self, key: &str, opened: &Opened) -> Result<ETag, StoreError> {
        let size = opened.fingerprint.size;
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&size).cloned();
        if let Some(names) = names {
            let etag = self.tag_by(Scheme::Sha256, key, opened)?;
            if names.contains(&etag) {
                return Ok(etag);
            }
        }
        self.tag_by(Scheme::of_size(size), key, opened)
    }

    /// The object's version as `scheme` names it: remembered, or hashed from the whole file.
    fn tag_by(&self, scheme: Scheme, key: &str, opened: &Opened) -> Result<ETag, StoreError> {
        let (at, fingerprint) = ((key.to_owned(), scheme), opened.fingerprint);
        let remembered = || {
            let tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
            tags.get(&at).filter(|(known, _)| *known == fingerprint).map(|(_, etag)| etag.clone())
        };
        if let Some(etag) = remembered() {
            return Ok(etag);
        }
        let etag = hash(&opened.file, fingerprint, scheme).map_err(|error| failed("read", key, error))?;
        if fingerprint.is_settled(opened.looked_at) {
            let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
            tags.insert(at, (fingerprint, etag.clone()));
        }
        Ok(etag)
    }

    /// Writes the object if there is none, or if its version is the one expected.
    fn put(&self, key: &str, bytes: &[u8], expected: Option<&ETag>) -> Result<Put, StoreError> {
        let path = self.path(key)?;
        if !self.writable {
            return Err(StoreError::ReadOnly { key: key.to_owned() });
        }
        let name = content_tag::hex(&Sha256::digest(without_slash(key)), usize::MAX);
        // Held to the end: what is decided here is still true when the file is published.
        let _lock = self.lock(lock_of(&name).unwrap_or(0)).map_err(|error| failed("lock", key, error))?;
        let writable = match (self.open_object(key)?, expected) {
            (None, None) => true,
            // Always read anew: this is the commit, and state is small.
            (Some(Opened { file, fingerprint, .. }), Some(etag)) => {
                let scheme = Scheme::to_compare_with(etag, fingerprint.size);
                hash(&file, fingerprint, scheme).map_err(|error| failed("read", key, error))? == *etag
            }
            _ => false,
        };
        if !writable {
            return Ok(Put::Lost);
        }
        let temporary = self.temporaries().join(name);
        let published = publish(&temporary, &path, bytes);
        if let Err(error) = published {
            // Best effort: a leftover is harmless. After a publication there is none.
            let _ = fs::remove_file(&temporary);
            return Err(match error.kind() {
                ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => StoreError::BadKey {
                    key: key.to_owned(),
                    reason: "other objects are below it, and a folder cannot be an object",
                },
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                    StoreError::BadKey { key: key.to_owned(), reason: "an object stands where it needs a folder" }
                }
                _ => failed("write", key, error),
            });
        }
        Ok(Put::Written(content_tag::of(bytes)))
    }

    /// Waits for the lock; it is given back when the file is dropped.
    fn lock(&self, number: u8) -> io::Result<File> {
        let file = self.lock_file(number)?;
        lock(&file)?;
        Ok(file)
    }

    fn lock_file(&self, number: u8) -> io::Result<File> {
        let path = self.locks().join(format!("{number:02}"));
        private_files::options().create(true).truncate(false).write(true).open(path)
    }

    /// Removes what killed writers left: a temporary file whose lock is free has no writer.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.temporaries())? {
            let entry = entry?;
            let Some(number) = entry.file_name().to_str().and_then(lock_of) else { continue };
            let lock = self.lock_file(number)?;
            match lock.try_lock() {
                Ok(()) => remove_if_there(&entry.path())?,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Store for DirectoryStore {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        let Some(mut opened) = self.open_object(key)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = opened.file.read_to_end(&mut bytes).and_then(|_| unchanged(&opened.file, opened.fingerprint));
        read.map_err(|error| failed("read", key, error))?;
        let etag = content_tag::of(&bytes);
        Ok(Some((bytes.into(), etag)))
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        let opened = self.open_object(key)?;
        let opened = opened.ok_or_else(|| StoreError::NotFound { key: key.to_owned() })?;
        let scheme = Scheme::to_compare_with(etag, opened.fingerprint.size);
        if self.tag_by(scheme, key, &opened)? != *etag {
            return Err(StoreError::Replaced { key: key.to_owned(), etag: etag.clone() });
        }
        let size = opened.fingerprint.size;
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= size);
        let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
            return Err(StoreError::BadRange { key: key.to_owned(), start: range.start, end: range.end, size });
        };
        let mut bytes = vec![0; length];
        let read = opened.file.read_exact_at(&mut bytes, range.start);
        let read = read.and_then(|()| unchanged(&opened.file, opened.fingerprint));
        read.map_err(|error| failed("read a part of", key, error))?;
        Ok(bytes.into())
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        let Some(opened) = self.open_object(key)? else { return Ok(None) };
        let etag = self.tag(key, &opened)?;
        let Opened { fingerprint, last_modified, .. } = opened;
        Ok(Some(ObjectHead { key: key.to_owned(), etag, size: fingerprint.size, last_modified }))
    }

    /// A symbolic link is no object, nor is a path that is longer than a key: [`DirectoryStore::left_out`] names them. In
    /// a store that is written to a link is an error: what lies behind it would be taken to be gone. A file whose name is
    /// not UTF-8 is listed with U+FFFD for what cannot be read of it: it is there, and whoever reads it by that key is
    /// told with a [`StoreError::BadKey`] that it has to be renamed.
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        let (found, left_out) = listing::list(&self.root, prefix)?;
        let link = left_out.iter().find(|one| self.writable && one.reason == IS_A_LINK);
        if let Some(LeftOut { key, reason }) = link.cloned() {
            return Err(StoreError::BadKey { key, reason });
        }
        let mut known = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(left_out.into_iter().map(|LeftOut { key, reason }| (key, reason)));
        Ok(found)
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.put(key, &bytes, None)
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.put(key, &bytes, Some(etag))
    }
}

/// Waits for the exclusive lock on `file`, against every other handle of any process.
pub(crate) fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// A key as a path has it: below the root.
fn without_slash(key: &str) -> &str {
    key.strip_prefix('/').unwrap_or(key)
}

/// The lock of the key whose hash in hex is `name`.
fn lock_of(name: &str) -> Option<u8> {
    name.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).map(|byte| byte % LOCKS)
}

/// The version of an open file, from its whole content.
fn hash(file: &File, fingerprint: Fingerprint, scheme: Scheme) -> io::Result<ETag> {
    let etag = hashing::hash(file, fingerprint.size, scheme);
    // First, because a file that was cut off cannot be read to its end, which says less.
    unchanged(file, fingerprint)?;
    etag
}

/// This store replaces files and never changes one, but the tree may be somebody else's.
fn unchanged(file: &File, fingerprint: Fingerprint) -> io::Result<()> {
    if Fingerprint::of(&file.metadata()?).same_bytes(fingerprint) {
        Ok(())
    } else {
        Err(io::Error::other("it was changed in place while it was being read; try again once it is quiet"))
    }
}

/// Makes `bytes` the content of `path` at once, and so that it outlives a loss of power.
fn publish(temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    remove_if_there(temporary)?;
    let mut file = private_files::options().write(true).create_new(true).open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
        fs::rename(temporary, path)?;
        sync_folder(folder)?;
    }
    Ok(())
}

/// Creates the folder and those above it, and makes their names outlive a loss of power.
fn create_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    private_files::create_folders(folder)?;
    missing.iter().filter_map(|created| created.parent()).try_for_each(sync_folder)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
