//! `forget`: a person's name replaced by an alias in a ledger, and in whatever that reads of the bill from then on.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;

use spend_ledger::forgotten::name::Name;
use spend_pipeline::period::forget::{self, Forgot};

use crate::cli::Forget;
use crate::error::CommandError;
use crate::progress::Progress;
use crate::{ledger, periods};

/// Where randomness comes from.
const RANDOM: &str = "/dev/urandom";
/// How many bytes of it a ledger's salt has.
const SALT: usize = 32;

/// What nothing that is done to a ledger reaches.
const ELSEWHERE: &str = "the name is still in what is no part of this ledger: the export, earlier versions of a bucket's \
                         objects (30 days), series that CloudWatch has (15 months), mails, logs and copies; \
                         docs/personal-data.md says what to do about each";

/// Forgets a name. What was done goes to `notes`.
///
/// # Errors
///
/// [`CommandError`]; what was rewritten until then stays so, and the command goes on from there.
pub(crate) async fn run(options: &Forget, notes: &mut impl Write) -> Result<(), CommandError> {
    let name = Name::of(&options.name).map_err(|error| CommandError::Unsupported(error.to_string()))?;
    // Looking first: a ledger that is not there is not made.
    drop(periods::there(&options.ledger).await?);
    let (store, _turn) = ledger::open(&options.ledger, notes)?;
    let salt = salt()?;
    let progress = Progress::on_stderr();
    progress.show(|| "rewriting the ledger".to_owned());
    let forgot = forget::forget(&store, &name, options.alias.as_deref(), &salt).await;
    progress.clear();
    tell(&forgot?, notes)
}

fn tell(forgot: &Forgot, notes: &mut impl Write) -> Result<(), CommandError> {
    writeln!(notes, "{forgot}")?;
    writeln!(notes, "note: {ELSEWHERE}")?;
    for (key, why) in &forgot.still {
        writeln!(notes, "error: {key} still has the name: {why}")?;
    }
    match forgot.still.len() {
        0 => Ok(()),
        objects => Err(CommandError::NotForgotten { objects }),
    }
}

fn salt() -> Result<String, CommandError> {
    let mut salt = [0; SALT];
    let random = Path::new(RANDOM);
    let read = File::open(random).and_then(|mut file| file.read_exact(&mut salt));
    read.map_err(|source| CommandError::File { action: "read", path: random.to_owned(), source })?;
    Ok(salt.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
