use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use spend_core::errors::fault::Fault as _;
use tempfile::TempDir;

use super::*;
use crate::store::directory::disk::IS_TOO_LONG;
use crate::store::racing::{Racer, race, task, wait_for_go};

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn store() -> (DirectoryStore, TempDir) {
    let folder = TempDir::new().unwrap();
    (DirectoryStore::open(folder.path().to_owned()).unwrap(), folder)
}

fn put(store: &DirectoryStore, key: &str, text: &str) -> ETag {
    match wait(store.put_if_absent(key, Bytes::copy_from_slice(text.as_bytes()))).unwrap() {
        Put::Written(etag) => etag,
        Put::Lost => panic!("{key} is there"),
    }
}

fn keys(store: &DirectoryStore, prefix: &str) -> Vec<String> {
    wait(store.list(prefix)).unwrap().into_iter().map(|found| found.key).collect()
}

/// A text of more than one part, by which its version is not of its SHA-256. All have one length.
fn large(first: u8) -> String {
    format!("{first} {}", "0123456789".repeat(150_000))
}

/// How the release before named the version of a text of any size.
fn sha256(text: &str) -> ETag {
    ETag(content_tag::hex(&Sha256::digest(text), 16))
}

/// Puts a tag that no hash gives in the place of the remembered one of a small object.
fn plant(store: &DirectoryStore, key: &str) -> ETag {
    let planted = ETag("planted".to_owned());
    let at = (key.to_owned(), Scheme::Sha256);
    store.tags.lock().unwrap().get_mut(&at).unwrap().1 = planted.clone();
    planted
}

/// Lets the file's change time be `age` in the past for `looked_at`.
fn opened_after(store: &DirectoryStore, key: &str, age: Duration) -> Opened {
    let mut opened = store.open_object(key).unwrap().unwrap();
    let (seconds, nanos) = opened.fingerprint.changed;
    let changed = UNIX_EPOCH + Duration::new(seconds.try_into().unwrap(), nanos.try_into().unwrap());
    opened.looked_at = changed + age;
    opened
}

#[test]
fn a_settled_file_is_hashed_once() {
    let (store, _folder) = store();
    let etag = put(&store, "chunk", "bytes");
    let opened = opened_after(&store, "chunk", Duration::from_secs(4));
    assert_eq!(store.tag("chunk", &opened).unwrap(), etag);
    // It is answered: the file is not read again.
    let planted = plant(&store, "chunk");
    assert_eq!(wait(store.head("chunk")).unwrap().unwrap().etag, planted);
    assert_eq!(wait(store.get_range("chunk", 0..2, &planted)).unwrap(), Bytes::from_static(b"by"));
}

#[test]
fn a_file_that_was_just_written_is_hashed_again() {
    let (store, _folder) = store();
    put(&store, "chunk", "bytes");
    let opened = opened_after(&store, "chunk", Duration::from_millis(20));
    store.tag("chunk", &opened).unwrap();
    assert!(store.tags.lock().unwrap().is_empty());
}

#[test]
fn a_changed_file_is_hashed_again_and_its_ranges_are_refused() {
    let (store, folder) = store();
    let etag = put(&store, "chunk", "bytes");
    let opened = opened_after(&store, "chunk", Duration::from_secs(4));
    store.tag("chunk", &opened).unwrap();
    // As a tool does that keeps the modification time: only the change time tells.
    let path = folder.path().join("chunk");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let before = opened.fingerprint;
    // Until the clock of the file system has ticked: the store was told above that it had.
    for _ in 0..100_000 {
        if Fingerprint::of(&fs::metadata(&path).unwrap()).changed != before.changed {
            break;
        }
        fs::write(&path, "other").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }
    let after = Fingerprint::of(&fs::metadata(&path).unwrap());
    assert_eq!(Fingerprint { changed: before.changed, ..after }, before);
    let error = wait(store.get_range("chunk", 0..2, &etag)).unwrap_err();
    assert_eq!(error.kind(), "store.replaced");
    assert_eq!(wait(store.head("chunk")).unwrap().unwrap().etag, content_tag::of(b"other"));
}

