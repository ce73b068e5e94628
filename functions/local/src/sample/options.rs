//! What to write, and the names of the export that it is written as.

use std::path::PathBuf;

use super::cast::CAST;
use super::story::Size;

/// The bucket that manifests name.
pub const BUCKET: &str = "example-finance-exports";
/// The export's prefix in the bucket.
pub const EXPORT_PREFIX: &str = "finance/cur";
pub const EXPORT_NAME: &str = "bedrock-by-caller";

pub(super) const EXPORT_ARN: &str =
    "arn:aws:bcm-data-exports:us-east-1:111122223333:export/bedrock-by-caller-7d3a91f2-5b0c-4e86-9f1d-2a64c8e0b735";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Parquet with Snappy, as AWS writes it.
    Parquet,
    /// Gzipped CSV, as AWS writes it.
    Csv,
}

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
    pub format: Format,
}

impl SampleOptions {
    pub const SEED: u64 = 1;
    pub const ROWS: usize = 20_000;
    pub const PRINCIPALS: usize = 24;
    /// Which part of the rows is Bedrock's where the story does not need more.
    pub const BEDROCK_SHARE: f64 = 0.15;
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

    pub(super) fn size(&self) -> Size {
        let bedrock_lines = self.part(self.bedrock_share.unwrap_or(Self::BEDROCK_SHARE));
        Size { bedrock_lines, extras: self.principals.saturating_sub(CAST.len()) }
    }

    /// How many rows may be Bedrock's.
    pub(super) fn most_bedrock_rows(&self) -> usize {
        self.part(self.bedrock_share.unwrap_or(0.9))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the count, which fits")]
    pub(super) fn part(&self, share: f64) -> usize {
        (self.rows as f64 * share).round() as usize
    }

    pub(super) fn mode(&self) -> Mode {
        if self.deliveries == 1 { Mode::Overwrite } else { Mode::CreateNew }
    }
}

/// What an export does with the files of the delivery before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Replaces them (`OVERWRITE_REPORT`).
    Overwrite,
    /// Keeps them: each delivery has a folder of its own (`CREATE_NEW_REPORT`).
    CreateNew,
}
