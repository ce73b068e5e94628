//! Whoever is forgotten is in no object of a ledger any more, and no sum moves; through crashes, and whatever is delivered
//! later.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use spend_core::errors::fault::Fault;
use spend_cur::write::{Row, Value};
use spend_ledger::chargeback;
use spend_ledger::config::in_force;
use spend_ledger::digest::page;
use spend_ledger::forgotten::name::Name;
use spend_ledger::state::committed;
use spend_ledger::store::directory::DirectoryStore;
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{ETag, ObjectHead, ObjectSummary, Put, Store, StoreError};
use spend_pipeline::period::facts_file::{self, FactsOf};
use spend_pipeline::period::forget::{self, ForgetError, Forgot};
use tempfile::TempDir;

use crate::bill::{session, usage};
use crate::bucket::{Files, Layout, parquet, write_tree};
use crate::commands::{Outcome, block_on, call, done};

const SONNET: &str = "USE1-Claude4.6Sonnet-input-tokens";
const ALIAS: &str = "forgotten-1@example.com";
const SALT: &str = "5a17";
const NAMES: [&str; 2] = ["dana@example.com", "alice"];

const CONFIG: &str = r#"
[identity]
keep_sessions = ["Okta*"]
[tags]
required = ["iamPrincipal/owner"]
[metrics]
tags = ["iamPrincipal/owner"]
[[budget]]
name = "people"
each = "identity"
amount = "5.00"
thresholds = [50, 100]
[[anomaly]]
name = "odd days"
each = "identity"
[[delta]]
name = "jumps"
each = "tag:iamPrincipal/owner"
"#;

/// One row of whoever `principal` is, whose spend a person owns.
fn row(day: u32, principal: &str, owner: &str, cost: f64) -> Row {
    let mut row = usage(&format!("2026-11-{day:02}"), principal, SONNET, cost);
    let tags = vec![("iamPrincipal/owner".to_owned(), owner.to_owned())];
    row.insert("tags", Value::Map(tags));
    row
}

fn sso(name: &str) -> String {
    session("AWSReservedSSO_Dev_0123456789abcdef", name)
}

/// Usage of the first `days` days, by people in every way in which the bill names one.
fn rows(days: u32) -> Vec<Row> {
    let rows = |day: u32| {
        let cost = if day.is_multiple_of(7) { 4.125 } else { 0.375 };
        [
            row(day, &sso("Dana@Example.com"), "dana@example.com", cost),
            row(day, &session("OktaDevelopers", "dana@example.com"), "team-a", 0.0625),
            row(day, &session("agent-exec", "DANA@EXAMPLE.COM"), "ask Dana@example.com, or lee", 0.7),
            row(day, &sso("lee@example.com"), "lee@example.com", 0.1),
            row(day, "arn:aws:iam::444455556666:user/division/Alice", "alice", 0.2),
            row(day, "", "", 0.05),
        ]
    };
    (1..=days).flat_map(rows).collect()
}

fn delivery(id: &'static str, days: u32) -> Files {
    Layout { execution_id: Some(id), ..Layout::default() }.files([parquet(&rows(days))])
}

struct Bench(TempDir);

impl Bench {
    /// A ledger of two deliveries, the second of which restates the first.
    fn new() -> Self {
        let bench = Self(TempDir::new().unwrap());
        fs::write(bench.path("ledger.toml"), CONFIG).unwrap();
        bench.deliver("one", 12);
        bench.run("2026-11-14T06:00:00Z");
        bench.deliver("two", 21);
        bench.run("2026-11-23T06:00:00Z");
        bench.report_of_the_morning("2026-11-23T06:30:00Z");
        bench
    }

