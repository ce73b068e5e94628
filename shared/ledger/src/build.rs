//! Which build of the program this is. `--version`, the first log line of a function, the metadata of objects in S3 and
//! the footer of facts files all say it as this file does.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

/// The version of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that the program was built from. Release recipes of the Makefile pass it; a build without them, or without
/// Git, has none. It is no part of development builds on purpose: every commit would build the whole workspace again.
pub const COMMIT: Option<&str> = known(option_env!("BEDROCK_LEDGER_COMMIT"));

/// `0.1.0 (1a2b3c4d5e6f)`, or `0.1.0` where the commit is not known.
pub fn name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| named(COMMIT));
    &NAME
}

/// The program as Parquet files name their writers. Readers such as parquet-mr parse this form and distrust statistics
/// of a file whose writer they cannot parse. Source: `created_by` in the Parquet format's `parquet.thrift`.
pub fn as_creator() -> String {
    let build = COMMIT.map(|commit| format!(" (build {commit})")).unwrap_or_default();
    format!("bedrock-ledger version {VERSION}{build}")
}

/// An empty variable is what a recipe passes where there is no Git.
const fn known(commit: Option<&'static str>) -> Option<&'static str> {
    match commit {
        Some(commit) if !commit.is_empty() => Some(commit),
        _ => None,
    }
}

fn named(commit: Option<&str>) -> String {
    commit.map_or_else(|| VERSION.to_owned(), |commit| format!("{VERSION} ({commit})"))
}
