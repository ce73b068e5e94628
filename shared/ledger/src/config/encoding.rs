//! The encoding of a configuration: UTF-8, and nothing is guessed.

use crate::config::problem::{ConfigError, Kind, Problem};

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