    /// What the function `digest` writes every morning.
    fn report_of_the_morning(&self, now: &str) {
        let (store, now) = (DirectoryStore::open(self.0.path().join("ledger")).unwrap(), now.parse().unwrap());
        block_on(async {
            let config = in_force::read(&store).await.unwrap().unwrap();
            let book = committed::book(&store, now).await.unwrap();
            page::write(&store, &config, &book, now).await.unwrap();
            chargeback::write(&store, &config, &book, now).await.unwrap();
        });
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn deliver(&self, id: &'static str, days: u32) {
        write_tree(&self.0.path().join("export"), &delivery(id, days));
    }

    fn run(&self, now: &str) -> String {
        let (export, ledger, config) = (self.path("export"), self.path("ledger"), self.path("ledger.toml"));
        let outcome = call(&["run", "--export", &export, "--ledger", &ledger, "--config", &config, "--now", now]);
        outcome.result.unwrap();
        outcome.notes
    }

    fn forget(&self, arguments: &[&str]) -> Outcome {
        call(&[&["forget", "--ledger", &self.path("ledger")], arguments].concat())
    }

    fn report(&self, by: &str) -> String {
        done(&["report", "--ledger", &self.path("ledger"), "--by", by, "--format", "csv"])
    }

    /// All objects, plain, by key; files of facts are held against the state that they follow from.
    fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let store = DirectoryStore::open_read_only(self.0.path().join("ledger")).unwrap();
        block_on(async {
            for statement in committed::statements(&store).await.unwrap() {
                let (state, _) = committed::state(&store, &statement).await.unwrap().unwrap();
                let of = FactsOf::state(&state).unwrap();
                let expected = facts_file::write(&state.facts, &of).unwrap();
                let (found, _) = store.get(&statement.facts_key()).await.unwrap().unwrap();
                assert!(found == expected, "{} follows from its state", statement.facts_key());
            }
        });
        files(&self.0.path().join("ledger"))
    }
}

/// Every file below a folder, whatever it is, decompressed.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(key, bytes)| (format!("{name}/{key}"), bytes)));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(
                name.clone(),
                if name.rsplit('.').next() == Some("zst") { zstd::decode_all(&*bytes).unwrap() } else { bytes },
            );
        }
    }
    found
}

/// Which objects have a name in them: not by the program's own search.
fn traces(objects: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<String> {
    let place = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        let at = text.find(name)?;
        let around = |count: usize| text.get(at.saturating_sub(count)..(at + name.len() + count).min(text.len()));
        Some((0..20).rev().find_map(around).unwrap_or_default().to_owned())
    };
    objects.iter().filter_map(|(key, bytes)| Some(format!("{key}: {}", place(bytes)?))).collect()
}