#[test]
fn a_conditional_write_reads_the_file_and_not_the_memory() {
    let (store, _folder) = store();
    let etag = put(&store, "state", "1");
    let opened = opened_after(&store, "state", Duration::from_secs(4));
    store.tag("state", &opened).unwrap();
    let planted = plant(&store, "state");
    assert_eq!(wait(store.put_if_match("state", Bytes::new(), &planted)).unwrap(), Put::Lost);
    assert!(matches!(wait(store.put_if_match("state", Bytes::new(), &etag)).unwrap(), Put::Written(_)));
}

#[test]
fn a_reader_keeps_the_version_that_it_opened() {
    let (store, _folder) = store();
    let etag = put(&store, "state", "old");
    let opened = store.open_object("state").unwrap().unwrap();
    assert!(matches!(wait(store.put_if_match("state", Bytes::from_static(b"newer"), &etag)), Ok(Put::Written(_))));
    assert_eq!(hash(&opened.file, opened.fingerprint, Scheme::Sha256).unwrap(), etag);
}

#[test]
fn a_file_changed_in_place_while_it_is_read_is_an_error() {
    let (store, folder) = store();
    put(&store, "chunk", &large(0));
    let opened = store.open_object("chunk").unwrap().unwrap();
    for other in [large(0) + "x", large(0)[1..].to_owned(), String::new()] {
        fs::write(folder.path().join("chunk"), other).unwrap();
        for scheme in [Scheme::Sha256, Scheme::Parts] {
            let error = hash(&opened.file, opened.fingerprint, scheme).unwrap_err();
            assert!(error.to_string().contains("changed in place"), "{error}");
        }
    }
}

#[test]
fn a_large_file_has_the_version_of_its_bytes() {
    let (store, folder) = store();
    // Large enough for several threads.
    let text = large(0).repeat(9);
    let etag = put(&store, "chunk", &text);
    assert!(!content_tag::is_sha256(&etag));
    // From the file, and from the bytes.
    assert_eq!(wait(store.head("chunk")).unwrap().unwrap().etag, etag);
    assert_eq!(wait(store.get("chunk")).unwrap(), Some((Bytes::from(text.clone()), etag.clone())));
    assert_eq!(wait(store.get_range("chunk", 0..3, &etag)).unwrap(), Bytes::from_static(b"0 0"));
    fs::write(folder.path().join("chunk"), large(1)).unwrap();
    assert_eq!(wait(store.get_range("chunk", 0..3, &etag)).unwrap_err().kind(), "store.replaced");
    assert_ne!(wait(store.head("chunk")).unwrap().unwrap().etag, etag);
}

#[test]
fn a_version_that_an_earlier_release_named_is_read_and_replaced_by_that_name() {
    let (store, _folder) = store();
    put(&store, "state", &large(0));
    let named = sha256(&large(0));
    assert_eq!(wait(store.get_range("state", 0..3, &named)).unwrap(), Bytes::from_static(b"0 0"));
    let write = || wait(store.put_if_match("state", Bytes::from(large(1)), &named)).unwrap();
    assert_eq!(write(), Put::Written(content_tag::of(large(1).as_bytes())));
    assert_eq!(write(), Put::Lost, "it is another version by now");
    assert_eq!(wait(store.get_range("state", 0..3, &named)).unwrap_err().kind(), "store.replaced");
}

#[test]
fn a_version_keeps_the_name_that_an_earlier_release_gave_it_whatever_its_key() {
    let (store, _folder) = store();
    let named = sha256(&large(0));
    let size = large(0).len() as u64;
    // Not what S3 names a version, nor of another size.
    store.keep_names([(size, named.clone()), (size, ETag("0-2".to_owned())), (size + 1, sha256(&large(1)))]);
    for (key, text, expected) in [
        ("a", large(0), named.clone()),
        ("copy of a", large(0), named.clone()),
        ("of the same size", large(1), content_tag::of(large(1).as_bytes())),
        ("of another size", large(1) + "x", content_tag::of((large(1) + "x").as_bytes())),
        ("small", "x".to_owned(), sha256("x")),
    ] {
        put(&store, key, &text);
        let head = wait(store.head(key)).unwrap().unwrap();
        assert_eq!(head.etag, expected, "{key}");
        assert!(wait(store.get_range(key, 0..1, &head.etag)).is_ok(), "{key}");
    }
}

