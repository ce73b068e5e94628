//! A ledger's examination: whatever is damaged or gone is found, with the cure of its kind.

use std::fs;
use std::path::{Path, PathBuf};

use spend_ledger::state::objects::Kind;
use tempfile::TempDir;

use crate::bill::{session, usage};
use crate::bucket::{Layout, parquet, write_tree};
use crate::commands::{Outcome, call};

const CONFIG: &str = "[[budget]]\nname = \"all\"\namount = 1\n";

/// A ledger that `run` has made of an export with one delivery, in a folder of its own.
struct Ledger {
    dir: TempDir,
}

impl Ledger {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let rows = [usage("2026-11-18", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 5.0)];
        write_tree(&dir.path().join("export"), &Layout::default().files([parquet(&rows)]));
        fs::write(dir.path().join("ledger.toml"), CONFIG).unwrap();
        let ledger = Self { dir };
        ledger.run();
        ledger
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self) {
        let (export, ledger, config) = (self.path("export"), self.path("ledger"), self.path("ledger.toml"));
        let now = "2026-11-20T06:00:00Z";
        let done = call(&["run", "--export", &export, "--ledger", &ledger, "--config", &config, "--now", now]);
        done.result.unwrap_or_else(|error| panic!("{error}\n{}", done.notes));
    }

    fn object(&self, key: &str) -> PathBuf {
        Path::new(&self.path("ledger")).join(key)
    }

    /// The keys of what the program reads again, with their kinds.
    fn objects(&self) -> Vec<(String, Kind)> {
        fn below(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { below(&path, found) } else { found.push(path) }
            }
        }
        let (root, mut files) = (PathBuf::from(self.path("ledger")), Vec::new());
        below(&root, &mut files);
        let key = |file: &PathBuf| file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let mut keys: Vec<_> = files.iter().map(key).collect();
        keys.sort();
        keys.into_iter().filter_map(|key| Kind::of(&key).map(|kind| (key, kind))).collect()
    }

    /// What `doctor` prints on one line, and whether it ends well.
    fn doctor(&self) -> (String, bool) {
        let Outcome { out, result, .. } = call(&["doctor", "--ledger", &self.path("ledger")]);
        (out.split_whitespace().collect::<Vec<_>>().join(" "), result.is_ok())
    }
}

#[test]
fn a_ledger_that_is_whole_has_nothing_but_what_is_well() {
    let ledger = Ledger::new();
    let (said, is_well) = ledger.doctor();
    assert!(
        is_well && said.starts_with("ok: the ledger ok: ") && said.ends_with("0 problems, 0 notices, 1 ok"),
        "{said}"
    );
}

#[test]
fn every_object_that_is_damaged_is_found_with_the_cure_of_its_kind() {
    let ledger = Ledger::new();
    let objects = ledger.objects();
    let mut kinds: Vec<_> = objects.iter().map(|(_, kind)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.len() >= 13, "{kinds:?}");
    for (key, kind) in objects {
        let whole = fs::read(ledger.object(&key)).unwrap();
        for damage in [&whole[..whole.len() / 2], b"{\"format\": \"other/1\"}"] {
            fs::write(ledger.object(&key), damage).unwrap();
            let (said, is_well) = ledger.doctor();
            assert!(!is_well && said.contains("PROBLEM object-damaged"), "{key}: {said}");
            assert!(said.contains(&key) && said.contains(kind.cure()), "{key}: {said}");
        }
        fs::write(ledger.object(&key), whole).unwrap();
    }
    assert!(ledger.doctor().1);
}

#[test]
fn what_is_gone_is_found_by_what_names_it() {
    let ledger = Ledger::new();
    for (key, kind) in ledger.objects() {
        let whole = fs::read(ledger.object(&key)).unwrap();
        fs::remove_file(ledger.object(&key)).unwrap();
        let (said, is_well) = ledger.doctor();
        let expected = match kind {
            Kind::State => "state-missing",
            Kind::Facts => "facts-differ",
            Kind::History => "history-missing",
            Kind::Ready => "ready-missing",
            Kind::Reduction => "reduction-missing",
            Kind::Claim => "claim-missing",
            Kind::Told | Kind::Series | Kind::Alerts => "memory-lost",
            _ => "",
        };
        assert_eq!(is_well, expected.is_empty(), "{key}: {said}");
        assert!(said.contains(&format!("PROBLEM {expected}")) || expected.is_empty(), "{key}: {said}");
        fs::write(ledger.object(&key), whole).unwrap();
    }
}

#[test]
fn what_a_run_makes_again_is_whole_again_after_it() {
    let ledger = Ledger::new();
    for (key, kind) in ledger.objects() {
        if [Kind::State, Kind::Facts, Kind::Ready, Kind::Health, Kind::Gauges].contains(&kind) {
            fs::remove_file(ledger.object(&key)).unwrap();
            ledger.run();
            let (said, is_well) = ledger.doctor();
            assert!(is_well && ledger.object(&key).exists(), "{key}: {said}");
        }
    }
}

#[test]
fn a_state_from_an_earlier_version_is_found_and_a_run_brings_it_up() {
    let ledger = Ledger::new();
    let (state, _) = ledger.objects().into_iter().find(|(_, kind)| *kind == Kind::State).unwrap();
    let earlier = fs::read(ledger.object(&state)).unwrap();
    let rows = [usage("2026-11-18", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 7.0)];
    let newer = Layout { execution_id: Some("two"), ..Layout::default() };
    write_tree(&ledger.dir.path().join("export"), &newer.files([parquet(&rows)]));
    ledger.run();
    let newest = fs::read(ledger.object(&state)).unwrap();
    assert!(ledger.doctor().1);
    fs::write(ledger.object(&state), earlier).unwrap();
    let (said, is_well) = ledger.doctor();
    assert!(!is_well && said.contains("PROBLEM state-old") && said.contains("run again"), "{said}");
    ledger.run();
    assert!(ledger.doctor().1 && fs::read(ledger.object(&state)).unwrap() == newest);
}

#[test]
fn an_object_of_a_newer_release_is_named_as_that() {
    let ledger = Ledger::new();
    let (key, _) = ledger.objects().into_iter().find(|(_, kind)| *kind == Kind::Claim).unwrap();
    let text = fs::read_to_string(ledger.object(&key)).unwrap();
    fs::write(ledger.object(&key), text.replace("claim/1", "claim/9")).unwrap();
    let (said, is_well) = ledger.doctor();
    assert!(!is_well && said.contains("PROBLEM object-newer") && said.contains("claim/9"), "{said}");
}

#[test]
fn an_export_and_a_ledger_are_examined_in_one_call() {
    let ledger = Ledger::new();
    let (export, path) = (ledger.path("export"), ledger.path("ledger"));
    let done = call(&["doctor", "--export", &export, "--ledger", &path, "--now", "2026-11-20T06:00:00Z"]);
    assert!(done.out.contains("ok: the ledger") && done.out.contains("ok: fin/cur/e"), "{}", done.out);
}
