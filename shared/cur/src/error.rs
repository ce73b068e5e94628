//! Why a chunk or a manifest was not read. Every message names the object and the cure.
//!
//! - `foreign`: files that are no chunk, and what to do about each.

pub mod foreign;

use std::fmt;
use std::ops::Range;

use spend_core::calendar::period::BillingPeriod;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::text;

use crate::error::foreign::Foreign;

/// Where in a chunk a row is. Rows are counted from 0 through the whole file; a header is no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub row: u64,
    /// Where it is, as the format counts.
    pub within: Within,
}

/// Where in a chunk a row is, as its format counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// Parquet: the row group, counted from 0.
    RowGroup(usize),
    /// Text: the line on which the row begins, counted from 1.
    Line(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.within {
            Within::RowGroup(index) => write!(formatter, "row {} (row group {index})", self.row),
            Within::Line(line) => write!(formatter, "row {} (line {line})", self.row),
        }
    }
}

/// Why a source did not answer.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Why a chunk or a manifest was not read. `file` and `manifest` are its key, `place` is the row.
#[derive(Debug, thiserror::Error)]
pub enum CurError {
    /// The chunk lacks columns without which no cost can be counted.
    #[error("{file}: {}, or create the export with all columns", missing(columns))]
    MissingColumn { file: String, columns: Vec<&'static str> },
    /// The chunk is of the legacy Cost and Usage Report.
    #[error(
        "{file}: this is a legacy Cost and Usage Report (it has the column {column}), which never names the caller: \
         create a CUR 2.0 export with IAM principal data (INCLUDE_IAM_PRINCIPAL_DATA)"
    )]
    LegacyReport {
        file: String,
        /// The column that gives it away.
        column: String,
    },
    /// The chunk is of a FOCUS export.
    #[error(
        "{file}: this is a FOCUS export (it has the column {column}), which never names the caller: create a CUR 2.0 \
         export with IAM principal data (INCLUDE_IAM_PRINCIPAL_DATA) beside it"
    )]
    Focus {
        file: String,
        /// The column that gives it away.
        column: &'static str,
    },
    /// The file is neither Parquet nor gzip.
    #[error("{file}: {found}")]
    NotAChunk {
        file: String,
        /// What it is, as far as one can see.
        found: Foreign,
    },
    /// Text whose first line names no column.
    #[error(
        "{file}: its first line is no header of CUR 2.0 (it begins with {begins:?}): copy the file as it lies in the \
         export's bucket, and if it was split put the header before each part"
    )]
    NoHeader {
        file: String,
        /// The beginning of the line.
        begins: String,
    },
    /// The file decompresses to more than any bill.
    #[error(
        "{file}: the first {compressed} bytes decompress to {inflated}, more than any bill comes to, so reading \
         stopped: copy the file again; if it is the same in the export's bucket, report it to AWS Support"
    )]
    Bomb {
        file: String,
        /// Compressed bytes read.
        compressed: u64,
        /// Bytes that they came to.
        inflated: u64,
    },
    /// A file claims more than is read of one.
    #[error(
        "{file}: {}{reason}. No bill needs that, so reading stopped: copy the file again; if a tool wrote it, have \
         it write smaller files, row groups and pages; if it is the same in the export's bucket, report it to AWS \
         Support",
        in_row_group(*row_group)
    )]
    Oversized {
        file: String,
        /// The row group, if it is one that claims too much.
        row_group: Option<usize>,
        /// What it claims, and what is read.
        reason: String,
    },
    /// What the Bedrock rows of one file say takes more memory than one file may.
    #[error(
        "{file}: {place}: the {rows} Bedrock rows before this one take {bytes} bytes of memory, and reading takes \
         {held} more; one file may use {memory}: let the export write a row a day instead of an hour \
         (TIME_GRANULARITY), and deactivate cost allocation tags whose values differ from call to call; if callers \
         make up names of sessions by the hundred thousand, find them in CloudTrail and stop them"
    )]
    TooMuch {
        file: String,
        place: Place,
        /// How many Bedrock rows were read before it.
        rows: u64,
        /// What was kept of them.
        bytes: u64,
        /// What else is held.
        held: u64,
        /// The most that is used.
        memory: u64,
    },
    /// A Bedrock row has a text, a tag or a map that is longer than any of AWS's.
    #[error(
        "{file}: {place}: column {column} {reason}. AWS writes no such value, so this delivery is not published; all \
         others are: check what wrote the file, and copy it again; if it is the same in the export's bucket, report \
         the line item to AWS Support, and find in CloudTrail who calls by such a name or tag"
    )]
    Overlong {
        file: String,
        place: Place,
        column: String,
        /// How long it is, and what is read.
        reason: String,
    },
    /// The chunk is damaged.
    #[error(
        "{file}: {}corrupt: {reason}: copy the file again, or wait for the next delivery to replace it",
        in_row_group(*row_group)
    )]
    Corrupt {
        file: String,
        /// The row group, where it is known.
        row_group: Option<usize>,
        /// What is wrong with it.
        reason: String,
    },
    /// The chunk is compressed in a way that this release does not read.
    #[error(
        "{file}: row group {row_group}: column {column} is compressed with {codec}, which is not supported: write \
         the file with SNAPPY, as AWS does, or with ZSTD, GZIP or no compression"
    )]
    UnsupportedCodec {
        file: String,
        row_group: usize,
        column: String,
        /// The codec's name in Parquet.
        codec: String,
    },
    /// A column's type is not that of CUR 2.0.
    #[error(
        "{file}: column {column} is {found}, not {wanted}: select it in the export's query as it is, without a cast \
         and not under another column's name"
    )]
    WrongType {
        file: String,
        column: String,
        /// The type it has.
        found: String,
        /// The type it should have.
        wanted: &'static str,
    },
    /// A Bedrock row belongs to another billing period than the chunk's folder says.
    #[error(
        "{file}: {place}: bill_billing_period_start_date is {found}, but the folder says {period}: move the file to \
         the folder of its own billing period"
    )]
    WrongPeriod {
        file: String,
        place: Place,
        /// The period that the row names.
        found: BillingPeriod,
        /// The period that the folder names.
        period: BillingPeriod,
    },
    /// A Bedrock row has a value that cannot be counted.
    #[error(
        "{file}: {place}: column {column} {reason}: the row cannot be counted; check what wrote the file, or report \
         the line item to AWS Support"
    )]
    BadValue {
        file: String,
        place: Place,
        column: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// A manifest is not shaped as one.
    #[error("{manifest}: not a usable manifest: {reason}: refresh the export, or remove the manifest")]
    ManifestShape {
        manifest: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A manifest is larger than any that lists the files of one delivery.
    #[error(
        "{manifest}: has {size} bytes, and a manifest of more than {limit} is not read: refresh the export, or \
         remove what was put in the manifest's place"
    )]
    ManifestSize {
        manifest: String,
        /// Its length in bytes.
        size: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A manifest lists more files than any delivery has.
    #[error(
        "{manifest}: lists {files} files, and a delivery of more than {limit} is not read: refresh the export, or \
         remove what was put in the manifest's place"
    )]
    ManifestFiles {
        manifest: String,
        /// How many it lists.
        files: usize,
        /// The most that are read.
        limit: usize,
    },
    /// A manifest lists a file that is not its own export's data of the same billing period.
    #[error(
        "{manifest}: lists {entry:?}, {reason}: a manifest may only list the data files of its own export and \
         billing period; copy whole export folders, or remove the manifest"
    )]
    ManifestScope {
        manifest: String,
        /// The entry as listed, or its beginning.
        entry: String,
        /// Why it is foreign.
        reason: String,
    },
    /// The source did not answer.
    #[error("failed to read bytes {}..{} of {file}: {source}", range.start, range.end)]
    Source {
        file: String,
        /// The bytes asked for.
        range: Range<u64>,
        source: SourceError,
    },
}

