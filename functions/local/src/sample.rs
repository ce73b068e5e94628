//! A realistic export to try things on: `bedrock-ledger sample`.
//!
//! The story: a company with five teams, people behind single sign-on, services, a gateway that many share, a
//! notebook that nobody tagged, a long-term API key, and an agent of the team `search` that runs away on 17 November
//! 2026. October is invoiced; November ends with 19 November, as delivered the morning after. The last delivery
//! restates 12 November, a settled day. The same options write the same bytes.
//!
//! - `options`: what to write, and the export's names; `error`: why a sample was not written;
//! - `cast`: who appears; `products`: what is sold; `story`: what happens; `rng`: repeatable randomness;
//! - `month`: a month of the bill; `room`: fewer rows than the story needs; `rows`: lines as rows of the CUR 2.0 table;
//! - `filler`: rows that are not Bedrock's; `metering`: what the gateway counted of its tenants.

mod cast;
mod error;
mod filler;
mod metering;
mod month;
mod options;
mod products;
mod rng;
mod room;
mod rows;
mod story;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::SystemTime;
use std::{fs, io};

use chrono::{DateTime, Utc};

pub use crate::sample::error::SampleError;
pub use crate::sample::metering::gateway_metering;
use crate::sample::month::{Delivery, Month};
pub use crate::sample::options::{BUCKET, EXPORT_NAME, EXPORT_PREFIX, Format, SampleOptions};
use crate::sample::story::TODAY;

/// A configuration that fits the story: the file that `run` takes with `--config`.
pub const SAMPLE_CONFIG: &str = include_str!("sample/ledger.toml");

/// The moment of the story's last delivery: what to take for now when the sample is run.
pub fn sample_now() -> DateTime<Utc> {
    story::delivered(story::days_before(TODAY, 1))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// One line for people about each delivery, in order, and about each month that lacks something of the story.
    pub notes: Vec<String>,
}

/// Writes the sample: `OUT/finance/cur/bedrock-by-caller/{data,metadata}/BILLING_PERIOD=…/…`. Files carry the time of
/// their delivery in the story.
pub fn write(options: &SampleOptions) -> Result<Written, SampleError> {
    refuse_another(&options.out)?;
    let mode = options.mode();
    let mut notes = Vec::new();
    let mut save = |delivery: &Delivery| {
        for (key, bytes) in &delivery.files {
            write_file(&options.out.join(key), bytes, delivery.at)?;
        }
        notes.push(delivery.note.clone());
        Ok::<(), SampleError>(())
    };
    let closed = Month::closed(options);
    save(&closed.deliver(story::CLOSED_AT, mode, options.format)?)?;
    let current = Month::current(options);
    for days_before in (1..=options.deliveries).rev() {
        let last = story::days_before(TODAY, u64::try_from(days_before).unwrap_or(u64::MAX));
        save(&current.deliver(story::delivered(last), mode, options.format)?)?;
    }
    notes.extend([closed, current].iter().filter_map(Month::shortage));
    Ok(Written { notes })
}

/// Refuses a directory with a sample in it: chunks of two samples would be taken for one export.
fn refuse_another(out: &Path) -> Result<(), SampleError> {
    let failed = |source| SampleError::Io { path: out.to_owned(), source };
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let root = EXPORT_PREFIX.split('/').next().unwrap_or(EXPORT_PREFIX);
    for entry in entries {
        let entry = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if entry == root {
            return Err(SampleError::NotEmpty { out: out.to_owned(), entry });
        }
    }
    Ok(())
}

fn write_file(path: &Path, bytes: &[u8], modified: DateTime<Utc>) -> Result<(), SampleError> {
    let failed = |source| SampleError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, bytes).map_err(failed)?;
    let file = fs::File::options().write(true).open(path).map_err(failed)?;
    file.set_modified(SystemTime::from(modified)).map_err(failed)
}
