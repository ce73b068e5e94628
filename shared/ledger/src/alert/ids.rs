//! The names of alerts: the same thing has the same name in every run, and people can read it.

use spend_core::calendar::window::Window;
use spend_core::money::decimal::Decimal;
use spend_core::rules::rule::Kind;

use crate::outputs::NOTHING;
use crate::state::keys;

/// What stands in an id as it is; everything else is percent-encoded, the separator `:` too.
const PLAIN: &[u8] = b"-._~@/+()*=,";

/// The most bytes of a part of an id. What is longer ends with a hash of it.
const LONGEST_PART: usize = 160;
/// How much of that hash tells names apart.
const HASH_DIGITS: usize = 16;

/// What one incident is called: rule, member, currency, first day of the window and kind.
pub(super) fn incident_key(rule: &str, member: Option<&str>, currency: &str, window: Window, kind: Kind) -> String {
    let member = member.map_or_else(|| NOTHING.to_owned(), part);
    format!("{}:{member}:{}:{}:{kind}", part(rule), part(currency), window.first_day())
}

/// What one crossing is known by: the incident, the level and the amount.
pub(super) fn crossing(incident_key: &str, level: &str, amount: Decimal) -> String {
    format!("{incident_key}:{}:{amount}", part(level))
}

/// What one alert is called: the crossing and how often it was crossed.
pub(super) fn alert_id(crossing: &str, count: u32) -> String {
    format!("{crossing}:{count}")
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
    if part.len() > LONGEST_PART {
        part.truncate(LONGEST_PART - 1 - HASH_DIGITS);
        part.push('#');
        part.extend(keys::hash(&[name]).chars().take(HASH_DIGITS));
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_as_it_is_up_to_the_longest_and_then_it_ends_with_a_hash_of_all_of_it() {
        let longest = "a".repeat(LONGEST_PART);
        assert_eq!(part(&longest), longest);
        let (one, other) = (part(&format!("{longest}b")), part(&format!("{longest}c")));
        let (start, hash) = one.split_once('#').unwrap();
        assert_eq!((one.len(), hash.len(), longest.starts_with(start)), (LONGEST_PART, HASH_DIGITS, true));
        assert_ne!(one, other);
    }
}