impl CurError {
    /// A damaged file.
    pub(crate) fn corrupt(file: &str, row_group: impl Into<Option<usize>>, reason: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_owned(), row_group: row_group.into(), reason: reason.into() }
    }

    /// A file that claims more than is read.
    pub(crate) fn oversized(file: &str, row_group: impl Into<Option<usize>>, reason: impl Into<String>) -> Self {
        Self::Oversized { file: file.to_owned(), row_group: row_group.into(), reason: reason.into() }
    }

    /// A file whose schema cannot be used.
    pub(crate) fn bad_schema(file: &str, error: &str) -> Self {
        Self::corrupt(file, None, format!("its schema: {error}"))
    }

    /// A column that is there twice: which of them counts?
    pub(crate) fn twice(file: &str, column: &str) -> Self {
        Self::bad_schema(file, &format!("column {} is there twice", shown(column)))
    }
}

impl Fault for CurError {
    fn says(&self) -> Says<'_> {
        let (kind, class) = match self {
            Self::MissingColumn { .. } => ("export.missing_column", Class::Operator),
            Self::LegacyReport { .. } => ("export.legacy_report", Class::Operator),
            Self::Focus { .. } => ("export.focus", Class::Operator),
            Self::NotAChunk { found, .. } => (found.kind(), Class::Operator),
            Self::NoHeader { .. } => ("export.no_header", Class::Operator),
            Self::Bomb { .. } | Self::Oversized { .. } => ("export.bomb", Class::Operator),
            // The next delivery may mend a damaged file, but nothing says that one is to come: a person is told.
            Self::Corrupt { .. } => ("export.corrupt", Class::Operator),
            Self::UnsupportedCodec { .. } => ("export.unsupported_codec", Class::Operator),
            Self::WrongType { .. } => ("export.wrong_type", Class::Operator),
            Self::WrongPeriod { .. } => ("export.wrong_period", Class::Operator),
            Self::BadValue { .. } => ("export.bad_value", Class::Operator),
            Self::Overlong { .. } => ("export.too_long", Class::Operator),
            Self::TooMuch { .. } => ("export.too_many_lines", Class::Operator),
            Self::ManifestShape { .. } => ("export.manifest_shape", Class::Operator),
            Self::ManifestSize { .. } | Self::ManifestFiles { .. } => ("export.manifest_size", Class::Operator),
            Self::ManifestScope { .. } => ("export.manifest_scope", Class::Operator),
            Self::Source { .. } => ("store.unavailable", Class::Retry),
        };
        Says::Itself(kind, class)
    }
}

/// A name from a file as errors show it: cleaned, and no longer than a name is.
pub(crate) fn shown(name: &str) -> String {
    const LONGEST: usize = 128;
    text::shorten(name, LONGEST)
}

fn missing(columns: &[&'static str]) -> String {
    match columns {
        [column] => format!("column {column} is missing: add it to the export's query"),
        columns => format!("columns {} are missing: add them to the export's query", columns.join(", ")),
    }
}

fn in_row_group(row_group: Option<usize>) -> String {
    row_group.map(|index| format!("row group {index}: ")).unwrap_or_default()
}
