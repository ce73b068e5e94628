//! The terms of a change, and its two sides.

use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::named;

named! {
    /// One of the terms that a change is made of, in the order in which they are listed.
    pub enum Term {
        /// Usage of callers without usage in the earlier span.
        New = "new",
        /// Usage of callers without usage in the later span.
        Gone = "gone",
        /// Usage of callers that belonged to another group in the other span.
        Moved = "moved",
        /// More or fewer tokens.
        Volume = "volume",
        /// Other models.
        ModelMix = "model_mix",
        /// Other kinds of token: more output for the same input, less of it cached.
        TokenMix = "token_mix",
        /// Bought in other ways: less of it in batches.
        TierMix = "tier_mix",
        /// Longer or shorter prompts: beyond a model's limit tokens have another price.
        ContextMix = "context_mix",
        /// Another price for the same.
        Price = "price",
        /// What counts as spend and is not usage, as a rule discounts.
        Charges = "charges",
        /// Usage that is not counted in tokens.
        Unexplained = "unexplained",
        /// What deliveries have changed of the earlier span since it was told.
        Restatement = "restatement",
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

impl<T: Copy> Both<T> {
    pub(crate) fn of(&self, side: Side) -> T {
        match side {
            Side::Earlier => self.earlier,
            Side::Later => self.later,
        }
    }
}

pub(crate) fn difference(of: Both<Decimal>) -> Result<Decimal, SumOutOfRange> {
    of.later.checked_sub(of.earlier).ok_or(SumOutOfRange)
}
