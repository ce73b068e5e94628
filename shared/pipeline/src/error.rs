//! Why a step did not finish.

use chrono::{DateTime, Utc};
use spend_core::bill::line::limits::TooLong;
use spend_core::calendar::period::BillingPeriod;
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};
use spend_core::money::decimal::SumOutOfRange;
use spend_core::text::instant;
use spend_cur::error::CurError;
use spend_ledger::outputs::operations::NoteError;
use spend_ledger::state::committed::CommittedError;
use spend_ledger::state::document::DocumentError;
use spend_ledger::store::StoreError;

/// Why a step from an export drop to a committed period did not finish. Doing the step again is always harmless. `key` is
/// the object, `statement` the export and period.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A file of the export cannot be used.
    #[error(transparent)]
    Export(#[from] CurError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored object of the ledger cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A committed state cannot be read.
    #[error(transparent)]
    Committed(#[from] CommittedError),
    /// A stored reduction has a text that no file of an export may have any more.
    #[error(
        "{key}: column {column} {reason}: an earlier release reduced {chunk}, whose delivery is not counted again \
         until this is mended: put the file right or let the next delivery replace it, remove the object together \
         with sweep/deliveries.json, and run again"
    )]
    Overlong {
        key: String,
        /// The file of the export.
        chunk: String,
        column: String,
        /// How long the text is.
        reason: TooLong,
    },
    /// Data files without a manifest are not one whole delivery.
    #[error(
        "{export} {period} has no manifest, and its files cannot be taken for one delivery: {reason}: copy the \
         export with its metadata/, or keep the files of the newest delivery alone"
    )]
    Unlisted {
        export: String,
        period: BillingPeriod,
        /// What is wrong with them.
        reason: String,
    },
    /// Rows name a payer that is none.
    #[error(
        "{statement}: rows name the payer {payer:?}, which is no account id (12 digits), so nothing of the delivery \
         is counted: find out who wrote its files, and let the next delivery replace them"
    )]
    Payer {
        statement: String,
        /// What stands in the place of the payer, cut.
        payer: String,
    },
    /// A month is delivered before it begins.
    #[error(
        "{statement} was delivered before its month begins on {}; it waits until then. If the export is not yours, \
         find out who may write to its bucket", instant(*begins)
    )]
    NotBegun {
        statement: String,
        /// When it begins.
        begins: DateTime<Utc>,
    },
    /// A new month of a payer is delivered by another export than the payer was counted from before, which still delivers.
    #[error(
        "{statement} is not counted yet: payer {payer} was counted from {counted} so far, and {counted} still \
         delivers (last {}). It is counted once {counted} has delivered nothing for two days, or when claims of \
         [export] in the configuration names it", instant(*delivered_at)
    )]
    Incumbent {
        statement: String,
        /// The payer; empty where rows do not say.
        payer: String,
        /// The export that it was counted from.
        counted: String,
        /// When that one delivered last.
        delivered_at: DateTime<Utc>,
    },
    /// A sum is too large to be money.
    #[error("{statement}: {source}: look for a damaged cost or amount in its chunks")]
    Sum { statement: String, source: SumOutOfRange },
    /// The facts file could not be made.
    #[error("failed to write {key} as parquet: {source}")]
    Facts { key: String, source: parquet::errors::ParquetError },
    /// A period cannot be derived again, because what it is derived from is gone.
    #[error(
        "{key} is not in the ledger: delivery {delivery_id} of {statement} cannot be derived again without it; run \
         again on the export, which reads what is missing, and then rebuild"
    )]
    Unreduced {
        key: String,
        statement: String,
        /// The delivery in force.
        delivery_id: String,
    },
    /// A history entry that the committed state names is gone.
    #[error("{key} is not in the ledger: restore it from an earlier version; the numbers in force do not need it")]
    NoHistory { key: String },
    /// Somebody else changed the same object again and again.
    #[error("another writer was quicker at {key} each time ({attempts} tried): run the step again")]
    Contended {
        key: String,
        /// How often it was tried.
        attempts: usize,
    },
}

impl From<NoteError> for PipelineError {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::Store(error) => Self::Store(error),
            NoteError::Document(error) => Self::Document(error),
        }
    }
}

impl Fault for PipelineError {
    fn says(&self) -> Says<'_> {
        let (kind, class) = match self {
            Self::Export(error) => return Says::As(error),
            Self::Store(error) => return Says::As(error),
            Self::Document(error) => return Says::As(error),
            Self::Committed(error) => return Says::As(error),
            Self::Overlong { .. } => ("export.too_long", Class::Operator),
            Self::Unlisted { .. } => ("export.unlisted", Class::Operator),
            Self::Payer { .. } => ("export.payer", Class::Operator),
            Self::NotBegun { .. } => ("export.not_begun", Class::Wait),
            Self::Incumbent { .. } => ("export.incumbent", Class::Wait),
            Self::Unreduced { .. } => ("store.unreduced", Class::Operator),
            Self::NoHistory { .. } => ("store.not_found", Class::Operator),
            Self::Sum { .. } => ("export.out_of_range", Class::Operator),
            Self::Facts { .. } => ("bug.facts", Class::Operator),
            Self::Contended { .. } => ("store.conflict", Class::Retry),
        };
        Says::Itself(kind, class)
    }
}

pub(crate) fn not_found(key: &str) -> StoreError {
    StoreError::NotFound { key: key.to_owned() }
}
