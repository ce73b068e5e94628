//! Every format that is stored or sent, held to what lies in `fixtures/formats/NAME-VERSION/`:
//!
//! - `CASE.json` or `CASE.json.zst`: an object as a release with that version wrote it;
//! - `CASE.read.json`: what this release must read it as, without its format; of a document with a table its `head`, and
//!   its `rows`, each with the texts that it has.
//!
//! A field that is added, renamed or dropped, and be it one with a default, makes these tests fail until the format has a
//! new version: a release that was rolled back would read the new object as one of its own, and drop what it does not
//! know when it writes it again. `fixtures/formats/README.md` says how a version is added.

mod known;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Map, Value};
use spend_core::table::field::Field;
use spend_core::table::rows::Row;
use spend_ledger::formats::Formats;
use spend_ledger::state::document::{Document, decode, decode_compressed, encode, encode_compressed};
use spend_ledger::state::history::HistoryEntry;
use spend_ledger::state::objects::Kind;
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::reduction::StoredReduction;
use spend_ledger::state::tabular::{self, Tabular};
use spend_pipeline::period::facts_file;

use self::known::Known;

/// Formats that are stored compressed, because they can be large.
const COMPRESSED: [&str; 4] = [StoredReduction::FORMAT, PeriodState::FORMAT, HistoryEntry::FORMAT, "told-metrics"];

/// Makes what is missing of fixtures.
const WRITE: &str = "WRITE_FIXTURES=1 cargo test -p spend-tests --lib formats";

/// Where fixtures lie.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats")
}

/// One object of one version of a format.
struct Fixture {
    /// `NAME-VERSION/CASE`.
    name: String,
    is_compressed: bool,
}

impl Fixture {
    /// All of one version: most have one, and those that cannot say everything in one object have several.
    fn all<D: Document>(version: u32) -> Vec<Self> {
        let dir = format!("{}-{version}", D::FORMAT);
        let files = fs::read_dir(fixtures().join(&dir)).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        let case = |file: std::ffi::OsString| file.to_str().unwrap().split('.').next().unwrap().to_owned();
        let cases: BTreeSet<_> = files.map(case).collect();
        // An earlier version may not have been compressed.
        let fixture = |case| {
            let name = format!("{dir}/{case}");
            let is_plain = fixtures().join(format!("{name}.json")).exists();
            Self { name, is_compressed: COMPRESSED.contains(&D::FORMAT) && !is_plain }
        };
        cases.into_iter().map(fixture).collect()
    }

    fn stored(&self) -> PathBuf {
        fixtures().join(format!("{}{}", self.name, if self.is_compressed { ".json.zst" } else { ".json" }))
    }

    fn read(&self) -> PathBuf {
        fixtures().join(format!("{}.read.json", self.name))
    }

    fn decode<D: Document>(&self) -> Result<D, String> {
        let bytes = fs::read(self.stored()).map_err(|error| error.to_string())?;
        let decode = if self.is_compressed { decode_compressed } else { decode };
        decode(&self.name, &bytes).map_err(|error| error.to_string())
    }

    fn encode<D: Document>(&self, document: &D) -> Bytes {
        if self.is_compressed { encode_compressed(document) } else { encode(document) }.unwrap()
    }

    /// The text that is stored: what a compressor makes of it may change with its release.
    fn text(&self, bytes: &[u8]) -> String {
        let plain = if self.is_compressed { zstd::decode_all(bytes).unwrap() } else { bytes.to_vec() };
        String::from_utf8(plain).unwrap()
    }

    /// Makes what is missing of the two files from the other one. What is stored is written in the current version.
    fn write_what_is_missing<D: Document>(&self, is_current: bool) {
        if is_current && !self.stored().exists() {
            let read = fs::read(self.read()).unwrap();
            let document: D = serde_json::from_slice(&read).unwrap_or_else(|error| {
                panic!("{}.read.json cannot be read as what this release stores: {error}", self.name)
            });
            fs::write(self.stored(), self.encode(&document)).unwrap();
        }
        if !self.read().exists() {
            let document: D = self.decode().unwrap();
            fs::write(self.read(), pretty(&document)).unwrap();
        }
    }
}