#[test]
fn a_key_with_a_leading_slash_is_the_one_without() {
    let (store, _folder) = store();
    let etag = put(&store, "fin/e", "x");
    assert_eq!(wait(store.head("/fin/e")).unwrap().unwrap().etag, etag);
    assert_eq!(wait(store.put_if_absent("/fin/e", Bytes::new())).unwrap(), Put::Lost);
    assert_eq!(keys(&store, ""), ["fin/e"]);
    assert_eq!(wait(store.get("/.store/locks/00")).unwrap_err().kind(), "store.bad_key");
}

#[test]
fn the_stores_own_folder_is_no_object() {
    let (store, _folder) = store();
    put(&store, "a", "x");
    assert_eq!(keys(&store, ""), ["a"]);
    assert_eq!(keys(&store, ".store/"), Vec::<String>::new());
    assert_eq!(wait(store.get(".store/locks/00")).unwrap_err().kind(), "store.bad_key");
    assert_eq!(wait(store.put_if_absent(".store/x", Bytes::new())).unwrap_err().kind(), "store.bad_key");
    // Only at the root, and only that name.
    put(&store, "a2/.store/x", "x");
    put(&store, ".store2", "x");
    assert_eq!(keys(&store, ""), [".store2", "a", "a2/.store/x"]);
}

#[test]
fn an_object_and_a_folder_cannot_share_a_key() {
    let (store, _folder) = store();
    put(&store, "a", "x");
    put(&store, "b/c", "x");
    for key in ["a/b", "a/b/c", "b"] {
        let error = wait(store.put_if_absent(key, Bytes::new())).unwrap_err();
        assert_eq!(error.kind(), "store.bad_key", "{key}: {error}");
    }
    let long = "n".repeat(300);
    assert_eq!(wait(store.put_if_absent(&long, Bytes::new())).unwrap_err().kind(), "store.bad_key");
    assert_eq!(keys(&store, ""), ["a", "b/c"]);
    assert_eq!(fs::read_dir(store.temporaries()).unwrap().count(), 0, "a failed write leaves nothing");
}

#[test]
fn a_store_opened_for_reading_is_never_written_to() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("chunk"), "bytes").unwrap();
    let store = DirectoryStore::open_read_only(folder.path().to_owned()).unwrap();
    let etag = wait(store.head("chunk")).unwrap().unwrap().etag;
    assert_eq!(wait(store.get_range("chunk", 1..3, &etag)).unwrap(), Bytes::from_static(b"yt"));
    assert_eq!(wait(store.put_if_absent("new", Bytes::new())).unwrap_err().kind(), "store.read_only");
    assert_eq!(wait(store.put_if_match("chunk", Bytes::new(), &etag)).unwrap_err().kind(), "store.read_only");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["chunk"]);
    assert_eq!(fs::read(folder.path().join("chunk")).unwrap(), b"bytes");
}

#[test]
fn reading_a_folder_that_is_not_there_or_a_file_is_an_error() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (path, kind) in [(folder.path().join("none"), "store.not_found"), (file, "store.bad_key")] {
        assert_eq!(DirectoryStore::open_read_only(path).unwrap_err().kind(), kind);
    }
    assert!(!folder.path().join("none").exists());
}

/// A store that is read only, as an export is, in a folder that others write to.
fn tree(folder: &TempDir) -> DirectoryStore {
    DirectoryStore::open_read_only(folder.path().to_owned()).unwrap()
}

#[test]
fn a_listing_is_not_hung_by_links_that_double_its_paths() {
    let folder = TempDir::new().unwrap();
    // Each folder has two links to the next: 2^33 paths lead to the file.
    for level in 0..33 {
        let here = folder.path().join(format!("{level:02}"));
        fs::create_dir(&here).unwrap();
        for name in ["a", "b"] {
            symlink(format!("../{:02}", level + 1), here.join(name)).unwrap();
        }
    }
    fs::create_dir(folder.path().join("33")).unwrap();
    fs::write(folder.path().join("33/file"), "x").unwrap();
    let store = tree(&folder);
    assert_eq!(keys(&store, ""), ["33/file"]);
    let left_out = store.left_out();
    assert_eq!(left_out.len(), 66);
    assert_eq!((left_out[0].key.as_str(), left_out[0].reason), ("00/a", IS_A_LINK));
}

