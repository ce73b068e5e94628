//! Reading `[[anomaly]]`.

use spend_core::money::decimal::Decimal;
use spend_core::rules::anomaly::Anomaly;

use crate::config::reader::{Reader, Section};
use crate::config::rule::{amount, number, read_rule};

/// Below how much a day is nobody's trouble, unless the rule says otherwise.
const MINIMUM: i64 = 50;
/// How far from what is usual a spike lies, in deviations.
const DEVIATIONS: u32 = 6;
/// How many times what is usual a runaway day has.
const RUNAWAY: u32 = 10;
/// What a new member may spend in its first ten days.
const NEW_ABOVE: i64 = 100;

pub(super) fn read(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<Anomaly> {
    let rule = read_rule(&mut section, reader, "anomaly");
    let minimum = amount(&mut section, reader, "minimum").unwrap_or(Decimal::from_integer(MINIMUM));
    let deviations = number(&mut section, reader, "deviations", 1, 1000).unwrap_or(DEVIATIONS);
    let runaway = number(&mut section, reader, "runaway", 2, 100_000).unwrap_or(RUNAWAY);
    let new_above = amount(&mut section, reader, "new_above").unwrap_or(Decimal::from_integer(NEW_ABOVE));
    section.finish(reader, &[]);
    Some(Anomaly { rule: rule?, minimum, deviations, runaway, new_above })
}
