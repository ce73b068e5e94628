//! A realistic export to try things on: `bedrock-ledger sample`.
//!
//! The story: a company with five teams, people behind single sign-on, services, a gateway that many share, a
//! notebook that nobody tagged, a long-term API key, and an agent of the team `search` that runs away on 17 November
//! 2026. October is invoiced; November ends with 19 November, as delivered the morning after. The last delivery
//! restates 12 November, a settled day. The same options write the same bytes.

mod cast;
mod filler;
mod metering;
mod month;
mod products;
mod rng;
mod room;
mod rows;
mod story;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use chrono::{DateTime, Utc};
use spend_cur::write::WriteError;

pub use crate::sample::metering::gateway_metering;
use crate::sample::month::{Delivery, Mode, Month};
use crate::sample::story::{Size, TODAY};

/// A configuration that fits the story: the file that `run` takes with `--config`.
pub const SAMPLE_CONFIG: &str = r#"# What is watched in the sample export.

[cost]
basis = "unblended"
count = ["usage", "discount"]

[identity]
# Sessions of this role are people although they are not named by e-mail addresses.
keep_sessions = ["OktaDevelopers"]

[tags]
# Spend without these is reported as untagged.
required = ["iamPrincipal/team", "iamPrincipal/cost-center"]

# The only teams that there are: any other value is a finding.
[tags.allowed]
"iamPrincipal/team" = ["search", "growth", "fraud", "legal", "platform"]

# Who owns what no tag does: this key has a team and no cost center.
[[owner]]
match = { identity = "api-key/BedrockAPIKey-*" }
team = "platform"
cost_center = "CC-500"

# Chargeback: the gateway's bill goes to its tenants by what it counted of them, the rest to those whose usage it is.
[[split]]
what = { identity = "role/ai-gateway@444455556666" }
by = "file"

[[split]]
what = "unattributed"
by = "usage"

[[split]]
what = { category = "discount" }
by = "usage"

[[split]]
what = { category = "credit" }
by = "even"

[[split]]
what = { category = "tax" }
by = "usage"

[alerts]
# Alert on the current month already at the first run.
first_run = "send"

# One team's month. An agent of theirs breaks it on 17 November.
[[budget]]
name = "search"
match = { "tag:iamPrincipal/team" = "search" }
window = "month"
amount = "2400.00"
currency = "USD"
thresholds = [50, 80, 100]
severity = "page"
owner = "search-oncall"
runbook = "https://runbooks.example.com/bedrock-spend"

# Every team's month: a budget for each.
[[budget]]
name = "each team"
each = "tag:iamPrincipal/team"
window = "month"
amount = "4000.00"
currency = "USD"
thresholds = [80, 100]
severity = "notice"
owner = "{member}-lead"

# The whole company's month.
[[budget]]
name = "everything"
window = "month"
amount = "12000.00"
currency = "USD"
thresholds = [80, 100]
severity = "notice"
owner = "finops"
"#;

/// The moment of the story's last delivery: what to take for now when the sample is run.
pub fn sample_now() -> DateTime<Utc> {
    story::delivered(story::days_before(TODAY, 1))
}

/// The bucket that manifests name.
pub const BUCKET: &str = "example-finance-exports";
/// The export's prefix in the bucket.
pub const EXPORT_PREFIX: &str = "finance/cur";
/// The export's name.
pub const EXPORT_NAME: &str = "bedrock-by-caller";

const EXPORT_ARN: &str =
    "arn:aws:bcm-data-exports:us-east-1:111122223333:export/bedrock-by-caller-7d3a91f2-5b0c-4e86-9f1d-2a64c8e0b735";

/// How chunks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Parquet with Snappy, as AWS writes it.
    Parquet,
    /// Gzipped CSV, as AWS writes it.
    Csv,
}

/// What to write.
#[derive(Clone, Debug)]
pub struct SampleOptions {
    /// The directory; made if it is not there.
    pub out: PathBuf,
    /// What makes one sample another.
    pub seed: u64,
    /// Rows of each month in its last delivery, exactly.
    pub rows: usize,
    /// Principals, at least the cast of the story; more are generated.
    pub principals: usize,
    /// Which part of the rows is Bedrock's, from 0 to 1; never more. Without it [`Self::BEDROCK_SHARE`], or as much more
    /// as the story needs, up to nine tenths.
    pub bedrock_share: Option<f64>,
    /// Deliveries of the current month, on consecutive days, at least 1. One stands in place, as in an export that
    /// overwrites; several stand in folders of their own, as in an export that keeps every delivery (create new).
    pub deliveries: usize,
    /// The format of the chunks.
    pub format: Format,
}

impl SampleOptions {
    /// The default of `seed`.
    pub const SEED: u64 = 1;
    /// The default of `rows`.
    pub const ROWS: usize = 20_000;
    /// The default of `principals`.
    pub const PRINCIPALS: usize = 24;
    /// Which part of the rows is Bedrock's where the story does not need more.
    pub const BEDROCK_SHARE: f64 = 0.15;
    /// The default of `deliveries`.
    pub const DELIVERIES: usize = 2;
    /// The fewest rows: with fewer there is nothing to tell.
    pub const FEWEST_ROWS: usize = 10;
    /// The most rows, and the most principals: what a machine can hold in memory at once.
    pub const MOST: usize = 5_000_000;
    /// The most deliveries: one for each day of the current month that the story has.
    pub const MOST_DELIVERIES: usize = 19;

    /// The defaults, into `out`.
    pub fn into(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            seed: Self::SEED,
            rows: Self::ROWS,
            principals: Self::PRINCIPALS,
            bedrock_share: None,
            deliveries: Self::DELIVERIES,
            format: Format::Parquet,
        }
    }

    fn size(&self) -> Size {
        let bedrock_lines = self.part(self.bedrock_share.unwrap_or(Self::BEDROCK_SHARE));
        Size { bedrock_lines, extras: self.principals.saturating_sub(cast::CAST.len()) }
    }

    /// How many rows may be Bedrock's.
    fn most_bedrock_rows(&self) -> usize {
        self.part(self.bedrock_share.unwrap_or(0.9))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the count, which fits")]
    fn part(&self, share: f64) -> usize {
        (self.rows as f64 * share).round() as usize
    }

    fn mode(&self) -> Mode {
        if self.deliveries == 1 { Mode::Overwrite } else { Mode::CreateNew }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// One line for people about each delivery, in order, and about each month that lacks something of the story.
    pub notes: Vec<String>,
}

/// Why a sample cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The directory holds a sample, or what looks like one.
    #[error("writing a sample into {}: it already holds {entry}; name a new directory", .out.display())]
    NotEmpty {
        /// The directory.
        out: PathBuf,
        /// What is in it.
        entry: String,
    },
    /// The file system refused.
    #[error("writing {}: {source}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A chunk cannot be written.
    #[error(transparent)]
    Chunk(#[from] WriteError),
}

/// Writes the sample: `OUT/finance/cur/bedrock-by-caller/{data,metadata}/BILLING_PERIOD=…/…`. Files carry the time of
/// their delivery in the story.
///
/// # Errors
///
/// [`SampleError`]: a directory that holds a sample already, a file system that refuses.
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