#[test]
fn whoever_is_forgotten_is_in_no_object_and_no_sum_moves() {
    let bench = Bench::new();
    let before = bench.objects();
    let kinds = ["reductions", "state", "history", "metrics", "alerts", "out", "pages", "chargeback"];
    for kind in kinds {
        let traces = traces(&before, NAMES[0]);
        assert!(traces.iter().any(|key| key.starts_with(kind)), "the test has it in {kind}: {traces:?}");
    }
    let sums = ["day", "model", "account", "day,category", "tier"].map(|by| bench.report(by));
    let of_people = bench.report("identity");

    let outcome = bench.forget(&["dana@example.com", "--alias", ALIAS]);
    outcome.result.unwrap_or_else(|error| panic!("{error}\n{}", outcome.notes));
    bench.forget(&["user/division/alice@444455556666", "--alias", "somebody-2"]).result.unwrap();
    let after = bench.objects();
    for name in NAMES {
        assert_eq!(traces(&after, name), [""; 0], "{name}");
    }
    let keys = |objects: &BTreeMap<String, Vec<u8>>| -> Vec<String> {
        objects.keys().filter(|key| !key.starts_with(".store/") && *key != "config/forgotten.json").cloned().collect()
    };
    assert_eq!(keys(&before), keys(&after));
    assert_eq!(["day", "model", "account", "day,category", "tier"].map(|by| bench.report(by)), sums);
    let renamed = of_people.replace("dana@example.com", ALIAS).replace("division/Alice", "division/somebody-2");
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(&bench.report("identity")), sorted(&renamed), "the money is under the alias");

    // Pages and files for finance of the next morning are the rewritten ones.
    let made = ["pages/period=2026-11.json", "chargeback/period=2026-11/showback.csv"];
    bench.report_of_the_morning("2026-11-23T06:30:00Z");
    let again = bench.objects();
    // The last column says from which state it was made, which is another now.
    let but_state = |line: String| line.rsplit_once(',').map_or(String::new(), |(line, _)| line.to_owned());
    let sorted_lines =
        |bytes: &[u8]| -> Vec<_> { sorted(&String::from_utf8_lossy(bytes)).into_iter().map(but_state).collect() };
    for key in made {
        assert_eq!(sorted_lines(&again[key]), sorted_lines(&after[key]), "{key}");
    }
    // What was rewritten is what is derived, and what was told of is what is found.
    let rebuilt = call(&["rebuild", "--ledger", &bench.path("ledger"), "--now", "2026-11-23T06:00:00Z"]);
    assert!(rebuilt.notes.contains("nothing differs, nothing written"), "{}", rebuilt.notes);
    let lines = |file: &str| fs::read_to_string(bench.path("ledger/out").clone() + file).unwrap().lines().count();
    let messages = lines("/messages.jsonl");
    bench.run("2026-11-23T06:00:00Z");
    assert_eq!(lines("/messages.jsonl"), messages, "nobody is told of it");
    let sound = call(&["doctor", "--ledger", &bench.path("ledger")]);
    assert!(sound.result.is_ok(), "{}", sound.out);

    // The number is still followed to the bill, which names the person.
    let (export, ledger) = (bench.path("export"), bench.path("ledger"));
    let explained =
        done(&["explain", "--export", &export, "--ledger", &ledger, "--period", "2026-11", "--identity", ALIAS]);
    assert_eq!(traces(&[("explained".to_owned(), explained.into_bytes())].into(), NAMES[0]), [""; 0]);

    // And what AWS delivers later goes under the alias, to the same series.
    bench.deliver("three", 22);
    let notes = bench.run("2026-11-24T06:00:00Z");
    assert!(notes.contains("applied as commit 3"), "{notes}");
    let later = bench.objects();
    for name in NAMES {
        assert_eq!(traces(&later, name), [""; 0], "{name}");
    }
    assert!(bench.report("identity").contains(ALIAS));
}

#[test]
fn what_metrics_were_told_still_sums_to_the_ledger_and_no_datum_is_put_twice() {
    let bench = Bench::new();
    bench.forget(&["dana@example.com", "--alias", ALIAS]).result.unwrap();
    bench.run("2026-11-23T06:00:00Z");
    // By series and day, as CloudWatch would sum what was put.
    let text = fs::read_to_string(bench.path("ledger/out/metrics.jsonl")).unwrap();
    let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["name"] == "Spend" {
            let series = line["dimensions"].to_string();
            let sum = sums.entry((series, line["timestamp"].as_str().unwrap().to_owned())).or_default();
            *sum += line["value"].as_f64().unwrap();
        }
    }
    // Days that both runs could put: the 21st is a day with much spend of theirs, the 13th has none.
    let identity = |name: &str, day: u32| {
        let series = serde_json::json!({ "Currency": "USD", "Identity": name }).to_string();
        *sums.get(&(series, format!("2026-11-{day:02}T00:00:00Z"))).unwrap_or(&0.0)
    };
    for day in 9..=21 {
        let of_alias = if day % 7 == 0 { 4.125 } else { 0.375 } + 0.0625;
        assert!((identity(ALIAS, day) - of_alias).abs() < 1e-9, "{day}: {}", identity(ALIAS, day));
    }
}

