//! The log followed from the beginning. Each commit must be one whole delivery that was there by then, and no older one
//! than the commit before; the facts file must follow the commits, and never go back.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use chrono::NaiveDate;
use spend_core::facts::fact::FactField;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::tabular;

use crate::history::History;
use crate::history::bill::BillRow;
use crate::history::configuration::Configuration;
use crate::history::step::Step;
use crate::history::words::{EXPORTS, MONTHS};
use crate::model::Violation;
use crate::model::amounts::{Sums, differences, read};
use crate::model::bills::{Bill, Whose, deliveries};
use crate::model::facts_file::{self, Of};
use crate::model::forgotten::Alias;
use crate::world::Happened;

/// What was committed of a month.
#[derive(Debug)]
pub struct Commit {
    of: Of,
    pub sums: Sums,
    /// The rows of the delivery that it is.
    pub rows: Rc<[BillRow]>,
    whole: usize,
    /// Whether it is made of files of several deliveries: its rows are not known.
    is_mixture: bool,
}

/// A month of an export.
#[derive(Debug, Default)]
pub struct Statements {
    pub bill: Bill,
    pub commits: Vec<Commit>,
    /// Which commit the facts file is of.
    pub published: Option<usize>,
}

/// What is committed and configured from some time on.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The place in the log from which on it is so.
    pub from: usize,
    pub book: BTreeMap<Whose, Rc<[BillRow]>>,
    pub configuration: Option<Rc<Configuration>>,
}

/// All that became of a history.
#[derive(Debug)]
pub struct Course {
    pub months: BTreeMap<Whose, Statements>,
    /// In order.
    pub moments: Vec<Moment>,
    /// The day on which it came to its end.
    pub ended: NaiveDate,
    alias: Alias,
    /// Whether a mixture was ever counted.
    pub has_mixtures: bool,
}

impl Course {
    /// Follows the log.
    pub fn of(history: &History, log: &[Happened], alias: &Alias) -> Result<Self, Violation> {
        let deliveries = deliveries(history);
        let configurations = history.steps.iter().filter_map(|step| match step {
            Step::Configure(configuration) if !configuration.broken => Some((configuration.text(), configuration)),
            _ => None,
        });
        let configurations: BTreeMap<_, _> = configurations.collect();
        let start = Moment { from: 0, book: BTreeMap::new(), configuration: None };
        let times = log.iter().filter_map(|happened| match happened {
            Happened::Wrote { at, .. } | Happened::Sent { at, .. } | Happened::Evaluated { now: at, .. } => Some(*at),
            _ => None,
        });
        let ended = times.max().unwrap_or(history.setup.begins()).date_naive();
        let (months, moments, alias) = (BTreeMap::new(), vec![start], alias.clone());
        let mut course = Self { months, moments, ended, alias, has_mixtures: false };
        for (place, happened) in log.iter().enumerate() {
            match happened {
                Happened::Delivered { number, file, is_whole } => {
                    let delivery = deliveries[number];
                    let kind = &history.setup.exports[usize::from(delivery.export)];
                    let month = course.months.entry((delivery.export, delivery.month)).or_default();
                    month.bill.delivered(kind, delivery, *file, *is_whole);
                }
                Happened::Wrote { key, bytes, .. } => {
                    if let Some(statement) = Statement::from_state_key(key) {
                        let whose = whose(&statement);
                        course.committed(history, place, whose, key, bytes)?;
                    } else if let Some(statement) = Statement::from_facts_key(key) {
                        course.published(whose(&statement), key, bytes)?;
                    } else {
                        let text = String::from_utf8(bytes.to_vec()).unwrap();
                        let found = configurations.get(&text);
                        let found = found.ok_or_else(|| format!("{key} is none that the owner wrote: {text}"))?;
                        course.moment(place).configuration = Some(Rc::new((*found).clone()));
                    }
                }
                _ => {}
            }
        }
        Ok(course)
    }

    /// Whether the rows of all that is counted in the end are known.
    pub fn is_known(&self) -> bool {
        !self.months.values().any(|month| month.commits.last().is_some_and(|commit| commit.is_mixture))
    }

    /// The moment that begins here.
    fn moment(&mut self, from: usize) -> &mut Moment {
        let last = self.moments.last().unwrap().clone();
        self.moments.push(Moment { from, ..last });
        self.moments.last_mut().unwrap()
    }

