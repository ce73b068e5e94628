//! An error with its causes in one line.

use std::error::Error;

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

#[cfg(test)]
mod tests {
    use super::*;

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
