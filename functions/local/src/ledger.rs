//! The ledger of a command that writes.

use std::io::Write;
use std::path::Path;

use spend_ledger::store::directory::{DirectoryStore, Turn};

use crate::error::CommandError;

/// The ledger, made if it is not there, and the right to be the only command that writes to it, for as long as that is
/// kept. Where another one is at work it is waited for, which is said in `notes`.
pub(crate) fn open(ledger: &Path, notes: &mut impl Write) -> Result<(DirectoryStore, Turn), CommandError> {
    let of_folder = |error| CommandError::of_folder("--ledger", ledger, error);
    if ledger.is_file() {
        return Err(CommandError::NotAFolder { option: "--ledger", path: ledger.to_owned() });
    }
    let store = DirectoryStore::open(ledger.to_owned()).map_err(of_folder)?;
    let mut said = Ok(());
    let turn = store.take_turn(|| {
        said = writeln!(notes, "another run is at work on {}, waiting", ledger.display()).and_then(|()| notes.flush());
    });
    let turn = turn.map_err(of_folder)?;
    said?;
    Ok((store, turn))
}
