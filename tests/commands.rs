//! The command line, called in this process as a shell would call it.

use bedrock_ledger::cli::Cli;
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
    let result = block_on(bedrock_ledger::execute(&cli, &mut out, &mut notes));
    Outcome { out: String::from_utf8(out).unwrap(), notes: String::from_utf8(notes).unwrap(), result }
}

/// What a call prints that must succeed.
pub(crate) fn done(arguments: &[&str]) -> String {
    let Outcome { out, notes, result } = call(arguments);
    result.unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{notes}"));
    out
}