#[test]
fn whoever_is_named_by_a_rule_is_forgotten_once_the_rule_is_changed() {
    let bench = Bench::new();
    let named = format!("{CONFIG}[[budget.override]]\nmember = \"Dana@example.com\"\namount = \"9\"\n");
    let named = named.replace("[[anomaly]]", "").replace("name = \"odd days\"\neach = \"identity\"\n", "");
    let named = named.replace("[[delta]]\nname = \"jumps\"\neach = \"tag:iamPrincipal/owner\"\n", "");
    fs::write(bench.path("ledger.toml"), named).unwrap();
    bench.run("2026-11-23T07:00:00Z");
    let before = bench.objects();
    let refused = bench.forget(&["dana@example.com"]).result.unwrap_err();
    assert!(refused.kind() == "usage" && refused.to_string().contains("config/in-force.toml:"), "{refused}");
    assert!(bench.objects() == before, "nothing was written");
    for (arguments, why) in [
        (&["nobody@example.com"][..], "nothing in this ledger names nobody@example.com"),
        (&["role/agent-exec@444455556666"], "is a role and no person"),
        (&["lee@example.com", "--alias", "dana@example.com"], "is taken"),
        (&["lee@example.com", "--alias", "lee@example.com"], "cannot be an alias"),
        (&["lee@example.com", "--alias", "<b>x</b>"], "cannot be an alias"),
    ] {
        let refused = bench.forget(arguments).result.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    fs::write(bench.path("ledger.toml"), CONFIG).unwrap();
    bench.run("2026-11-23T08:00:00Z");
    let outcome = bench.forget(&["dana@example.com"]);
    outcome.result.unwrap();
    assert!(outcome.notes.contains("the spend is under forgotten-"), "{}", outcome.notes);
    assert_eq!(traces(&bench.objects(), NAMES[0]), [""; 0]);
    bench.forget(&["dana@example.com"]).result.unwrap();
    let another = bench.forget(&["dana@example.com", "--alias", ALIAS]).result.unwrap_err();
    assert!(another.to_string().contains("is replaced by forgotten-"), "{another}");
}

#[test]
fn an_object_that_keeps_the_name_is_named_and_the_command_fails() {
    let bench = Bench::new();
    fs::write(bench.path("ledger/notes.txt"), "call dana@example.com").unwrap();
    let outcome = bench.forget(&["dana@example.com"]);
    assert_eq!(outcome.result.unwrap_err().kind(), "store.not_forgotten");
    let still: Vec<_> = outcome.notes.lines().filter(|line| line.contains("still has the name")).collect();
    assert!(still.len() == 1 && still[0].starts_with("error: notes.txt"), "{}", outcome.notes);
    fs::remove_file(bench.path("ledger/notes.txt")).unwrap();
    bench.forget(&["dana@example.com"]).result.unwrap();
}

#[test]
fn everything_that_a_run_writes_is_its_owners_alone() {
    let bench = Bench::new();
    let mut folders = vec![bench.0.path().join("ledger")];
    let mut kinds = std::collections::BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().chain(fs::read_dir(&folder).unwrap()) {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o777;
            assert_eq!(mode, if metadata.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
            let below = path.strip_prefix(bench.path("ledger")).unwrap();
            kinds.insert(below.components().next().unwrap().as_os_str().to_str().unwrap().to_owned());
            if metadata.is_dir() && !folders.contains(&path) {
                folders.push(path);
            }
        }
    }
    let wanted = [
        ".store",
        "alerts",
        "chargeback",
        "claims",
        "config",
        "deliveries",
        "digests",
        "facts",
        "history",
        "metrics",
        "out",
        "pages",
        "reductions",
        "state",
    ];
    assert!(wanted.iter().all(|kind| kinds.contains(*kind)), "{kinds:?}");
}

/// A store that dies at one of its writes, before or after its effect; reads go on until then.
struct Dying<'a> {
    inner: &'a MemoryStore,
    at: usize,
    has_effect: bool,
    writes: AtomicUsize,
}

impl<'a> Dying<'a> {
    fn at(inner: &'a MemoryStore, at: usize, has_effect: bool) -> Self {
        Self { inner, at, has_effect, writes: AtomicUsize::new(0) }
    }