/// A document with a table, as its `read.json` shows it.
fn shown<D: Tabular>(document: &D) -> String {
    fn row<F: Field>(row: Row<'_, F>) -> Value {
        let mut shown = Map::new();
        shown.insert("day".to_owned(), row.day().to_string().into());
        for field in F::ALL.iter().filter(|field| !row.get(**field).is_empty()) {
            shown.insert(field.name().to_owned(), row.get(*field).into());
        }
        let tags: Map<_, _> = row.tags().iter().map(|(key, value)| (key.to_string(), (**value).into())).collect();
        shown.insert("tags".to_owned(), tags.into());
        for (name, amount) in [
            ("usage_amount", Some(row.usage_amount())),
            ("tokens", row.tokens()),
            ("unblended_cost", Some(row.unblended_cost())),
            ("net_unblended_cost", Some(row.net_unblended_cost())),
            ("list_cost", row.list_cost()),
        ] {
            shown.insert(name.to_owned(), amount.map(|amount| amount.to_string()).into());
        }
        shown.insert("line_items".to_owned(), row.line_items().into());
        shown.insert("lines_without_net".to_owned(), row.lines_without_net().into());
        shown.into()
    }
    let rows: Vec<_> = document.table().rows().map(row).collect();
    let mut text = serde_json::to_string_pretty(&serde_json::json!({"head": document, "rows": rows})).unwrap();
    text.push('\n');
    text
}

/// The lines of an object's head: the document without its rows, and the outline of its columns without their lengths,
/// which change with the compressor's release.
fn head(bytes: &[u8]) -> [Value; 2] {
    fn without_lengths(value: &mut Value) {
        if let Value::Object(fields) = value {
            fields.retain(|name, value| !(value.is_u64() && ["bytes", "values"].contains(&name.as_str())));
            fields.values_mut().for_each(without_lengths);
        }
    }
    // Eight bytes say that zstd skips the line, and how long it is.
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let opening: Value = serde_json::from_slice(&bytes[8..end]).unwrap();
    let length = usize::try_from(opening["head"].as_u64().unwrap()).unwrap();
    let head = String::from_utf8(zstd::decode_all(&bytes[end..end + length]).unwrap()).unwrap();
    let (document, outline) = head.split_once('\n').unwrap();
    let mut outline: Value = serde_json::from_str(outline).unwrap();
    without_lengths(&mut outline);
    [serde_json::from_str(document).unwrap(), outline]
}

/// A document without its format, for people to read and to compare.
fn pretty<D: Document>(document: &D) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap();
    text.push('\n');
    text
}

/// Holds every format to its fixtures, and collects what is wrong.
#[derive(Default)]
struct Held {
    writes: bool,
    formats: BTreeSet<String>,
    /// The folders of the versions that are read.
    folders: BTreeSet<String>,
    /// The alternatives of enums, which many formats share.
    alternatives: Known,
    problems: Vec<String>,
}

impl Held {
    fn problem<D: Document>(&mut self, what: &str) {
        let (name, version) = (D::FORMAT, D::VERSION);
        let next = version + 1;
        self.problems.push(format!(
            "{name}/{version}: {what}.\n  If what is stored is to change, add a version: set VERSION of {name} to {next} (leave \
             READS_FROM where it is, or set it to {version} where there is none, and read what older versions lack), copy \
             the *.read.json of {name}-{version} to {name}-{next} in tests/fixtures/formats, fill in what is new, and run \
             `{WRITE}`. Never change a stored fixture."
        ));
    }

    /// What every fixture must be read as, whatever version it has.
    fn reads<D: Document>(&mut self, fixture: &Fixture) {
        let name = &fixture.name;
        let document: D = match fixture.decode() {
            Ok(document) => document,
            Err(error) => return self.problem::<D>(&format!("{name} cannot be read any more: {error}")),
        };
        let expected = fs::read_to_string(fixture.read()).unwrap_or_default();
        let found = pretty(&document);
        if found != expected {
            let difference = first_difference(&expected, &found);
            self.problem::<D>(&format!("{name} is not read as its read.json says: {difference}"));
        }
    }

    /// That a fixture is what this release writes.
    fn writes<D: Document>(&mut self, fixture: &Fixture) {
        let Ok(document) = fixture.decode::<D>() else { return };
        let (written, stored) =
            (fixture.text(&fixture.encode(&document)), fixture.text(&fs::read(fixture.stored()).unwrap()));
        if written != stored {
            let (name, difference) = (&fixture.name, first_difference(&stored, &written));
            self.problem::<D>(&format!("this release writes another object than {name}: {difference}"));
        }
    }

    /// That the fixtures of the current version together say all that it can say.
    fn are_whole<D: Document>(&mut self, fixtures: &[Fixture]) {
        let mut known = Known::default();
        for fixture in fixtures {
            let stored = fixture.text(&fs::read(fixture.stored()).unwrap());
            known.read::<D>(&serde_json::from_str(&stored).unwrap());
        }
        for missing in known.missing_fields() {
            self.problem::<D>(&format!("this release reads {missing}, which no fixture has"));
        }
        self.alternatives.extend(known);
    }
}

