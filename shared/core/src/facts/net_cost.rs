//! Net cost that the bill does not have. `line_item_net_unblended_cost` is there only for accounts with a discount; a line
//! without it counts with its unblended cost, and whoever asks for net cost must know of how much that is true.

use std::collections::BTreeMap;

use crate::facts::fact::{Fact, FactField};
use crate::facts::spend::Basis;
use crate::money::currencies::order;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::table::measures::Measures;
use crate::text::money;

/// The lines whose unblended cost stands in for their net cost, by currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandIn(BTreeMap<String, Lines>);

/// Those of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lines {
    count: u64,
    unblended: Decimal,
    /// Whether `unblended` has the cost of lines with a net cost in it: sums do not tell theirs apart.
    has_others: bool,
}

impl StandIn {
    /// What stands in on `basis`: nothing where nobody asked for net cost.
    pub fn of<'a>(basis: Basis, facts: impl IntoIterator<Item = Fact<'a>>) -> Result<Self, SumOutOfRange> {
        let mut found = Self::default();
        if basis == Basis::NetUnblended {
            for fact in facts {
                found.add(fact.get(FactField::Currency), &fact.measures())?;
            }
        }
        Ok(found)
    }

    /// Adds lines of the bill.
    pub fn add(&mut self, currency: &str, measures: &Measures) -> Result<(), SumOutOfRange> {
        if measures.lines_without_net == 0 {
            return Ok(());
        }
        let lines = self.0.entry(currency.to_owned()).or_default();
        lines.count = lines.count.checked_add(measures.lines_without_net).ok_or(SumOutOfRange)?;
        lines.unblended = lines.unblended.checked_add(measures.unblended_cost).ok_or(SumOutOfRange)?;
        lines.has_others |= measures.lines_without_net < measures.line_items;
        Ok(())
    }

    /// Of how many lines and how much money, in a sentence; nothing if every line has its net cost.
    pub fn sentence(&self) -> Option<String> {
        let part = |(currency, lines): (&String, &Lines)| {
            let Lines { count, unblended, has_others } = *lines;
            let items = if count == 1 { "1 line item".to_owned() } else { format!("{count} line items") };
            let up_to = if has_others { "at most " } else { "" };
            format!("{items} ({up_to}{})", money(currency, unblended))
        };
        let mut lines: Vec<_> = self.0.iter().collect();
        lines.sort_by(|left, right| order((left.0, left.1.unblended), (right.0, right.1.unblended)));
        let parts: Vec<_> = lines.into_iter().map(part).collect();
        (!parts.is_empty()).then(|| {
            format!(
                "The bill has no net cost (line_item_net_unblended_cost) for {}: their unblended cost stands in.",
                parts.join(" and ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{FactRow, fact, table};

    fn of(day: &str, cost: &str, lines: (u64, u64)) -> FactRow {
        let mut fact = fact(day, cost, &[]);
        (fact.measures.line_items, fact.measures.lines_without_net) = lines;
        fact
    }

    #[test]
    fn who_asks_for_net_cost_is_told_of_how_much_there_is_none() {
        let facts = [of("2026-11-02", "1.5", (2, 2)), of("2026-11-03", "3", (1, 1)), of("2026-11-04", "9", (5, 0))];
        let said = |basis| StandIn::of(basis, &table(&facts)).unwrap().sentence();
        assert_eq!(said(Basis::Unblended), None);
        assert_eq!(
            said(Basis::NetUnblended).unwrap(),
            "The bill has no net cost (line_item_net_unblended_cost) for 3 line items ($4.50): their unblended cost stands in."
        );
        let mixed = [of("2026-11-02", "1.5", (2, 1))];
        let said = StandIn::of(Basis::NetUnblended, &table(&mixed)).unwrap().sentence().unwrap();
        assert!(said.contains("for 1 line item (at most $1.50)"), "{said}");
    }
}
