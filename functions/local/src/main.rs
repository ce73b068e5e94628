//! The command line `bedrock-ledger`.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use bedrock_ledger::cli::Cli;
use bedrock_ledger::error::CommandError;
use bedrock_ledger::notes::Notes;
use bedrock_ledger::terminal::Output;
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (stdout, mut notes) = (io::stdout(), Notes(io::stderr()));
    let is_terminal = stdout.is_terminal();
    let buffered = io::BufWriter::new(stdout.lock());
    let mut out = if is_terminal { Output::terminal(buffered, cli.is_csv()) } else { Output::exact(buffered) };
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CommandError::from)
        .and_then(|runtime| runtime.block_on(bedrock_ledger::execute(&cli, &mut out, &mut notes)))
        .and_then(|()| out.flush().map_err(CommandError::from));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough of it, as `head` does.
        Err(error) if error.is_unread_output() => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.lines() {
                let _ = writeln!(notes, "{line}");
            }
            ExitCode::FAILURE
        }
    }
}
