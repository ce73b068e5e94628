//! `page`: a month as one file of HTML, and its numbers beside it.

use std::io::Write;

use chrono::{DateTime, SubsecRound, Utc};
use spend_ledger::digest::page;
use spend_ledger::state::committed;

use crate::cli::Page;
use crate::digest::no_such_month;
use crate::error::CommandError;
use crate::{in_force, periods, whole_files};

/// Writes the page and its numbers, and their names to `notes`.
pub(crate) async fn run(options: &Page, now: DateTime<Utc>, notes: &mut impl Write) -> Result<(), CommandError> {
    let store = periods::open(&options.ledger)?;
    let config = in_force::put(&store, None).await?;
    let now = options.now.unwrap_or(now).trunc_subsecs(0);
    let book = committed::book(&store, now).await?;
    let Some(made) = page::make(&store, &config, &book, options.period, now).await? else {
        return Err(no_such_month(&options.ledger, &book, now, "pages are"));
    };
    let numbers = options.out.with_extension("json");
    if numbers == options.out {
        let out = options.out.display();
        return Err(CommandError::Unsupported(format!("the page's numbers go to {out}: name the page otherwise")));
    }
    let files = [(options.out.clone(), made.html.as_bytes()), (numbers, &made.json)];
    whole_files::write(&files)?;
    for (path, _) in &files {
        writeln!(notes, "wrote {}", path.display())?;
    }
    Ok(())
}
