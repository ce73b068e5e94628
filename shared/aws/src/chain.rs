//! An error with its causes in one line.

use std::error::Error;

use spend_core::errors::text::cut;
use spend_core::text::clean;

/// `error` and its causes, each said once.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        // Some errors print their cause themselves.
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

/// What an error says with its causes, for logs and notes: on one line, and not without end, whatever it quotes.
pub fn said(error: &(dyn Error + 'static)) -> String {
    cut(&clean(&chain(error).replace('\n', "; "))).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_quotes_a_cell_of_megabytes_is_one_line_of_some_length() {
        let cell = format!("\u{1b}[31m{}", "x".repeat(9_000_000));
        let told = said(&std::io::Error::other(format!("the row\nholds {cell}")));
        assert!(told.len() < 2_100 && told.starts_with("the row; holds ?[31mxxx"), "{}", told.len());
    }

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read x{}", self.1)]
    struct Outer(#[source] std::io::Error, &'static str);

    #[test]
    fn every_cause_is_said_once() {
        let cause = || std::io::Error::other("the disk is gone");
        assert_eq!(chain(&Outer(cause(), "")), "failed to read x: the disk is gone");
        assert_eq!(chain(&Outer(cause(), ": the disk is gone")), "failed to read x: the disk is gone");
    }
}
