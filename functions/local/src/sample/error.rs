//! Why a sample was not written.

use std::io;
use std::path::PathBuf;

use spend_cur::write::WriteError;

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
