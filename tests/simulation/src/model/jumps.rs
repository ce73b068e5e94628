//! Days on which an identity spent a good deal more than in the week before, as the rule `jumps` has it: settled ones, and
//! none whose week before is not known.

use std::collections::BTreeMap;

use chrono::{Days, Months, NaiveDate};

use crate::history::configuration::JUMP;
use crate::history::first_day;
use crate::model::amounts::{cost, day};
use crate::model::course::Moment;

/// Whether a day is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    Surely,
    /// Its month has ended, and may be closed: by the clock, or by invoices, which deliveries of equal sums may differ in.
    Perhaps,
    Not,
}

/// How far what is known speaks: by month up to which day, if there is any usage.
#[derive(Debug)]
struct Reach {
    months: BTreeMap<u8, Option<NaiveDate>>,
}

impl Reach {
    fn of(moment: &Moment) -> Self {
        let mut reach = Self { months: BTreeMap::new() };
        for ((_, month), rows) in &moment.book {
            let usage = rows.iter().filter(|row| row.is_bedrock() && row.category() == "usage");
            let last = usage.map(|row| day(row, *month)).max();
            // Of several exports the one that is behind counts.
            let known = reach.months.entry(*month).or_default();
            *known = [*known, last].into_iter().flatten().min();
        }
        reach
    }

    /// A day is settled 72 hours after its end. What came on the day itself may have been read by a clock that was behind.
    fn settled(&self, of: NaiveDate, today: NaiveDate) -> Settled {
        let month = |(month, _): &(&u8, &Option<NaiveDate>)| first_day(**month) + Months::new(1) > of;
        let reached = self.months.iter().filter(month).filter_map(|(_, last)| *last).max();
        let month = self.months.keys().rfind(|month| first_day(**month) <= of);
        let has_ended = month.is_some_and(|month| today >= first_day(*month) + Months::new(1));
        match reached {
            Some(reached) if reached > of + Days::new(4) => Settled::Surely,
            Some(reached) if reached == of + Days::new(4) => Settled::Perhaps,
            _ if has_ended => Settled::Perhaps,
            _ => Settled::Not,
        }
    }
}

/// A day of an identity that is above the week before it by more than the rule allows.
#[derive(Debug)]
pub struct Jump {
    pub member: String,
    pub day: NaiveDate,
    pub settled: Settled,
    /// Whether it is among the days that rules still look at.
    pub is_recent: bool,
}

/// The jumps of what was known at a moment, where nothing later than `today` was.
pub fn jumps(moment: &Moment, today: NaiveDate) -> Vec<Jump> {
    let Some(configuration) = moment.configuration.as_ref().filter(|with| with.compares) else { return Vec::new() };
    let reach = Reach::of(moment);
    let (Some(first), Some(newest)) = (reach.months.keys().next(), reach.months.values().flatten().max()) else {
        return Vec::new();
    };
    let mut spent: BTreeMap<&str, BTreeMap<NaiveDate, i128>> = BTreeMap::new();
    for ((_, month), rows) in &moment.book {
        for row in rows.iter().filter(|row| row.is_bedrock() && row.currency() == "USD") {
            if configuration.counts(row.category()) {
                let member = if row.identity().is_empty() { "(none)" } else { row.identity() };
                *spent.entry(member).or_default().entry(day(row, *month)).or_default() += cost(row);
            }
        }
    }
    let mut found = Vec::new();
    for (member, days) in spent {
        for (day, on) in &days {
            let week_before = *day - Days::new(7);
            let before: i128 = days.range(week_before..*day).map(|(_, amount)| amount).sum::<i128>() / 7;
            let rise = on - before;
            let is_above = rise * 100 > before * i128::from(JUMP.1) && rise > i128::from(JUMP.0) * 10_i128.pow(18);
            let settled = reach.settled(*day, today);
            if is_above && week_before >= first_day(*first) && settled != Settled::Not {
                let is_recent = *day + Days::new(13) >= *newest;
                found.push(Jump { member: member.to_owned(), day: *day, settled, is_recent });
            }
        }
    }
    found
}
