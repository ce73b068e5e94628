//! The terms of a change, and its two sides.

use crate::money::decimal::{Decimal, SumOutOfRange};

/// One of the terms that a change is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// Usage of callers without usage in the earlier span.
    New,
    /// Usage of callers without usage in the later span.
    Gone,
    /// Usage of callers that belonged to another group in the other span.
    Moved,
    /// More or fewer tokens.
    Volume,
    /// Other models.
    ModelMix,
    /// Other kinds of token: more output for the same input, less of it cached.
    TokenMix,
    /// Bought in other ways: less of it in batches.
    TierMix,
    /// Longer or shorter prompts: beyond a model's limit tokens have another price.
    ContextMix,
    /// Another price for the same.
    Price,
    /// What counts as spend and is not usage, as a rule discounts.
    Charges,
    /// Usage that is not counted in tokens.
    Unexplained,
    /// What deliveries have changed of the earlier span since it was told.
    Restatement,
}

impl Term {
    /// Every term, in the order in which they are listed.
    pub const ALL: [Self; 12] = [
        Self::New,
        Self::Gone,
        Self::Moved,
        Self::Volume,
        Self::ModelMix,
        Self::TokenMix,
        Self::TierMix,
        Self::ContextMix,
        Self::Price,
        Self::Charges,
        Self::Unexplained,
        Self::Restatement,
    ];

    /// The name for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Moved => "moved",
            Self::Volume => "volume",
            Self::ModelMix => "model_mix",
            Self::TokenMix => "token_mix",
            Self::TierMix => "tier_mix",
            Self::ContextMix => "context_mix",
            Self::Price => "price",
            Self::Charges => "charges",
            Self::Unexplained => "unexplained",
            Self::Restatement => "restatement",
        }
    }
}

/// Which of the spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Earlier,
    Later,
}

/// Something for each span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Both<T> {
    pub(crate) earlier: T,
    pub(crate) later: T,
}

impl<T> Both<T> {
    pub(crate) fn at(&mut self, side: Side) -> &mut T {
        match side {
            Side::Earlier => &mut self.earlier,
            Side::Later => &mut self.later,
        }
    }
}

pub(crate) fn difference(of: Both<Decimal>) -> Result<Decimal, SumOutOfRange> {
    of.later.checked_sub(of.earlier).ok_or(SumOutOfRange)
}
