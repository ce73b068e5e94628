//! The size and the encoding of a configuration: as much as is read, and UTF-8, of which nothing is guessed.

use crate::config::problem::{ConfigError, Kind, Problem};

/// The most bytes that a configuration may have with the files beside it that it names: a hundred thousand overrides. What
/// is in force holds all of it, and every invocation of every function reads that.
pub(super) const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Whether so many bytes are read: of a configuration and the files beside it so far, of which `file` is the last.
///
/// # Errors
///
/// [`ConfigError`], if they are too many.
pub fn check_size(file: &str, bytes: u64) -> Result<(), ConfigError> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let message = format!(
        "the configuration has {bytes} bytes with this file, and at most {MOST_BYTES} are read: see that it is the right \
         file, and remove overrides that nobody needs; one takes about 40 bytes"
    );
    let problem = Problem { file: None, line: 1, kind: Kind::Invalid.as_str(), message };
    Err(ConfigError { file: file.to_owned(), problems: vec![problem] })
}

/// The text of a configuration, or of a file beside one. `file` is how errors call it.
pub fn text(file: &str, bytes: Vec<u8>) -> Result<String, ConfigError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = String::from_utf8_lossy(good).matches('\n').count() + 1;
        let message =
            "this is not UTF-8: a letter of this line was written in another encoding; save the file as UTF-8";
        let problem = Problem { file: None, line, kind: Kind::Syntax.as_str(), message: message.to_owned() };
        ConfigError { file: file.to_owned(), problems: vec![problem] }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_utf_8_is_an_error_with_its_line_and_cure() {
        let error = text("ledger.toml", b"[metrics]\n# f\xfcr alle\n".to_vec()).unwrap_err().to_string();
        assert_eq!(
            error,
            "ledger.toml:2: this is not UTF-8: a letter of this line was written in another encoding; save the file as UTF-8 \
             [config.syntax]"
        );
        assert_eq!(text("ledger.toml", "# für".into()).unwrap(), "# für");
    }
}
