//! Sums of rows in columns, while rows are added.

use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::table::codes::Codes;
use crate::table::decimals::{Decimals, OptionalDecimals};
use crate::table::measures::Measures;

/// Sums that not every row has.
#[derive(Clone, Debug, Default)]
struct Optional {
    /// As many as there are rows, or fewer where the further ones have none.
    sums: Vec<Option<Decimal>>,
}

impl Optional {
    fn add(&mut self, row: usize, more: Option<Decimal>) -> Result<(), SumOutOfRange> {
        let Some(more) = more else { return Ok(()) };
        if self.sums.len() == row {
            self.sums.push(Some(more));
            return Ok(());
        }
        if self.sums.len() < row {
            self.sums.resize(row + 1, None);
        }
        if let Some(slot) = self.sums.get_mut(row) {
            *slot = Some(slot.unwrap_or_default().checked_add(more).ok_or(SumOutOfRange)?);
        }
        Ok(())
    }

    fn ordered(&self, order: &[u32]) -> OptionalDecimals {
        let of = |row: &u32| self.sums.get(crate::table::codes::place(*row)).copied().flatten();
        let has_any = self.sums.iter().any(Option::is_some);
        OptionalDecimals {
            decimals: Decimals::of(order.iter().map(|row| of(row).unwrap_or_default().units())),
            present: Codes::of(order.iter().map(|row| u32::from(of(row).is_some())), u32::from(has_any)),
        }
    }
}

/// What rows sum, by their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    usage_amount: Vec<Decimal>,
    tokens: Optional,
    unblended_cost: Vec<Decimal>,
    net_unblended_cost: Vec<Decimal>,
    list_cost: Optional,
    line_items: Vec<u32>,
    lines_without_net: Vec<u32>,
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
    pub(crate) fn len(&self) -> usize {
        self.unblended_cost.len()
    }

    /// Makes room for so many rows more.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.usage_amount.reserve(rows);
        self.unblended_cost.reserve(rows);
        self.net_unblended_cost.reserve(rows);
        self.line_items.reserve(rows);
        self.lines_without_net.reserve(rows);
    }

    /// Adds to a row that is there, or to the next.
    pub(crate) fn add(&mut self, row: usize, more: &Measures) -> Result<(), SumOutOfRange> {
        if row >= self.len() {
            self.usage_amount.push(more.usage_amount);
            self.unblended_cost.push(more.unblended_cost);
            self.net_unblended_cost.push(more.net_unblended_cost);
            self.line_items.push(narrow(more.line_items)?);
            self.lines_without_net.push(narrow(more.lines_without_net)?);
        } else {
            add(&mut self.usage_amount, row, more.usage_amount)?;
            add(&mut self.unblended_cost, row, more.unblended_cost)?;
            add(&mut self.net_unblended_cost, row, more.net_unblended_cost)?;
            count(&mut self.line_items, row, more.line_items)?;
            count(&mut self.lines_without_net, row, more.lines_without_net)?;
        }
        self.tokens.add(row, more.tokens)?;
        self.list_cost.add(row, more.list_cost)
    }

    /// The sums of the rows in `order`.
    pub(crate) fn ordered(self, order: &[u32]) -> SumColumns {
        let ordered = |sums: Vec<Decimal>| Decimals::of(order.iter().map(|row| at(&sums, *row).units()));
        let counted = |counts: Vec<u32>| {
            let largest = counts.iter().max().copied().unwrap_or_default();
            Codes::of(order.iter().map(|row| at(&counts, *row)), largest)
        };
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

fn at<T: Copy + Default>(values: &[T], row: u32) -> T {
    values.get(crate::table::codes::place(row)).copied().unwrap_or_default()
}

fn add(sums: &mut [Decimal], row: usize, more: Decimal) -> Result<(), SumOutOfRange> {
    if let Some(sum) = sums.get_mut(row) {
        *sum = sum.checked_add(more).ok_or(SumOutOfRange)?;
    }
    Ok(())
}

fn count(sums: &mut [u32], row: usize, more: u64) -> Result<(), SumOutOfRange> {
    if let Some(sum) = sums.get_mut(row) {
        *sum = sum.checked_add(narrow(more)?).ok_or(SumOutOfRange)?;
    }
    Ok(())
}

/// More rows than four billion are no bill.
fn narrow(count: u64) -> Result<u32, SumOutOfRange> {
    u32::try_from(count).map_err(|_| SumOutOfRange)
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