    async fn put(&self, key: &str, put: impl Future<Output = Result<Put, StoreError>>) -> Result<Put, StoreError> {
        let write = self.writes.fetch_add(1, Ordering::SeqCst);
        let died = || {
            let source = std::io::Error::other("the process is gone").into();
            Err(StoreError::Unavailable { action: "write", key: key.to_owned(), source })
        };
        match write.cmp(&self.at) {
            std::cmp::Ordering::Less => put.await,
            std::cmp::Ordering::Equal if self.has_effect => {
                let _ = put.await?;
                died()
            }
            _ => died(),
        }
    }
}

impl Store for Dying<'_> {
    async fn get(&self, key: &str) -> Result<Option<(Bytes, ETag)>, StoreError> {
        self.inner.get(key).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>, etag: &ETag) -> Result<Bytes, StoreError> {
        self.inner.get_range(key, range, etag).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        self.inner.head(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectSummary>, StoreError> {
        self.inner.list(prefix).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StoreError> {
        self.put(key, self.inner.put_if_absent(key, bytes)).await
    }

    async fn put_if_match(&self, key: &str, bytes: Bytes, etag: &ETag) -> Result<Put, StoreError> {
        self.put(key, self.inner.put_if_match(key, bytes, etag)).await
    }
}

/// A ledger's objects, in memory.
fn in_memory() -> MemoryStore {
    static OBJECTS: OnceLock<BTreeMap<String, Bytes>> = OnceLock::new();
    let objects = OBJECTS.get_or_init(|| {
        let bench = Bench(TempDir::new().unwrap());
        fs::write(bench.path("ledger.toml"), CONFIG).unwrap();
        bench.deliver("one", 7);
        bench.run("2026-11-14T06:00:00Z");
        bench.report_of_the_morning("2026-11-14T06:30:00Z");
        let store = DirectoryStore::open_read_only(bench.0.path().join("ledger")).unwrap();
        block_on(async {
            let mut objects = BTreeMap::new();
            for object in store.list("").await.unwrap() {
                objects.insert(object.key.clone(), store.get(&object.key).await.unwrap().unwrap().0);
            }
            objects
        })
    });
    let store = MemoryStore::default();
    for (key, bytes) in objects {
        store.overwrite(key, bytes.clone()).unwrap();
    }
    store
}

fn contents(store: &MemoryStore) -> BTreeMap<String, Bytes> {
    block_on(async {
        let mut contents = BTreeMap::new();
        for object in store.list("").await.unwrap() {
            contents.insert(object.key.clone(), store.get(&object.key).await.unwrap().unwrap().0);
        }
        contents
    })
}

fn forget<S: Store>(store: &S) -> Result<Forgot, ForgetError> {
    block_on(forget::forget(store, &Name::of("dana@example.com").unwrap(), None, SALT))
}

#[test]
fn a_crash_at_any_write_is_mended_by_forgetting_again() {
    let whole = in_memory();
    let counting = Dying::at(&whole, usize::MAX, false);
    let forgot = forget(&counting).unwrap();
    assert!(forgot.still.is_empty(), "{:?}", forgot.still);
    let (writes, expected) = (counting.writes.into_inner(), contents(&whole));
    assert_eq!(writes, forgot.rewritten.len() + 1, "each object once, and the list of names");
    assert_eq!(forget(&whole).unwrap().rewritten, [""; 0], "doing it again does nothing");
    assert!(contents(&whole) == expected);
    // To die before a write is to die after the one before it: between two writes nothing else has an effect.
    for (at, has_effect) in std::iter::once((0, false)).chain((0..writes).map(|at| (at, true))) {
        let store = in_memory();
        forget(&Dying::at(&store, at, has_effect)).unwrap_err();
        assert!(forget(&store).unwrap().still.is_empty());
        assert!(contents(&store) == expected, "after a crash at write {at}, which had its effect: {has_effect}");
    }
}