#[test]
fn a_path_that_is_longer_than_a_key_is_named_and_keeps_nothing_else_from_being_listed() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let deep = [&*"d".repeat(250), &*"e".repeat(250), &*"f".repeat(250), &*"g".repeat(250)].join("/");
    fs::create_dir_all(folder.path().join(&deep)).unwrap();
    fs::write(folder.path().join(&deep).join("h".repeat(96)), "x").unwrap();
    let further = folder.path().join(&deep).join("i".repeat(100)).join("j");
    fs::create_dir_all(&further).unwrap();
    fs::write(further.join("k"), "x").unwrap();
    let store = tree(&folder);
    assert_eq!(keys(&store, ""), ["file"]);
    let left_out = store.left_out();
    assert_eq!(left_out.len(), 2, "a file of 1,100 bytes, and a folder as a whole");
    assert!(left_out.iter().all(|one| one.key.starts_with(&deep) && one.reason == IS_TOO_LONG), "{left_out:?}");
}

#[test]
fn no_link_leads_out_of_a_tree() {
    let (outer, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(elsewhere.path().join("secret"), "elsewhere").unwrap();
    fs::create_dir(outer.path().join("real")).unwrap();
    let at = |path: &str| outer.path().join("real").join(path);
    fs::create_dir(at("data")).unwrap();
    fs::write(at("data/file"), "x").unwrap();
    symlink(elsewhere.path(), at("linked")).unwrap();
    symlink(elsewhere.path().join("secret"), at("data/alias")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    symlink(at(""), at("data/up")).unwrap();
    // The folder that is named may be a link itself.
    symlink(outer.path().join("real"), outer.path().join("export")).unwrap();
    for root in ["real", "export"] {
        let store = DirectoryStore::open_read_only(outer.path().join(root)).unwrap();
        assert_eq!(keys(&store, ""), ["data/file"], "{root}");
        assert_eq!(keys(&store, "linked/"), [""; 0], "{root}");
        let left_out: Vec<_> = store.left_out().into_iter().map(|one| one.key).collect();
        assert_eq!(left_out, ["dangling", "data/alias", "data/up", "linked"], "{root}");
        for key in ["linked/secret", "data/alias", "data/up/data/file", "dangling"] {
            let error = wait(store.get(key)).unwrap_err();
            assert!(error.kind() == "store.bad_key" && error.to_string().contains("symbolic link"), "{key}: {error}");
            assert_eq!(wait(store.head(key)).unwrap_err().kind(), "store.bad_key", "{key}");
        }
    }
}

#[test]
fn a_ledger_whose_folder_is_a_link_is_refused_and_not_taken_for_empty() {
    let (store, folder) = store();
    let elsewhere = TempDir::new().unwrap();
    fs::write(elsewhere.path().join("x.json"), "{}").unwrap();
    symlink(elsewhere.path(), folder.path().join("state")).unwrap();
    for prefix in ["", "state/", "sta"] {
        let error = wait(store.list(prefix)).unwrap_err();
        assert!(error.kind() == "store.bad_key" && error.to_string().contains("\"state\""), "{error}");
    }
    let put = wait(store.put_if_absent("state/new.json", Bytes::new()));
    assert_eq!(put.unwrap_err().kind(), "store.bad_key");
    assert!(!elsewhere.path().join("new.json").exists());
}

#[test]
fn what_is_written_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let outer = TempDir::new().unwrap();
    let root = outer.path().join("made/ledger");
    let store = DirectoryStore::open(root.clone()).unwrap();
    put(&store, "state/export=e/period.json", "x");
    drop(store.take_turn(|| ()).unwrap());
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    let mut folders = vec![outer.path().join("made")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                assert_eq!(mode(&path), 0o600, "{}", path.display());
            }
        }
    }
    assert!(files >= 3, "the object, its lock and the turn");
    // A folder that was there is its owner's business.
    let theirs = outer.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o755)).unwrap();
    put(&DirectoryStore::open(theirs.clone()).unwrap(), "a", "x");
    assert_eq!((mode(&theirs), mode(&theirs.join("a"))), (0o755, 0o600));
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_that_is_not_utf8_is_listed_and_refused_to_whoever_reads_it() {
    let (store, folder) = store();
    put(&store, "data/a", "x");
    let odd = folder.path().join("data").join(OsStr::from_bytes(b"x-\xff"));
    fs::write(&odd, "").unwrap();
    let below = folder.path().join(OsStr::from_bytes(b"\xfe"));
    fs::create_dir(&below).unwrap();
    fs::write(below.join("b"), "").unwrap();
    assert_eq!(keys(&store, ""), ["data/a", "data/x-\u{fffd}", "\u{fffd}/b"]);
    assert_eq!(keys(&store, "data/x-"), ["data/x-\u{fffd}"]);
    let here = wait(store.head("data/a")).unwrap().unwrap();
    for key in ["data/x-\u{fffd}", "\u{fffd}/b"] {
        for error in [
            wait(store.get(key)).unwrap_err(),
            wait(store.head(key)).unwrap_err(),
            wait(store.get_range(key, 0..0, &here.etag)).unwrap_err(),
            wait(store.put_if_absent(key, Bytes::new())).unwrap_err(),
        ] {
            assert_eq!(error.kind(), "store.bad_key");
            assert!(error.to_string().contains("not UTF-8; rename it"), "{error}");
        }
    }
    assert_eq!(wait(store.get("data/y-\u{fffd}")).unwrap(), None, "no such file");
    put(&store, "data/\u{fffd}", "a name like any other");
    assert!(wait(store.get("data/\u{fffd}")).unwrap().is_some());
}