    fn committed(
        &mut self,
        history: &History,
        place: usize,
        whose: Whose,
        key: &str,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        let state: PeriodState =
            tabular::decode(key, bytes).map_err(|error| format!("{key} cannot be read: {error}"))?;
        let current = state.current().ok_or_else(|| format!("{key} names no delivery"))?;
        let of = Of { delivery_id: current.delivery_id.clone(), revision: current.revision };
        let found = sums_of(&state, &self.alias);
        let month = self.months.entry(whose).or_default();
        // Somebody was forgotten: that is no commit.
        if month.commits.last().is_some_and(|last| self.alias.is_used() && (&last.of, &last.sums) == (&of, &found)) {
            return Ok(());
        }
        let wholes = &month.bill.wholes;
        let least = month.commits.last().map_or(0, |commit| commit.whole);
        let whole = wholes.iter().enumerate().skip(least).find(|(_, whole)| whole.sums == found);
        let Some((whole, matching)) = whole else {
            // The month is counted from another export of its payer from now on, or this export counts no more.
            if may_leave(history, whose.0) && found.is_empty() {
                month.commits.push(Commit { of, sums: found, rows: Rc::default(), whole: least, is_mixture: false });
                self.moment(place).book.insert(whose, Rc::default());
                return Ok(());
            }
            // In a copy the files of a delivery may come hours apart: what is then counted says that it is not verified.
            if history.setup.copied.is_some() && current.unverified {
                month.commits.push(Commit { of, sums: found, rows: Rc::default(), whole: least, is_mixture: true });
                self.has_mixtures = true;
                self.moment(place).book.insert(whose, Rc::default());
                return Ok(());
            }
            if wholes.iter().take(least).any(|whole| whole.sums == found) {
                return Err(format!("an older delivery replaced a newer one: {key} became {}", of.delivery_id));
            }
            let newest = wholes.last().map(|whole| differences(&whole.sums, &found)).unwrap_or_default();
            return Err(format!("{key} became {}, which is no delivery that was there: {newest}", of.delivery_id));
        };
        let rows = Rc::clone(&matching.rows);
        month.commits.push(Commit { of, sums: found, rows: Rc::clone(&rows), whole, is_mixture: false });
        self.moment(place).book.insert(whose, rows);
        Ok(())
    }

    fn published(&mut self, whose: Whose, key: &str, bytes: &Bytes) -> Result<(), Violation> {
        let (of, sums) = facts_file::read(bytes, &self.alias);
        let month = self.months.entry(whose).or_default();
        let place = month.commits.iter().position(|commit| commit.of == of);
        let Some(place) = place else {
            return Err(format!("{key} is of {of:?}, which was never committed"));
        };
        if month.published.is_some_and(|before| before > place) {
            return Err(format!("{key} went back to {of:?}"));
        }
        let committed = &month.commits[place].sums;
        if *committed != sums {
            return Err(format!("{key} is not what was committed: {}", differences(committed, &sums)));
        }
        month.published = Some(place);
        Ok(())
    }
}

/// Whether what an export has delivered may be counted no more: there is another export of the same payer, or the owner
/// says so.
fn may_leave(history: &History, export: u8) -> bool {
    let exports = &history.setup.exports;
    let has_rival = exports.iter().filter(|other| other.payer == exports[usize::from(export)].payer).count() > 1;
    has_rival
        || history.steps.iter().any(|step| match step {
            Step::Configure(configuration) => !configuration.has_export(export),
            _ => false,
        })
}

fn whose(statement: &Statement) -> Whose {
    let place =
        |names: &[&str], name: &str| u8::try_from(names.iter().position(|found| *found == name).unwrap()).unwrap();
    (place(&EXPORTS, &statement.export_id), place(&MONTHS, &statement.period.to_string()))
}

/// The sums of a state's facts.
fn sums_of(state: &PeriodState, alias: &Alias) -> Sums {
    let mut sums = Sums::new();
    for fact in &state.facts {
        let text = |field| alias.undone(fact.get(field)).into_owned();
        let key = (text(FactField::Currency), text(FactField::Category), text(FactField::Identity), fact.day());
        let sum = sums.entry(key).or_default();
        sum.0 += read(&fact.unblended_cost().to_string());
        sum.1 += fact.line_items();
    }
    sums
}
