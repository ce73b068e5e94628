//! Sums of rows in columns, while rows are added.

use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::table::codes::{Codes, place};
use crate::table::decimals::{Decimals, OptionalDecimals};
use crate::table::growing::Growing;
use crate::table::growing_counts::GrowingCounts;
use crate::table::measures::Measures;

/// Sums that not every row has.
#[derive(Clone, Debug, Default)]
struct Optional {
    /// As many as there are rows, or fewer where the further ones have none.
    sums: Growing,
    is_there: Vec<bool>,
}

impl Optional {
    fn reserve(&mut self, rows: usize) {
        self.sums.reserve(rows);
        self.is_there.reserve(rows);
    }

    fn add(&mut self, row: usize, more: Option<Decimal>) -> Result<(), SumOutOfRange> {
        let Some(more) = more else { return Ok(()) };
        while self.sums.len() < row {
            self.sums.add(self.sums.len(), Decimal::ZERO)?;
        }
        if self.is_there.len() <= row {
            self.is_there.resize(row + 1, false);
        }
        if let Some(is_there) = self.is_there.get_mut(row) {
            *is_there = true;
        }
        self.sums.add(row, more)
    }

    fn ordered(&self, order: &[u32]) -> OptionalDecimals {
        let is_there = |row: &u32| self.is_there.get(place(*row)) == Some(&true);
        OptionalDecimals {
            decimals: ordered(&self.sums, order),
            present: Codes::of(order.iter().map(|row| is_there(row).into()), (!self.is_there.is_empty()).into()),
        }
    }
}

/// The sums of the rows in `order`.
fn ordered(sums: &Growing, order: &[u32]) -> Decimals {
    Decimals::of(order.iter().map(|row| sums.units(place(*row))))
}

/// What rows sum, by their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    usage_amount: Growing,
    tokens: Optional,
    unblended_cost: Growing,
    net_unblended_cost: Growing,
    list_cost: Optional,
    line_items: GrowingCounts,
    lines_without_net: GrowingCounts,
}

/// Sums in columns, in the order of their rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SumColumns {
    /// See [`Measures::usage_amount`].
    pub usage_amount: Decimals,
    /// See [`Measures::tokens`].
    pub tokens: OptionalDecimals,
    /// See [`Measures::unblended_cost`].
    pub unblended_cost: Decimals,
    /// See [`Measures::net_unblended_cost`].
    pub net_unblended_cost: Decimals,
    /// See [`Measures::list_cost`].
    pub list_cost: OptionalDecimals,
    /// See [`Measures::line_items`].
    pub line_items: Codes,
    /// See [`Measures::lines_without_net`].
    pub lines_without_net: Codes,
}

impl Sums {
    /// Makes room for so many rows more.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.usage_amount.reserve(rows);
        self.unblended_cost.reserve(rows);
        self.net_unblended_cost.reserve(rows);
        self.list_cost.reserve(rows);
        self.line_items.reserve(rows);
        self.lines_without_net.reserve(rows);
    }

    /// Adds to a row that is there, or to the next.
    pub(crate) fn add(&mut self, row: usize, more: &Measures) -> Result<(), SumOutOfRange> {
        self.line_items.add(row, more.line_items)?;
        self.lines_without_net.add(row, more.lines_without_net)?;
        self.usage_amount.add(row, more.usage_amount)?;
        self.unblended_cost.add(row, more.unblended_cost)?;
        self.net_unblended_cost.add(row, more.net_unblended_cost)?;
        self.tokens.add(row, more.tokens)?;
        self.list_cost.add(row, more.list_cost)
    }

    /// The sums of the rows in `order`.
    pub(crate) fn ordered(self, order: &[u32]) -> SumColumns {
        // Each is let go as soon as it is ordered.
        let ordered = |sums: Growing| ordered(&sums, order);
        let counted = |counts: GrowingCounts| counts.ordered(order);
        SumColumns {
            usage_amount: ordered(self.usage_amount),
            tokens: self.tokens.ordered(order),
            unblended_cost: ordered(self.unblended_cost),
            net_unblended_cost: ordered(self.net_unblended_cost),
            list_cost: self.list_cost.ordered(order),
            line_items: counted(self.line_items),
            lines_without_net: counted(self.lines_without_net),
        }
    }
}

impl SumColumns {
    /// What a row sums.
    pub(crate) fn get(&self, row: usize) -> Measures {
        Measures {
            usage_amount: self.usage_amount.get(row),
            tokens: self.tokens.get(row),
            unblended_cost: self.unblended_cost.get(row),
            net_unblended_cost: self.net_unblended_cost.get(row),
            list_cost: self.list_cost.get(row),
            line_items: self.line_items.get(row).unwrap_or_default().into(),
            lines_without_net: self.lines_without_net.get(row).unwrap_or_default().into(),
        }
    }

    /// The columns that do not have one entry for each of `rows` rows: the first of them, and how many it has.
    pub(crate) fn uneven(&self, rows: usize) -> Option<(&'static str, usize)> {
        let lengths = [
            ("usage_amount", self.usage_amount.len()),
            ("tokens", self.tokens.decimals.len()),
            ("tokens", self.tokens.present.len()),
            ("unblended_cost", self.unblended_cost.len()),
            ("net_unblended_cost", self.net_unblended_cost.len()),
            ("list_cost", self.list_cost.decimals.len()),
            ("list_cost", self.list_cost.present.len()),
            ("line_items", self.line_items.len()),
            ("lines_without_net", self.lines_without_net.len()),
        ];
        lengths.into_iter().find(|(_, length)| *length != rows)
    }
}
