//! `digest`: what finance would be mailed now, and what machines would be told. Nothing is sent.

use std::io::Write;
use std::path::Path;

use chrono::{DateTime, SubsecRound, Utc};
use spend_ledger::digest;
use spend_ledger::outputs::{Message, Topic};
use spend_ledger::state::book::Book;
use spend_ledger::state::committed;
use spend_ledger::store::private_files;

use crate::cli::{Digest, DigestFormat};
use crate::error::CommandError;
use crate::{in_force, periods, whole_files};

/// Writes the digest to `out`, or to files and their names to `notes`.
pub(crate) async fn run(
    options: &Digest,
    now: DateTime<Utc>,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), CommandError> {
    let store = periods::open(&options.ledger)?;
    let config = in_force::put(&store, None).await?;
    let now = options.now.unwrap_or(now).trunc_subsecs(0);
    let book = committed::book(&store, now).await?;
    let told = digest::preview(&store, &config, &book, options.kind, options.period, now).await?;
    let Some(messages) = told else {
        return Err(no_such_month(&options.ledger, &book, now, "digests are"));
    };
    match &options.out {
        Some(dir) => files(dir, &messages, notes),
        None => messages.iter().filter(|message| is_asked_for(message, options.format)).try_for_each(|message| {
            if message.topic == Topic::Digest {
                writeln!(out, "Subject: {}\n", message.subject)?;
            }
            Ok(write!(out, "{}", ended(&message.body))?)
        }),
    }
}

/// Why nothing is made: the ledger does not have the month.
pub(crate) fn no_such_month(ledger: &Path, book: &Book, now: DateTime<Utc>, what_is: &str) -> CommandError {
    let known: Vec<_> = book.months().iter().map(ToString::to_string).collect();
    if known.is_empty() {
        return periods::nothing_delivered(ledger);
    }
    let (ledger, day, known) = (ledger.display(), now.date_naive(), known.join(", "));
    CommandError::NothingFound(format!(
        "{ledger} has no such month that could be told of at {day}; {what_is} made of its last three months: {known}"
    ))
}

fn is_asked_for(message: &Message, format: DigestFormat) -> bool {
    match format {
        DigestFormat::Text => message.topic == Topic::Digest,
        DigestFormat::Json => message.topic == Topic::Events,
    }
}

/// The text with its last line ended.
fn ended(body: &str) -> String {
    format!("{}\n", body.trim_end_matches('\n'))
}

fn files(dir: &Path, messages: &[Message], notes: &mut impl Write) -> Result<(), CommandError> {
    let failed = |source| CommandError::File { action: "make", path: dir.to_owned(), source };
    private_files::create_folders(dir).map_err(failed)?;
    let mut files = Vec::new();
    for message in messages {
        let (name, text) = match message.topic {
            Topic::Digest => ("digest.txt", format!("Subject: {}\n\n{}", message.subject, ended(&message.body))),
            _ => ("digest.json", ended(&message.body)),
        };
        files.push((dir.join(name), text));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.clone(), text.as_bytes())).collect();
    whole_files::write(&files)?;
    for (path, _) in &files {
        writeln!(notes, "wrote {}", path.display())?;
    }
    Ok(())
}
