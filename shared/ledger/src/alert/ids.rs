//! The names of alerts: the same thing has the same name in every run, and people can read it.

use std::collections::BTreeMap;

use spend_core::budget::{Measurement, SEVERAL};
use spend_core::text;

/// What a name is where there is none.
const NOTHING: &str = "-";

/// What stands in an id as it is; everything else is percent-encoded, the separator `:` too.
const PLAIN: &[u8] = b"-._~@/+()*=,";

/// What one incident is called: rule, member, currency, first day of the window and kind.
pub(super) fn incident_key(measured: &Measurement) -> String {
    let member = measured.member.as_deref().map_or_else(|| NOTHING.to_owned(), part);
    let window = measured.window.first_day();
    format!("{}:{member}:{}:{window}:budget", part(&measured.rule), part(&measured.currency))
}

/// What one crossing is known by: the incident, the threshold and the amount.
pub(super) fn crossing(measured: &Measurement, percent: u32) -> String {
    format!("{}:{percent}:{}", incident_key(measured), measured.amount)
}

/// What one alert is called: the crossing and how often it was crossed.
pub(super) fn alert_id(measured: &Measurement, percent: u32, count: u32) -> String {
    format!("{}:{count}", crossing(measured, percent))
}

/// One part of an id, in ASCII and without the separator; a name that looks like none is encoded.
fn part(name: &str) -> String {
    if name == NOTHING {
        return "%2D".to_owned();
    }
    let mut part = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            part.push(char::from(byte));
        } else {
            part.push('%');
            part.extend([byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
        }
    }
    part
}

/// The attributes of a message about one measurement, or about several. None is empty.
pub(super) fn attributes(
    measured: Option<&Measurement>,
    alert_id: &str,
    incident_key: &str,
) -> BTreeMap<String, String> {
    let of = |value: &dyn Fn(&Measurement) -> Option<String>| match measured {
        Some(measured) => value(measured).unwrap_or_default(),
        None => SEVERAL.to_owned(),
    };
    let attributes = [
        ("kind", "budget".to_owned()),
        ("status", "firing".to_owned()),
        ("rule", of(&|measured| Some(measured.rule.clone()))),
        ("member", of(&|measured| measured.member.clone())),
        ("severity", of(&|measured| Some(measured.severity.to_string()))),
        ("owner", of(&|measured| measured.owner.clone())),
        ("alert_id", alert_id.to_owned()),
        ("incident_key", incident_key.to_owned()),
    ];
    attributes.into_iter().map(|(name, value)| (name.to_owned(), or_dash(&value))).collect()
}

/// A value that a message attribute can have: not empty, and without control characters.
pub(crate) fn or_dash(value: &str) -> String {
    if value.trim().is_empty() { NOTHING.to_owned() } else { text::clean(value).into_owned() }
}
