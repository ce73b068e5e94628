//! What an object is by its key: what browsers, consoles and tools go by who fetch it.

/// The media type of what lies at a key, by its extension; what has none is bytes.
///
/// Sources: RFC 9110 for the form; the registrations of `text/html`, `text/csv`, `application/json`, `application/toml`,
/// `application/zstd` and `application/vnd.apache.parquet` with IANA.
pub(super) fn of(key: &str) -> &'static str {
    match key.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        Some("toml") => "application/toml",
        Some("parquet") => "application/vnd.apache.parquet",
        // Not an encoding of JSON: who fetches one would be given other bytes than lie there.
        Some("zst") => "application/zstd",
        _ => "application/octet-stream",
    }
}
