//! Why a command failed: one clear line, with the cure.

use std::io;
use std::path::{Path, PathBuf};

use spend_core::allocation::metering::table::MeteringFileError;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::errors::text::cut;
use spend_core::money::decimal::SumOutOfRange;
use spend_ledger::alert::AlertError;
use spend_ledger::chargeback::ChargebackError;
use spend_ledger::config::in_force::InForceError;
use spend_ledger::digest::DigestError;
use spend_ledger::metrics::MetricsError;
use spend_ledger::state::committed::CommittedError;
use spend_ledger::state::document::DocumentError;
use spend_ledger::store::StoreError;
use spend_pipeline::error::PipelineError;
use spend_pipeline::explain::ExplainError;
use spend_pipeline::files::tree::TreeError;
use spend_pipeline::period::forget::ForgetError;

use crate::sample::SampleError;

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// Metrics were not put; the next run goes on.
    #[error("failed to put the metrics: {0}")]
    Metrics(#[from] MetricsError),
    /// Alerts were not evaluated or not sent; what is pending is sent by the next run.
    #[error("failed to alert: {0}")]
    Alert(#[from] AlertError),
    /// The digest was not sent; the next run sends it.
    #[error("failed to send the digest: {0}")]
    Digest(#[from] DigestError),
    #[error(transparent)]
    Config(#[from] InForceError),
    #[error(transparent)]
    Sample(#[from] SampleError),
    #[error(transparent)]
    Sum(#[from] SumOutOfRange),
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The files of the tree are of another kind than CUR 2.0's.
    #[error("nothing below {} can be read: {what}", tree.display())]
    NotAnExport {
        tree: PathBuf,
        /// What they are, and how to get what is needed.
        what: String,
    },
    #[error("the manifest lists files that are not there: {}: copy the whole export again", chunks.join(", "))]
    MissingChunks { chunks: Vec<String> },
    #[error(
        "{key} changed while its delivery was being read, and nothing is published from a mix of two deliveries: wait \
         until whatever copies the export is done, or copy it again, and run again"
    )]
    Changed { key: String },
    #[error("{}", unpublished(*failures, *deliveries))]
    Unpublished { failures: usize, deliveries: usize },
    #[error("{} is a file, and {option} needs a folder: name the one {}", path.display(), whose(option))]
    NotAFolder { option: &'static str, path: PathBuf },
    /// The export or the ledger has problems; they were written.
    #[error("numbers are missing or wrong until the problems above ({problems}) are mended: each says how")]
    Unusable { problems: usize },
    #[error("{0}")]
    NothingFound(String),
    #[error(transparent)]
    Explain(#[from] ExplainError),
    #[error(
        "the lines of the bill do not come to what the ledger says: {differences}; {cure}, and explain again. If they \
         still differ the ledger is wrong: please report it"
    )]
    Disagreement { differences: String, cure: &'static str },
    #[error(transparent)]
    Chargeback(#[from] ChargebackError),
    #[error(transparent)]
    Metering(#[from] MeteringFileError),
    #[error("{failures} of {periods} periods were not derived again, see above; the others were")]
    NotRebuilt { failures: usize, periods: usize },
    #[error(transparent)]
    Forget(#[from] ForgetError),
    #[error("{objects} objects still have the name, see above; do what each says, and forget again")]
    NotForgotten { objects: usize },
    /// An option that this release does not have yet.
    #[error("{0}")]
    Unsupported(String),
    /// Nobody says where or as whom a bucket is to be read.
    #[error("{0}")]
    NotReady(String),
    #[error("failed to {action} {}: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("failed to write the output: {0}")]
    Output(#[from] io::Error),
    #[error("failed to write csv: {0}")]
    Csv(#[from] csv::Error),
    #[error("failed to write json: {0}")]
    Json(#[from] serde_json::Error),
}

/// What is to be named instead of a file.
fn whose(option: &str) -> &'static str {
    if option == "--export" { "that the export lies in" } else { "that holds the ledger, or is to" }
}

fn unpublished(failures: usize, deliveries: usize) -> String {
    match (failures, deliveries) {
        (1, 1) => "the only delivery was not published, see above".to_owned(),
        _ if failures == deliveries => format!("none of {deliveries} deliveries was published, see above"),
        (1, _) => format!("1 of {deliveries} deliveries was not published, see above; the others were"),
        _ => format!("{failures} of {deliveries} deliveries were not published, see above; the others were"),
    }
}

impl CommandError {
    /// Why the folder that `option` names cannot be used. The store speaks of keys, and people of files.
    pub(crate) fn of_folder(option: &'static str, path: &Path, error: StoreError) -> Self {
        match error {
            StoreError::BadKey { .. } if path.is_file() => Self::NotAFolder { option, path: path.to_owned() },
            error => error.into(),
        }
    }

    /// Whether whoever reads the output closed it before its end.
    pub fn is_unread_output(&self) -> bool {
        let kind = match self {
            Self::Output(error) => Some(error.kind()),
            Self::Csv(error) => match error.kind() {
                csv::ErrorKind::Io(error) => Some(error.kind()),
                _ => None,
            },
            Self::Json(error) => error.io_error_kind(),
            _ => None,
        };
        kind == Some(io::ErrorKind::BrokenPipe)
    }

    /// The error for people: one line, but one for each problem of a configuration.
    pub fn lines(&self) -> Vec<String> {
        let text = format!("error: {self}");
        match self {
            Self::Config(_) => text.lines().map(|line| cut(line).into_owned()).collect(),
            _ => vec![cut(&text).into_owned()],
        }
    }
}

impl Fault for CommandError {
    fn says(&self) -> Says<'_> {
        // A command runs before a person, who reads its error and acts.
        let own = |kind| Says::Itself(kind, Class::Operator);
        match self {
            Self::Pipeline(error) => Says::As(error),
            Self::Store(error) => Says::As(error),
            Self::Document(error) => Says::As(error),
            Self::Committed(error) => Says::As(error),
            Self::Config(error) => Says::As(error),
            Self::Explain(error) => Says::As(error),
            Self::Forget(error) => Says::As(error),
            Self::Chargeback(error) => Says::As(error),
            Self::Tree(error) => Says::As(error),
            Self::Metering(error) => own(error.kind()),
            Self::NotForgotten { .. } => own("store.not_forgotten"),
            Self::Disagreement { .. } => own("bug.disagreement"),
            Self::NotRebuilt { .. } => own("store.unreduced"),
            Self::Sum(_) => own("export.out_of_range"),
            Self::NotAnExport { .. } => own("export.not_cur2"),
            Self::Changed { .. } => own("store.replaced"),
            Self::MissingChunks { .. } => own("export.missing_chunks"),
            Self::Unpublished { .. } => own("export.unpublished"),
            Self::Unusable { .. } => own("export.unusable"),
            Self::Metrics(_) | Self::Alert(_) | Self::Digest(_) => own("publish.failed"),
            Self::Sample(_) | Self::File { .. } | Self::Output(_) | Self::Csv(_) | Self::Json(_) => own("local.io"),
            Self::NotReady(_) => own("store.not_ready"),
            Self::NothingFound(_) | Self::Unsupported(_) | Self::NotAFolder { .. } => own("usage"),
        }
    }
}
