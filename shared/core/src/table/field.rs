//! Which texts rows of a kind have.

/// The text fields of a kind of rows.
pub trait Field: Copy + 'static {
    /// Every field, in the order in which rows compare by them.
    const ALL: &'static [Self];

    /// Its place among them.
    fn place(self) -> usize;

    /// The column's name in stored state.
    fn name(self) -> &'static str;

    /// Whether it is about who used something, not about what was used. Few combinations of the latter repeat in all
    /// rows.
    fn is_of_caller(self) -> bool;
}