#[test]
fn who_works_on_the_whole_store_waits_for_whoever_does_and_not_for_the_dead() {
    if let Some((folder, number)) = task() {
        let store = DirectoryStore::open(folder).unwrap();
        wait_for_go();
        let turn = store.take_turn(|| eprintln!("waiting")).unwrap();
        eprintln!("{number} has it");
        std::io::stdin().read_line(&mut String::new()).unwrap();
        drop(turn);
        return;
    }
    let (_, folder) = store();
    let name = "store::directory::tests::who_works_on_the_whole_store_waits_for_whoever_does_and_not_for_the_dead";
    let mut racers: Vec<_> = (0..3).map(|number| Racer::start(name, folder.path(), number)).collect();
    let mut third = racers.pop().unwrap();
    let mut second = racers.pop().unwrap();
    let mut first = racers.pop().unwrap();
    first.go();
    assert_eq!(first.line(), "0 has it");
    second.go();
    assert_eq!(second.line(), "waiting");
    first.kill();
    assert_eq!(second.line(), "1 has it");
    third.go();
    assert_eq!(third.line(), "waiting");
    second.go();
    second.finish();
    assert_eq!(third.line(), "2 has it");
    third.go();
    third.finish();
}

#[test]
fn what_a_killed_writer_left_is_invisible_and_swept() {
    let (store, folder) = store();
    let name = content_tag::hex(&Sha256::digest("state"), usize::MAX);
    let leftover = store.temporaries().join(&name);
    fs::write(&leftover, "half").unwrap();
    assert_eq!(keys(&store, ""), Vec::<String>::new());
    // The next writer of the key is not disturbed by it,
    put(&store, "state", "whole");
    assert!(!leftover.exists());
    assert_eq!(wait(store.get("state")).unwrap().unwrap().0, Bytes::from_static(b"whole"));
    // and whoever opens the store next removes it, unless its writer is at work.
    fs::write(&leftover, "half").unwrap();
    let lock = store.lock(lock_of(&name).unwrap()).unwrap();
    DirectoryStore::open(folder.path().to_owned()).unwrap();
    assert!(leftover.exists());
    drop(lock);
    DirectoryStore::open(folder.path().to_owned()).unwrap();
    assert!(!leftover.exists());
}

const CHILDREN: usize = 4;
const INCREMENTS: u64 = 20;
/// Long enough that a reader of a file being written would see a part.
const REPEATED: usize = 20_000;

fn content(count: u64) -> Bytes {
    Bytes::from(format!("{count}\n").repeat(REPEATED))
}

/// The count in the object, if it is whole.
fn count(bytes: &Bytes) -> u64 {
    let text = std::str::from_utf8(bytes).unwrap();
    let count = text.lines().next().unwrap().parse().unwrap();
    assert_eq!(*bytes, content(count), "a reader saw a part");
    count
}

fn child_increments(folder: PathBuf) {
    let store = DirectoryStore::open(folder).unwrap();
    wait_for_go();
    let (mut written, mut lost) = (0, 0_u64);
    while written < INCREMENTS {
        let (bytes, etag) = wait(store.get("counter")).unwrap().unwrap();
        match wait(store.put_if_match("counter", content(count(&bytes) + 1), &etag)).unwrap() {
            Put::Written(_) => written += 1,
            Put::Lost => lost += 1,
        }
    }
    eprintln!("{written} written, {lost} lost");
}

