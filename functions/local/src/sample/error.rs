//! Why a sample was not written.

use std::io;
use std::path::PathBuf;

use spend_cur::write::WriteError;

#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("writing a sample into {}: it already holds {entry}; name a new directory", .out.display())]
    NotEmpty { out: PathBuf, entry: String },
    #[error("writing {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Chunk(#[from] WriteError),
}
