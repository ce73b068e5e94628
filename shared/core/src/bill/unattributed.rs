//! Why spend names nobody.

use crate::named;

named! {
    /// A closed set, so that reports can be grouped by it.
    pub enum Unattributed {
        /// Discounts, credits, taxes and the like name nobody by nature.
        NotUsage = "not-usage",
        /// The export does not have the column that names callers.
        NoPrincipalColumn = "no-principal-column",
        /// Nobody was recorded yet on that day.
        BeforeRecorded = "before-2026-04-08",
        /// A model call that names nobody all the same.
        CallerNotRecorded = "caller-not-recorded",
        /// A use of Bedrock other than model calls.
        FeatureNotCovered = "feature-not-covered",
        /// A reason that this release does not know.
        Unknown = "unknown",
    }
}

impl Unattributed {
    /// The reason of a fact; `None` if it names somebody.
    pub fn of(name: &str) -> Option<Self> {
        (!name.is_empty()).then(|| Self::named(name).unwrap_or(Self::Unknown))
    }

    /// In words, and what can be done about it.
    pub fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::NotUsage => ("discounts and the like", "They name nobody by nature. Nothing to do."),
            Self::NoPrincipalColumn => (
                "the export does not say who calls",
                "Turn INCLUDE_IAM_PRINCIPAL_DATA on and select line_item_iam_principal.",
            ),
            Self::BeforeRecorded => {
                ("before AWS recorded callers", "AWS records them since 8 April 2026. Nothing to do.")
            }
            Self::CallerNotRecorded => ("caller not recorded", "AWS did not say who made these calls."),
            Self::FeatureNotCovered => ("no caller recorded for this use", "AWS records callers of model calls alone."),
            Self::Unknown => ("a reason that this release does not know", "See report --by usage_type."),
        }
    }

    /// Whether the account that spent it can be asked: about discounts nobody is.
    pub fn has_somebody_to_ask(self) -> bool {
        match self {
            Self::NotUsage => false,
            Self::NoPrincipalColumn
            | Self::BeforeRecorded
            | Self::CallerNotRecorded
            | Self::FeatureNotCovered
            | Self::Unknown => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_and_another_is_not_taken_for_a_known_one() {
        for reason in Unattributed::ALL {
            assert_eq!(Unattributed::of(reason.as_str()), Some(reason));
        }
        assert_eq!(Unattributed::of("something-new"), Some(Unattributed::Unknown));
        assert_eq!(Unattributed::of(""), None);
    }
}
