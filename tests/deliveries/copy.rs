//! A copy of an export on a disk and the ledger that the command line makes of it.

use std::path::PathBuf;
use std::rc::Rc;

use crate::bucket::{Files, write_tree};
use crate::commands::{agree, block_on, new_tree};
use bedrock_ledger::cli::{Cli, Command, Run};
use spend_core::money::decimal::Decimal;
use spend_ledger::state::committed;
use spend_ledger::state::document::decode_as;
use spend_ledger::state::history::HistoryEntry;
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::Store;
use spend_ledger::store::directory::DirectoryStore;
use tempfile::TempDir;

/// A tree and its ledger.
pub struct Copy {
    /// What `--export` names.
    pub export: PathBuf,
    /// What `--ledger` names.
    pub ledger: PathBuf,
    folder: Rc<TempDir>,
}

/// What a command says on standard output.
pub fn execute(command: Command) -> Result<String, String> {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let done = block_on(bedrock_ledger::execute(&Cli { command }, &mut out, &mut notes));
    done.map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
}

impl Copy {
    pub fn of(files: &Files) -> Self {
        let folder = Rc::new(TempDir::new().unwrap());
        let (export, ledger) = (folder.path().join("export"), folder.path().join("ledger"));
        write_tree(&export, files);
        Self { export, ledger, folder }
    }

    pub fn add(&self, files: &Files) {
        write_tree(&self.export, files);
    }

    /// The same tree, of which only what is below `path` is passed, with a ledger of its own.
    pub fn below(&self, path: &str) -> Self {
        let ledger = self.folder.path().join(format!("ledger of {}", path.replace('/', " ")));
        Self { export: self.export.join(path), ledger, folder: Rc::clone(&self.folder) }
    }

    /// What `run` says on standard error; where it fails also the error.
    pub fn run(&self) -> Result<String, (String, String)> {
        self.run_at("2026-11-20T06:00:00Z")
    }

    /// As [`Self::run`], with the time to take for now.
    pub fn run_at(&self, now: &str) -> Result<String, (String, String)> {
        let run = Run {
            export: self.export.clone(),
            ledger: self.ledger.clone(),
            config: None,
            now: Some(now.parse().unwrap()),
        };
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let command = Command::Run(run);
        let tree = new_tree(&command);
        let outcome = block_on(bedrock_ledger::execute(&Cli { command }, &mut out, &mut notes));
        let notes = String::from_utf8(notes).unwrap();
        if let Some(tree) = tree {
            agree(&tree, &outcome, &notes);
        }
        match outcome {
            Ok(()) => Ok(notes),
            Err(error) => Err((notes, error.to_string())),
        }
    }

    /// The committed states by export id, sorted.
    pub fn states(&self) -> Vec<(String, PeriodState)> {
        let Ok(store) = DirectoryStore::open_read_only(self.ledger.clone()) else { return Vec::new() };
        block_on(async {
            let mut states = Vec::new();
            for statement in committed::statements(&store).await.unwrap() {
                let (state, _) = committed::state(&store, &statement).await.unwrap().unwrap();
                states.push((statement.export_id, state));
            }
            states
        })
    }

    /// What each delivery moved, in order.
    pub fn history(&self) -> Vec<HistoryEntry> {
        let store = DirectoryStore::open_read_only(self.ledger.clone()).unwrap();
        block_on(async {
            let mut entries = Vec::new();
            for object in store.list("history/").await.unwrap() {
                let (bytes, _) = store.get(&object.key).await.unwrap().unwrap();
                entries.push(decode_as(&object.key, &bytes).unwrap());
            }
            entries
        })
    }
}

/// The state of a tree with one export and period.
pub fn state(copy: &Copy) -> PeriodState {
    let states = copy.states();
    let [(_, state)] = &states[..] else { panic!("{} states", states.len()) };
    state.clone()
}

/// What a state's facts sum to.
pub fn total(state: &PeriodState) -> Decimal {
    state.facts.rows().fold(Decimal::ZERO, |sum, fact| sum.checked_add(fact.unblended_cost()).unwrap())
}
