//! The command line, called in this process as a shell would call it. Whatever tree a test runs into a new ledger, `doctor`
//! must call a problem what `run` refuses of it, and nothing else.

use std::path::{Path, PathBuf};

use bedrock_ledger::cli::{Cli, Command, Doctor, DoctorFormat, Run};
use bedrock_ledger::error::CommandError;
use clap::Parser;

/// What a command printed and how it ended.
pub(crate) struct Outcome {
    pub(crate) out: String,
    pub(crate) notes: String,
    pub(crate) result: Result<(), CommandError>,
}

/// Waits for it, on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Calls the program, whose arguments must be right.
pub(crate) fn call(arguments: &[&str]) -> Outcome {
    let cli = Cli::try_parse_from(["bedrock-ledger"].iter().chain(arguments)).unwrap();
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let tree = new_tree(&cli.command);
    let result = block_on(bedrock_ledger::execute(&cli, &mut out, &mut notes));
    if let Some(tree) = tree {
        agree(&tree, &result, &String::from_utf8_lossy(&notes));
    }
    Outcome { out: String::from_utf8(out).unwrap(), notes: String::from_utf8(notes).unwrap(), result }
}

/// The tree that a command is to run into a ledger that is not there yet.
pub(crate) fn new_tree(command: &Command) -> Option<PathBuf> {
    match command {
        Command::Run(Run { export, ledger, .. }) if !ledger.exists() && export.is_dir() => Some(export.clone()),
        _ => None,
    }
}

/// Fails unless `doctor` says of a tree what the first run of it has said.
pub(crate) fn agree(tree: &Path, run: &Result<(), CommandError>, notes: &str) {
    let refused = match run {
        Ok(()) => false,
        Err(CommandError::Tree(_) | CommandError::NotAnExport { .. } | CommandError::Unpublished { .. }) => true,
        // It failed for what is not of the tree.
        Err(_) => return,
    };
    let doctor = Doctor { export: Some(tree.to_owned()), ledger: None, format: DoctorFormat::Table, now: None };
    let (mut found, mut ignored) = (Vec::new(), Vec::new());
    let cli = Cli { command: Command::Doctor(doctor) };
    let examined = block_on(bedrock_ledger::execute(&cli, &mut found, &mut ignored));
    let has_problems = match examined {
        Ok(()) => false,
        Err(CommandError::Unusable { .. }) => true,
        Err(error) => panic!("{}: {error}", tree.display()),
    };
    let (tree, found) = (tree.display(), String::from_utf8_lossy(&found));
    assert_eq!(has_problems, refused, "{tree}: run: {run:?}\n{notes}\ndoctor:\n{found}");
}

/// What a call prints that must succeed.
pub(crate) fn done(arguments: &[&str]) -> String {
    let Outcome { out, notes, result } = call(arguments);
    result.unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{notes}"));
    out
}
