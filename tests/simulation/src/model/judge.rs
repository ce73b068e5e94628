//! All of it.

use std::rc::Rc;

use crate::history::History;
use crate::model::course::Course;
use crate::model::forgotten::Alias;
use crate::model::{Violation, alerts, forgotten, ledger, metrics, operations};
use crate::world::{Happened, World};

/// Judges a history that has come to rest. `is_troubled` says whether a call of whoever sends messages went wrong.
pub fn judge(history: &History, world: &World, is_troubled: bool) -> Result<(), Violation> {
    let log = std::mem::take(&mut world.inside().log.happened);
    let judged = judge_log(history, world, &log, is_troubled);
    world.inside().log.happened = log;
    judged
}

fn judge_log(history: &History, world: &World, log: &[Happened], is_troubled: bool) -> Result<(), Violation> {
    let alias = Alias::of(world);
    let course = Course::of(history, log, &alias)?;
    forgotten::judge(&alias, world)?;
    let counted = ledger::judge(history, &course, world)?;
    if !course.is_known() {
        return operations::judge(history, &course, log);
    }
    let configuration = course.moments.last().and_then(|moment| moment.configuration.as_ref().map(Rc::clone));
    metrics::judge(&counted, configuration.as_deref(), world, log, &alias)?;
    alerts::judge(&course, log, is_troubled, &alias)?;
    operations::judge(history, &course, log)
}
