//! Reading `[[delta]]`.

use spend_core::money::decimal::Decimal;
use spend_core::rules::delta::Delta;
use spend_core::rules::finding::Against;

use crate::config::reader::{Reader, Section};
use crate::config::rule::{amount, number, read_rule};

/// By how many percent spend must rise unless the rule says otherwise.
const RISE_PERCENT: u32 = 50;
/// And by how much money.
const RISE_AMOUNT: i64 = 100;

pub(super) fn read(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<Delta> {
    let rule = read_rule(&mut section, reader, "delta");
    let times = Against::ALL.map(|against| (against.as_str(), against));
    let against = section.choice(reader, "against", &times).unwrap_or_default();
    let rise_percent = number(&mut section, reader, "rise_percent", 1, 100_000).unwrap_or(RISE_PERCENT);
    let rise_amount = amount(&mut section, reader, "rise_amount");
    let rise_amount = rise_amount.unwrap_or(Decimal::from_integer(RISE_AMOUNT));
    section.finish(reader, &[]);
    Some(Delta { rule: rule?, against, rise_percent, rise_amount })
}
