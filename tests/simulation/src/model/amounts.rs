//! Exact sums in whole numbers of 10⁻¹⁸.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::history::bill::{BillRow, COST_PLACES};
use crate::history::first_day;

/// The places of an amount.
const PLACES: u32 = 18;

/// What a row is summed by: currency, category, identity and day.
pub type Key = (String, String, String, NaiveDate);

/// Cost, and number of line items.
pub type Sums = BTreeMap<Key, (i128, u64)>;

/// What a row costs.
pub fn cost(row: &BillRow) -> i128 {
    i128::from(row.cost) * 10_i128.pow(PLACES - COST_PLACES)
}

/// The day that a row is of.
pub fn day(row: &BillRow, month: u8) -> NaiveDate {
    first_day(month) + Days::new(u64::from(row.day) - 1)
}

/// The sums of a month's Bedrock rows.
pub fn sums(rows: &[BillRow], month: u8) -> Sums {
    let mut sums = Sums::new();
    for row in rows.iter().filter(|row| row.is_bedrock()) {
        let (currency, category, identity) = (row.currency(), row.category(), row.identity());
        let key = (currency.to_owned(), category.to_owned(), identity.to_owned(), day(row, month));
        let sum = sums.entry(key).or_default();
        sum.0 += cost(row);
        sum.1 += 1;
    }
    sums
}

/// An amount rounded to nine places, half to even, in whole numbers of 10⁻⁹.
pub fn nine_places(amount: i128) -> i128 {
    let part = 10_i128.pow(PLACES - 9);
    let (whole, rest) = (amount.div_euclid(part), amount.rem_euclid(part));
    let is_up = rest * 2 > part || rest * 2 == part && whole % 2 != 0;
    whole + i128::from(is_up)
}

/// A double as CloudWatch adds them up, as the whole number of 10⁻⁹ that it stands for.
pub fn nine_places_of(sum: f64) -> i128 {
    nine_places(read(&format!("{sum:.12}")))
}

/// Reads a decimal such as `-12.5`.
pub fn read(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = usize::try_from(PLACES).unwrap();
    sign * format!("{whole}{fraction:0<places$}").parse::<i128>().unwrap()
}

/// An amount for people.
pub fn text(amount: i128) -> String {
    let whole = 10_u128.pow(PLACES);
    let (sign, amount) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    let text = format!("{sign}{}.{:018}", amount / whole, amount % whole);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What differs between two sums, for people: at most three lines.
pub fn differences(expected: &Sums, found: &Sums) -> String {
    let keys: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let differing = keys.into_iter().filter(|key| expected.get(*key) != found.get(*key));
    let said = differing.take(3).map(|key| {
        let of = |sums: &Sums| {
            sums.get(key).map_or_else(|| "nothing".to_owned(), |(sum, rows)| format!("{} in {rows} rows", text(*sum)))
        };
        let (currency, category, identity, day) = key;
        format!("{currency} {category} {identity:?} {day}: {} instead of {}", of(found), of(expected))
    });
    said.collect::<Vec<_>>().join("; ")
}
