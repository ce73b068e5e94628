//! What explained lines come to by day, by model and by session, and through which roles people came: read before the
//! lines themselves.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use spend_core::bill::line::LineField;
use spend_core::bill::principal::IdentityKind;
use spend_core::facts::fact::FactField;
use spend_core::facts::people::Roles;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::text::{money, pad_left, pad_right, shorten, shown, wrap};
use spend_pipeline::explain::ExplainedRow;

/// How many days are shown: those of a month.
const DAYS: usize = 31;
/// How many models and sessions are shown, the largest.
const OTHERS: usize = 8;
/// How many columns a name may take: a line fits a terminal of 80.
const NAME: usize = 46;
/// How many columns the roles of a person may take, on several lines.
const ROLES: usize = 400;
/// How many columns an amount takes.
const AMOUNT: usize = 18;

/// Lines, and what they cost.
#[derive(Clone, Copy, Default)]
struct Tally {
    lines: u64,
    cost: Decimal,
}

/// Tallies by currency and name.
type Tallies = BTreeMap<(String, String), Tally>;

#[derive(Default)]
pub(super) struct Summary {
    days: Tallies,
    models: Tallies,
    sessions: Tallies,
    /// By person, and by principal.
    people: BTreeMap<(String, IdentityKind), BTreeMap<String, Decimal>>,
}

impl Summary {
    pub(super) fn add(&mut self, row: &ExplainedRow) -> Result<(), SumOutOfRange> {
        let currency = row.fact.get(FactField::Currency);
        let model = row.fact.get(FactField::Model);
        let session = session(row.row.key.get(LineField::Principal));
        let kind = IdentityKind::of(row.fact.get(FactField::IdentityKind));
        if kind.is_person() {
            let principals = self.people.entry((row.fact.get(FactField::Identity).to_owned(), kind)).or_default();
            let sum = principals.entry(row.row.key.get(LineField::Principal).to_owned()).or_default();
            *sum = sum.checked_add(row.row.measures.unblended_cost).ok_or(SumOutOfRange)?;
        }
        let day = row.fact.usage_date.to_string();
        for (tallies, name) in
            [(&mut self.days, day.as_str()), (&mut self.models, model), (&mut self.sessions, session)]
        {
            let tally = tallies.entry((currency.to_owned(), name.to_owned())).or_default();
            tally.lines = tally.lines.checked_add(row.row.measures.line_items).ok_or(SumOutOfRange)?;
            tally.cost = tally.cost.checked_add(row.row.measures.unblended_cost).ok_or(SumOutOfRange)?;
        }
        Ok(())
    }

    /// A table for each.
    pub(super) fn lines(&self) -> Result<Vec<String>, SumOutOfRange> {
        let mut lines = Vec::new();
        for (title, tallies, most, is_by_time) in [
            ("By day", &self.days, DAYS, true),
            ("By model", &self.models, OTHERS, false),
            ("By session", &self.sessions, OTHERS, false),
        ] {
            lines.push(line(title, "lines", "cost"));
            lines.extend(table(tallies, most, is_by_time)?);
            lines.push(String::new());
        }
        for ((identity, kind), principals) in &self.people {
            let spent = principals.iter().map(|(principal, spent)| (principal.as_str(), *spent));
            let roles = Roles::of(*kind, spent)?;
            if !roles.is_empty() {
                lines.extend(wrap("", &format!("{} came through {}", shown(identity), roles.within(ROLES))));
                lines.push(String::new());
            }
        }
        Ok(lines)
    }
}

fn table(tallies: &Tallies, most: usize, is_by_time: bool) -> Result<Vec<String>, SumOutOfRange> {
    let mut sorted: Vec<_> = tallies.iter().collect();
    if is_by_time {
        sorted.sort_by(|left, right| left.0.1.cmp(&right.0.1));
    } else {
        sorted.sort_by_key(|(_, tally)| Reverse(tally.cost.abs()));
    }
    let rest = sorted.split_off(sorted.len().min(most));
    let row = |((currency, name), tally): &(&(String, String), &Tally)| {
        line(&format!("  {}", shown(name)), &tally.lines.to_string(), &money(currency, tally.cost))
    };
    let mut lines: Vec<_> = sorted.iter().map(row).collect();
    let mut others: BTreeMap<&str, (usize, Tally)> = BTreeMap::new();
    for ((currency, _), tally) in rest {
        let (count, sum) = others.entry(currency).or_default();
        *count += 1;
        sum.lines = sum.lines.checked_add(tally.lines).ok_or(SumOutOfRange)?;
        sum.cost = sum.cost.checked_add(tally.cost).ok_or(SumOutOfRange)?;
    }
    for (currency, (count, tally)) in others {
        lines.push(line(&format!("  {count} more"), &tally.lines.to_string(), &money(currency, tally.cost)));
    }
    Ok(lines)
}

fn line(name: &str, lines: &str, cost: &str) -> String {
    format!("{} {} {}", pad_right(&shorten(name, NAME), NAME), pad_left(lines, 9), pad_left(cost, AMOUNT))
}

/// What an ARN says besides whose account it is: `ROLE/SESSION` of an assumed role. Whole ARNs stand in the other formats.
pub(super) fn session(principal: &str) -> &str {
    let resource = principal.splitn(6, ':').nth(5).unwrap_or(principal);
    resource.strip_prefix("assumed-role/").unwrap_or(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_with_its_role_and_anything_else_as_it_is() {
        for (principal, expected) in [
            ("arn:aws:sts::444455556666:assumed-role/app/pod:1", "app/pod:1"),
            ("arn:aws:iam::444455556666:user/kim", "user/kim"),
            ("odd", "odd"),
            ("", ""),
        ] {
            assert_eq!(session(principal), expected);
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_one_row() {
        let tally = |cost: &str| Tally { lines: 2, cost: cost.parse().unwrap() };
        let tallies: Tallies =
            (1..=10).map(|number| (("USD".to_owned(), format!("m{number}")), tally(&number.to_string()))).collect();
        let lines = table(&tallies, OTHERS, false).unwrap();
        assert_eq!(lines.len(), 9);
        assert!(lines[0].starts_with("  m10 ") && lines[0].ends_with("$10.00"), "{lines:?}");
        assert!(lines[8].starts_with("  2 more ") && lines[8].ends_with("$3.00"), "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= 78), "{lines:?}");
    }
}