#[test]
fn no_increment_of_many_processes_is_lost() {
    if let Some((folder, _)) = task() {
        return child_increments(folder);
    }
    let (store, folder) = store();
    assert!(matches!(wait(store.put_if_absent("counter", content(0))), Ok(Put::Written(_))));
    let said = race("store::directory::tests::no_increment_of_many_processes_is_lost", folder.path(), CHILDREN);
    let (bytes, _) = wait(store.get("counter")).unwrap().unwrap();
    assert_eq!(count(&bytes), CHILDREN as u64 * INCREMENTS, "{said:?}");
    assert_eq!(keys(&store, ""), ["counter"]);
}

fn child_creates(folder: PathBuf, number: usize) {
    let store = DirectoryStore::open(folder).unwrap();
    wait_for_go();
    let won: Vec<String> = (0..INCREMENTS)
        .filter_map(|key| {
            let put = wait(store.put_if_absent(&format!("ready/{key}"), Bytes::from(number.to_string()))).unwrap();
            matches!(put, Put::Written(_)).then(|| key.to_string())
        })
        .collect();
    eprintln!("{}", won.join(" "));
}

#[test]
fn one_of_many_processes_creates_an_object() {
    if let Some((folder, number)) = task() {
        return child_creates(folder, number);
    }
    let (store, folder) = store();
    let said = race("store::directory::tests::one_of_many_processes_creates_an_object", folder.path(), CHILDREN);
    for key in 0..INCREMENTS {
        let winners: Vec<_> =
            (0..CHILDREN).filter(|number| said[*number].split(' ').any(|won| won == key.to_string())).collect();
        assert_eq!(winners.len(), 1, "{key}: {said:?}");
        let (bytes, _) = wait(store.get(&format!("ready/{key}"))).unwrap().unwrap();
        assert_eq!(bytes, Bytes::from(winners[0].to_string()));
    }
}

fn child_writes_until_killed(folder: PathBuf) {
    let store = DirectoryStore::open(folder).unwrap();
    wait_for_go();
    let (mut etag, mut next) = (put(&store, "counter", std::str::from_utf8(&content(0)).unwrap()), 1);
    loop {
        match wait(store.put_if_match("counter", content(next), &etag)).unwrap() {
            Put::Written(written) => (etag, next) = (written, next + 1),
            Put::Lost => panic!("nobody else writes"),
        }
        eprintln!("{next}");
    }
}

#[test]
fn a_killed_process_leaves_no_lock_and_nothing_torn() {
    if let Some((folder, _)) = task() {
        return child_writes_until_killed(folder);
    }
    for lines in 1..6 {
        let folder = TempDir::new().unwrap();
        let mut racer =
            Racer::start("store::directory::tests::a_killed_process_leaves_no_lock_and_nothing_torn", folder.path(), 0);
        racer.go();
        for _ in 0..lines {
            racer.line();
        }
        racer.kill();
        let store = DirectoryStore::open(folder.path().to_owned()).unwrap();
        assert_eq!(keys(&store, ""), ["counter"]);
        assert_eq!(fs::read_dir(store.temporaries()).unwrap().count(), 0);
        let (bytes, etag) = wait(store.get("counter")).unwrap().unwrap();
        assert!(count(&bytes) >= lines);
        assert!(matches!(wait(store.put_if_match("counter", content(0), &etag)), Ok(Put::Written(_))));
    }
}

fn child_holds_every_lock(folder: PathBuf) {
    let store = DirectoryStore::open(folder).unwrap();
    let _locks: Vec<_> = (0..LOCKS).map(|number| store.lock(number).unwrap()).collect();
    wait_for_go();
}

#[test]
fn the_lock_of_a_killed_process_is_free() {
    if let Some((folder, _)) = task() {
        return child_holds_every_lock(folder);
    }
    let (store, folder) = store();
    let racer = Racer::start("store::directory::tests::the_lock_of_a_killed_process_is_free", folder.path(), 0);
    let held = store.lock_file(0).unwrap().try_lock();
    assert!(matches!(held, Err(TryLockError::WouldBlock)), "the child holds it");
    racer.kill();
    put(&store, "a", "x");
}