impl Formats for Held {
    fn format<D: Document>(&mut self) {
        self.formats.insert(D::FORMAT.to_owned());
        for version in D::READS_FROM..=D::VERSION {
            let folder = format!("{}-{version}", D::FORMAT);
            let is_current = version == D::VERSION;
            let fixtures = Fixture::all::<D>(version);
            for fixture in fixtures.iter().filter(|_| self.writes) {
                fixture.write_what_is_missing::<D>(is_current);
            }
            if fixtures.is_empty() || fixtures.iter().any(|it| !it.stored().exists() || !it.read().exists()) {
                self.problems.push(format!(
                    "{folder} has no whole fixture: write fixtures/formats/{folder}/whole.read.json (an object without its \
                     format, every field filled in), and run `{WRITE}`"
                ));
            } else {
                for fixture in &fixtures {
                    self.reads::<D>(fixture);
                }
                if is_current {
                    for fixture in &fixtures {
                        self.writes::<D>(fixture);
                    }
                    self.are_whole::<D>(&fixtures);
                }
            }
            self.folders.insert(folder);
        }
    }

    fn tabular<D: Tabular>(&mut self) {
        self.formats.insert(D::FORMAT.to_owned());
        for version in D::Earlier::READS_FROM..=D::VERSION {
            let fixtures = self.folder_of_tables::<D>(version);
            let folder = format!("{}-{version}", D::FORMAT);
            if fixtures.is_empty() || fixtures.iter().any(|it| !it.stored().exists() || !it.read().exists()) {
                self.problems.push(format!("{folder} has no whole fixture: run `{WRITE}`"));
            } else {
                for fixture in &fixtures {
                    self.table::<D>(fixture, version == D::VERSION);
                }
            }
            if version == D::VERSION {
                let mut known = Known::default();
                for fixture in fixtures.iter().filter(|fixture| fixture.stored().exists()) {
                    known.read::<D>(&head(&fs::read(fixture.stored()).unwrap())[0]);
                }
                for missing in known.missing_fields() {
                    self.problem::<D>(&format!("this release reads {missing}, which no fixture has"));
                }
                self.alternatives.extend(known);
            }
            self.folders.insert(folder);
        }
    }
}

impl Held {
    fn folder_of_tables<D: Tabular>(&mut self, version: u32) -> Vec<Fixture> {
        let is_current = version == D::VERSION;
        if self.writes && is_current && Fixture::all::<D>(version).is_empty() {
            // Made from the newest of an earlier version.
            for fixture in Fixture::all::<D>(version - 1) {
                let (_, case) = fixture.name.split_once('/').unwrap();
                let name = format!("{}-{version}/{case}", D::FORMAT);
                let document: D = tabular::decode(&fixture.name, &fs::read(fixture.stored()).unwrap()).unwrap();
                let made = Fixture { name, is_compressed: true };
                fs::create_dir_all(made.stored().parent().unwrap()).unwrap();
                fs::write(made.stored(), tabular::encode(&document).unwrap()).unwrap();
            }
        }
        let fixtures = Fixture::all::<D>(version);
        for fixture in fixtures.iter().filter(|fixture| self.writes && !fixture.read().exists()) {
            let document: D = tabular::decode(&fixture.name, &fs::read(fixture.stored()).unwrap()).unwrap();
            fs::write(fixture.read(), shown(&document)).unwrap();
        }
        fixtures
    }

    fn table<D: Tabular>(&mut self, fixture: &Fixture, is_current: bool) {
        let name = &fixture.name;
        let stored = fs::read(fixture.stored()).unwrap();
        let document: D = match tabular::decode(name, &stored) {
            Ok(document) => document,
            Err(error) => return self.problem::<D>(&format!("{name} cannot be read any more: {error}")),
        };
        let (expected, found) = (fs::read_to_string(fixture.read()).unwrap_or_default(), shown(&document));
        if found != expected {
            let difference = first_difference(&expected, &found);
            self.problem::<D>(&format!("{name} is not read as its read.json says: {difference}"));
        }
        if document.table().len() < 2 {
            self.problems.push(format!("{name} has fewer than two rows"));
        }
        if is_current {
            let written = tabular::encode(&document).unwrap();
            let again: D = tabular::decode(name, &written).unwrap();
            if head(&written) != head(&stored) || shown(&again) != found {
                let [expected, found] = [&*stored, &written].map(|bytes| format!("{:?}", head(bytes)));
                let difference = first_difference(&expected, &found);
                self.problem::<D>(&format!("this release writes another object than {name}: {difference}"));
            }
        }
    }
}

/// The first line that two texts do not share.
fn first_difference(expected: &str, found: &str) -> String {
    // What is stored compressed is one line.
    let lines = |text: &str| text.replace(",\"", ",\n\"").lines().map(str::to_owned).collect::<Vec<_>>();
    let (expected, found) = (lines(expected), lines(found));
    let at = expected.iter().zip(&found).take_while(|(one, other)| one == other).count();
    let line = |lines: &[String]| lines.get(at).map_or_else(|| "nothing".to_owned(), |line| line.trim().to_owned());
    format!("line {}: expected {}, found {}", at + 1, line(&expected), line(&found))
}

