//! What operations must have been told of in the end: a step that passes something over says so.

use spend_ledger::outputs::Topic;

use crate::history::History;
use crate::history::step::Step;
use crate::history::words::{EXPORTS, MONTHS};
use crate::model::Violation;
use crate::model::course::Course;
use crate::world::Happened;

/// Judges the messages to operations.
pub fn judge(history: &History, course: &Course, log: &[Happened]) -> Result<(), Violation> {
    let is_told = |word: &str| {
        log.iter().any(|happened| match happened {
            Happened::Sent { message, .. } => {
                message.topic == Topic::Operations && (message.body.contains(word) || message.subject.contains(word))
            }
            _ => false,
        })
    };
    let in_force = course.moments.last().and_then(|moment| moment.configuration.as_ref());
    // Of an export that does not count no file is read, unless an event says that there is one.
    let is_read = |export: u8| in_force.is_none_or(|with| with.has_export(export));
    for ((export, month), of) in course.months.iter().filter(|((export, _), _)| is_read(*export)) {
        let (name, period) = (EXPORTS[usize::from(*export)], MONTHS[usize::from(*month)]);
        let is_file_told =
            || is_told(&format!("{name} {period}")) || is_told(&format!("{name}/data/BILLING_PERIOD={period}/"));
        if of.bill.damaged.is_some() && !is_file_told() {
            return Err(format!("a file of {name} {period} is damaged and operations was not told"));
        }
    }
    let newest = history.steps.iter().rev().find_map(|step| match step {
        Step::Configure(configuration) => Some(configuration),
        _ => None,
    });
    if newest.is_some_and(|newest| newest.broken) && !is_told("config/ledger.toml") {
        return Err("the configuration is broken and operations was not told".to_owned());
    }
    Ok(())
}
