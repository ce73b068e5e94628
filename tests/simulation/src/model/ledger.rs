//! What the ledger must say in the end: of each month that somebody pays the newest whole delivery of one export, and of no
//! other.

use std::collections::BTreeMap;
use std::rc::Rc;

use spend_ledger::store::Store as _;

use crate::history::History;
use crate::history::bill::{BillRow, PAYERS};
use crate::history::generate::payer;
use crate::history::words::{EXPORTS, MONTHS};
use crate::model::Violation;
use crate::model::amounts::differences;
use crate::model::bills::Whose;
use crate::model::course::{Course, Statements};
use crate::world::{World, ready};

/// What is counted in the end.
pub type Counted = BTreeMap<Whose, Rc<[BillRow]>>;

/// Judges states, facts files and claims.
pub fn judge(history: &History, course: &Course, world: &World) -> Result<Counted, Violation> {
    let mut counted = Counted::new();
    for ((export, month), of) in &course.months {
        let (name, period) = (EXPORTS[usize::from(*export)], MONTHS[usize::from(*month)]);
        let payer = payer(&history.setup.exports[usize::from(*export)]);
        let claim = ready(world.ledger.get(&format!("claims/payer={payer}/period={period}.json"))).unwrap();
        let holder = claim.map(|(bytes, _)| {
            let claim: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            claim["export_id"].as_str().unwrap().to_owned()
        });
        let configuration = course.moments.last().and_then(|moment| moment.configuration.as_ref());
        let has_export = |export: u8| configuration.is_none_or(|configuration| configuration.has_export(export));
        let chosen = configuration
            .and_then(|configuration| configuration.chosen)
            .filter(|(of, _)| PAYERS[usize::from(*of)] == payer)
            .map(|(_, chosen)| chosen);
        let is_others = holder.as_deref().is_some_and(|holder| holder != name);
        // What is chosen is counted once it has a delivery of the month; whether it had one that was whole is not always
        // known.
        let is_out = match chosen {
            _ if !has_export(*export) => Some(true),
            None if is_others && !holder.as_deref().and_then(number).is_some_and(has_export) => Some(false),
            None => Some(is_others),
            Some(chosen) if chosen == *export => Some(false),
            Some(chosen) => match course.months.get(&(chosen, *month)).and_then(|chosen| chosen.bill.wholes.last()) {
                None => Some(is_others),
                Some(newest) => {
                    (course.months[&(chosen, *month)].bill.is_sure && !newest.sums.is_empty()).then_some(true)
                }
            },
        };
        counted_of(&format!("{name} {period}"), of, is_out)?;
        if let Some(commit) = of.commits.last() {
            counted.insert((*export, *month), Rc::clone(&commit.rows));
        }
    }
    Ok(counted)
}

/// An export's number.
fn number(name: &str) -> Option<u8> {
    EXPORTS.iter().position(|export| *export == name).and_then(|place| u8::try_from(place).ok())
}

/// Judges one month of one export. `is_out` says whether another export is counted in place of it, if that is known.
fn counted_of(name: &str, of: &Statements, is_out: Option<bool>) -> Result<(), Violation> {
    let last = of.commits.last();
    if last.is_some() && of.published != Some(of.commits.len() - 1) {
        return Err(format!("the facts file of {name} does not follow its state"));
    }
    let Some(is_out) = is_out else { return Ok(()) };
    if is_out {
        return match last {
            Some(commit) if !commit.sums.is_empty() => Err(format!("{name} is counted twice")),
            _ => Ok(()),
        };
    }
    let Some(newest) = of.bill.wholes.last().filter(|_| of.bill.is_sure) else { return Ok(()) };
    match last {
        None => Err(format!("{name} was delivered and is not counted")),
        Some(commit) if commit.sums != newest.sums => {
            Err(format!("{name} is not its newest delivery: {}", differences(&newest.sums, &commit.sums)))
        }
        Some(_) => Ok(()),
    }
}