fn held(writes: bool) -> Held {
    let mut held = Held { writes, ..Held::default() };
    spend_pipeline::formats::each(&mut held);
    held
}

#[test]
fn every_version_that_can_be_read_is_read_and_the_newest_written_as_it_was() {
    let mut held = held(std::env::var_os("WRITE_FIXTURES").is_some());
    let alternatives = held.alternatives.missing_alternatives();
    held.problems
        .extend(alternatives.iter().map(|missing| format!("no fixture has the alternative {missing}: add a case")));
    assert!(held.problems.is_empty(), "\n{}", held.problems.join("\n"));
}

#[test]
fn every_type_that_is_stored_is_in_the_list_of_formats() {
    let mut found = BTreeSet::new();
    for package in ["ledger", "pipeline"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(package).join("src"), &mut |text| {
            let lines: Vec<_> = text.lines().collect();
            for (line, next) in lines.iter().zip(lines.iter().skip(1)) {
                // What earlier versions were has the name of its type's format.
                if line.starts_with("impl Document for") && !next.contains("::FORMAT") {
                    let name = next.split('"').nth(1).unwrap_or_else(|| panic!("{line}: the first line is its FORMAT"));
                    found.insert(name.to_owned());
                }
            }
        });
    }
    assert_eq!(found, held(false).formats, "a type that is stored is missing in `formats::each` of its package");
}

/// The text of each source file that is not a test.
fn sources(dir: &Path, each: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
            sources(&path, each);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            each(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn no_fixture_is_of_a_version_that_nothing_reads() {
    let mut expected = held(false).folders;
    expected.insert(facts_file::FORMAT.replace('/', "-"));
    let dirs = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let found = dirs.filter(|path| path.is_dir()).map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected, "a format that is not read any more needs no fixture");
}

/// What is said of an object that is damaged, and how `doctor` reads it, goes by its key.
#[test]
fn every_format_that_is_stored_has_a_kind_of_object() {
    let keys = [
        "reductions/export=e/period=2026-11/v1/0a.json.zst",
        "deliveries/export=e/period=2026-11/1-a/sealed.json",
        "deliveries/export=e/period=2026-11/1-a/ready.json",
        "deliveries/export=e/period=2026-11/1-a/manifest.json",
        "claims/payer=1/period=2026-11.json",
        "history/export=e/period=2026-11/000001-1-a-0.json.zst",
        "state/export=e/period=2026-11.json.zst",
        "metrics/namespace=0a/told/export=e/period=2026-11.json.zst",
        "metrics/namespace=0a/health.json",
        "metrics/namespace=0a/gauges.json",
        "metrics/series.json",
        "alerts/state.json",
        "digests/state.json",
        "operations/state.json",
        "operations/subscriptions.json",
        "operations/notes/0a.json",
        "sweep/backfill.json",
        "sweep/deliveries.json",
        "sweep/ready.json",
        "pages/period=2026-11.json",
        "chargeback/period=2026-11/about.json",
        "config/forgotten.json",
    ];
    let found: BTreeSet<_> =
        keys.iter().map(|key| Kind::of(key).and_then(spend_ledger::formats::name).expect(key).to_owned()).collect();
    let mut stored = held(false).formats;
    // What is sent is stored by nobody.
    stored.retain(|format| !format.ends_with("-event"));
    assert_eq!(found, stored);
}

#[test]
fn a_field_that_has_a_default_and_an_alternative_that_never_occurs_are_missed() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Sample {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<u32>,
        kinds: Vec<Kind>,
        parts: BTreeMap<String, Part>,
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Other(String),
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Part {
        #[serde(default)]
        size: u32,
    }
    impl Document for Sample {
        const FORMAT: &'static str = "sample";
        const VERSION: u32 = 1;
    }
    let missing = |text: &str| {
        let mut known = Known::default();
        known.read::<Sample>(&serde_json::from_str(text).unwrap());
        (known.missing_fields().join(", "), known.missing_alternatives().join(", "))
    };
    let whole = r#"{"new": 1, "kinds": ["one", {"other": "x"}], "parts": {"a": {"size": 1}, "b": {}}}"#;
    assert_eq!(missing(whole), (String::new(), String::new()));
    let bare = r#"{"new": null, "kinds": ["one"], "parts": {"b": {}}}"#;
    assert_eq!(missing(bare), ("size of Part, new of Sample".to_owned(), "other of Kind".to_owned()));
    let empty = r#"{"kinds": [], "parts": {}}"#;
    assert_eq!(missing(empty), ("kinds of Sample, new of Sample, parts of Sample".to_owned(), String::new()));
}
