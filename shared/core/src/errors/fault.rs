//! What every error of ours says of itself.

use std::error::Error;

use crate::errors::class::Class;

/// An error with a stable kind and a class. An enum of errors answers both with one match, [`Fault::says`].
pub trait Fault: Error {
    /// The kind and class of this error, or the error that it passes on.
    fn says(&self) -> Says<'_>;

    /// A stable name for logs, alarms and tests, such as `store.conflict`.
    fn kind(&self) -> &'static str {
        match self.says() {
            Says::Itself(kind, _) => kind,
            Says::As(cause) => cause.kind(),
        }
    }

    /// What is to be done about it.
    fn class(&self) -> Class {
        match self.says() {
            Says::Itself(_, class) => class,
            Says::As(cause) => cause.class(),
        }
    }
}

/// The answer of [`Fault::says`].
#[derive(Clone, Copy)]
pub enum Says<'a> {
    /// A kind and a class of its own.
    Itself(&'static str, Class),
    /// Whatever this error says.
    As(&'a dyn Fault),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("another writer was quicker")]
    struct Conflict;

    impl Fault for Conflict {
        fn says(&self) -> Says<'_> {
            Says::Itself("store.conflict", Class::Retry)
        }
    }

    #[derive(Debug, thiserror::Error)]
    enum StepError {
        #[error(transparent)]
        Store(Conflict),
        #[error("the file is damaged")]
        Damaged,
    }

    impl Fault for StepError {
        fn says(&self) -> Says<'_> {
            match self {
                Self::Store(error) => Says::As(error),
                Self::Damaged => Says::Itself("export.damaged", Class::Wait),
            }
        }
    }

    #[test]
    fn an_error_that_is_passed_on_keeps_its_kind_and_class() {
        let store = StepError::Store(Conflict);
        assert_eq!((store.kind(), store.class()), ("store.conflict", Class::Retry));
        assert_eq!((StepError::Damaged.kind(), StepError::Damaged.class()), ("export.damaged", Class::Wait));
    }
}
