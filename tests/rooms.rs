//! Inside a crate, too, dependencies point one way: no two files import each other in a circle, not even a parent module
//! and its child, and rooms only import the rooms below them. A room is a crate's folder, with the file beside it that
//! bears its name.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use imports::Crate;

/// A room and the rooms that it may use, with all that these may use.
type Room = (&'static str, &'static [&'static str]);

/// The rooms of each crate, from the ground up.
const HOUSE: [(&str, &[Room]); 4] = [
    (
        "shared/core",
        &[
            ("named", &[]),
            ("errors", &["named"]),
            ("money", &[]),
            ("table", &["money"]),
            ("calendar", &["money", "named"]),
            ("text", &["calendar"]),
            ("forecast", &["calendar"]),
            ("bill", &["text", "table"]),
            ("facts", &["bill"]),
            ("reporting", &["facts"]),
            ("rules", &["facts", "forecast"]),
            ("allocation", &["reporting", "rules", "errors"]),
            ("digest", &["allocation"]),
            ("messages", &["digest"]),
            ("page", &["digest"]),
        ],
    ),
    (
        "shared/ledger",
        &[
            ("build", &[]),
            ("store", &[]),
            ("state", &["store"]),
            ("outputs", &["state"]),
            ("config", &["outputs"]),
            ("metrics", &["config"]),
            ("alert", &["config"]),
            ("digest", &["config"]),
            ("chargeback", &["config"]),
            ("forgotten", &["metrics", "alert", "digest", "chargeback"]),
            ("formats", &["forgotten"]),
        ],
    ),
    (
        "shared/cur",
        &[
            ("error", &[]),
            ("limits", &["error"]),
            ("bytes", &["limits"]),
            ("columns", &["error"]),
            ("rows", &["columns"]),
            ("csv_file", &["bytes", "rows"]),
            ("parquet_file", &["bytes", "rows"]),
            ("chunk", &["csv_file", "parquet_file"]),
            ("delivery", &["error"]),
            ("write", &["columns"]),
        ],
    ),
    (
        "shared/pipeline",
        &[
            ("error", &[]),
            ("files", &["error"]),
            ("ingest", &["files"]),
            ("period", &["ingest"]),
            ("examination", &["ingest"]),
            ("explain", &["period"]),
            ("sweep", &["period", "examination"]),
            ("formats", &["sweep"]),
            ("ledger_examination", &["formats"]),
        ],
    ),
];

/// The folder with the code of each crate of `shared` and `functions`, by the crate's name, such as `shared/core`.
fn sources() -> BTreeMap<String, PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let inside = |group: &'static str| {
        let folders = fs::read_dir(root.join(group)).unwrap().map(|entry| entry.unwrap().path());
        folders.map(move |path| (format!("{group}/{}", path.file_name().unwrap().display()), path.join("src")))
    };
    inside("shared").chain(inside("functions")).filter(|(_, source)| source.exists()).collect()
}

/// Every crate, read once for all tests.
static CRATES: LazyLock<BTreeMap<String, Crate>> =
    LazyLock::new(|| sources().into_iter().map(|(name, source)| (name, Crate::read(&source))).collect());

/// The crates that have rooms.
fn houses() -> impl Iterator<Item = (&'static str, &'static Crate, &'static [Room])> {
    HOUSE.iter().map(|(name, rooms)| (*name, &CRATES[*name], *rooms))
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let circles: Vec<_> = CRATES
        .iter()
        .flat_map(|(name, read)| read.circles().into_iter().map(move |it| format!("{name}:\n{it}")))
        .collect();
    assert!(circles.is_empty(), "files that import each other in a circle\n{}", circles.join("\n"));
}

#[test]
fn rooms_import_only_the_rooms_below_them() {
    let mut wrong = Vec::new();
    for (name, read, rooms) in houses() {
        wrong.extend(wrong_imports(read, rooms).into_iter().map(|import| format!("{name}: {import}")));
    }
    assert!(wrong.is_empty(), "imports of rooms that are not below\n{}", wrong.join("\n"));
}

#[test]
fn the_house_names_the_rooms_that_there_are_from_the_ground_up() {
    for (name, read, rooms) in houses() {
        let mut below = BTreeSet::new();
        for (room, uses) in rooms {
            for used in *uses {
                assert!(below.contains(used), "{name}: {used} must stand above {room}, which uses it");
            }
            below.insert(*room);
        }
        let there: BTreeSet<_> = read.files().map(room).filter(|room| *room != ROOT).collect();
        assert_eq!(there, below, "{name}");
    }
}

#[test]
fn every_file_of_a_crate_is_read() {
    for (name, source) in sources() {
        let left_out = CRATES[&name].never_read(&source);
        assert!(left_out.is_empty(), "{name}: no module names {left_out:?}");
    }
}

/// What the root of a crate counts as: it may import every room, and none may import it.
const ROOT: &str = "lib";

fn room(file: &str) -> &str {
    let first = file.split('/').next().unwrap_or(file);
    let name = first.strip_suffix(".rs").unwrap_or(first);
    if name == "main" { ROOT } else { name }
}

/// The imports of a crate that its rooms do not allow.
fn wrong_imports(read: &Crate, rooms: &[Room]) -> Vec<String> {
    let mut may_use = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (room, uses) in rooms {
        let further = uses.iter().filter_map(|used| may_use.get(used)).flatten();
        let all = uses.iter().chain(further).copied().collect();
        may_use.insert(*room, all);
    }
    read.imports()
        .filter(|import| {
            let (from, to) = (room(import.from), room(import.to));
            from != to && from != ROOT && !may_use.get(from).is_some_and(|allowed| allowed.contains(to))
        })
        .map(|import| import.to_string())
        .collect()
}

#[test]
fn an_import_of_a_room_above_is_found() {
    let read = Crate::of(&[
        ("lib.rs", "mod money; mod rules; mod text;"),
        ("money.rs", "pub mod decimal;"),
        ("money/decimal.rs", "use super::super::rules::{self, budget as limit};"),
        ("rules.rs", "pub mod budget;"),
        ("rules/budget.rs", "use crate::money::decimal::Decimal; fn f() { crate::text::words() }"),
        ("text.rs", "pub fn words() { crate::money::decimal::add() }"),
    ]);
    let rooms: &[Room] = &[("money", &[]), ("text", &["money"]), ("rules", &["text"])];
    assert_eq!(
        wrong_imports(&read, rooms),
        ["money/decimal.rs -> rules.rs: rules", "money/decimal.rs -> rules/budget.rs: budget"]
    );
    let neighbours: &[Room] = &[("money", &[]), ("text", &["money"]), ("rules", &["money"])];
    assert!(wrong_imports(&read, neighbours).contains(&"rules/budget.rs -> text.rs: words".to_owned()));
}
