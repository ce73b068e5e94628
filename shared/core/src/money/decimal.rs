//! Exact decimals: costs, usage amounts and token counts are never summed as floats.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::wide::multiply_divide;

/// An exact decimal with 18 places, held as a 128-bit count of 10⁻¹⁸.
///
/// The unit is the context's: a cost is in the currency beside it, a usage amount in the row's pricing unit.
/// The range is that of `decimal(38,18)`: less than 10²⁰ either way. Addition is exact and checked, so a sum
/// does not depend on the order of its terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

/// Why a number is not a [`Decimal`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// A NaN or an infinity: no bill has one.
    #[error("{0} is not a finite number")]
    NotFinite(String),
    /// The magnitude is 10²⁰ or more.
    #[error("{0} is outside the range of decimal(38,18)")]
    OutOfRange(String),
    /// The text is not a plain decimal such as `-12.34`.
    #[error("`{0}` is not a plain decimal with at most 18 places, such as 5000.00")]
    Syntax(String),
}

/// Units of 10⁻¹⁸ in one.
const ONE: i128 = 10_i128.pow(Decimal::SCALE);
/// The first magnitude that `decimal(38,18)` cannot hold.
const LIMIT: i128 = 10_i128.pow(38);

impl Decimal {
    /// Digits after the point.
    pub const SCALE: u32 = 18;
    pub const ZERO: Self = Self(0);
    pub const ONE: Self = Self(ONE);

    /// The decimal that `value` is the shortest form of, kept to 18 places (half to even).
    ///
    /// # Errors
    ///
    /// [`DecimalError::NotFinite`] for NaN and infinities, [`DecimalError::OutOfRange`] from 10²⁰ up.
    pub fn from_f64(value: f64) -> Result<Self, DecimalError> {
        match Self::from_short_f64(value) {
            Some(decimal) => Ok(decimal),
            None => Self::from_any_f64(value),
        }
    }

    /// The fast path: a double that is `n · 10⁻¹⁰` for an integer `|n| < 10¹⁵`.
    ///
    /// Both `n` and 10¹⁰ are exact doubles and division rounds correctly, so `n / 10¹⁰ == value` says that the
    /// decimal `n · 10⁻¹⁰` reads back as `value`. Decimals of at most 15 digits read back as distinct doubles, and
    /// the shortest form has no more digits than this one, so this one is the shortest form.
    fn from_short_f64(value: f64) -> Option<Self> {
        const TEN_PLACES: f64 = 1e10;
        const EXACT: f64 = 1e15;
        let scaled = (value * TEN_PLACES).round_ties_even();
        #[expect(clippy::float_cmp, reason = "the proof above is about exact equality")]
        let reads_back = scaled.abs() < EXACT && scaled / TEN_PLACES == value;
        #[expect(clippy::cast_possible_truncation, reason = "an integer below 10^15 is exact in both types")]
        reads_back.then(|| Self(i128::from(scaled as i64) * 100_000_000))
    }

    /// The slow path: the digits that the standard library prints, which are the shortest that read back.
    fn from_any_f64(value: f64) -> Result<Self, DecimalError> {
        if !value.is_finite() {
            return Err(DecimalError::NotFinite(value.to_string()));
        }
        let text = format!("{value:e}");
        let syntax = || DecimalError::Syntax(text.clone());
        let (mantissa, power) = text.split_once('e').ok_or_else(syntax)?;
        let exponent: i32 = power.parse().map_err(|_| syntax())?;
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i128 = format!("{integer}{fraction}").parse().map_err(|_| syntax())?;
        let places = i32::try_from(fraction.len()).map_err(|_| syntax())?;
        let shift = exponent - places + Self::SCALE.cast_signed();
        let units = if shift >= 0 {
            10_i128
                .checked_pow(shift.unsigned_abs())
                .and_then(|factor| digits.checked_mul(factor))
                .ok_or_else(|| DecimalError::OutOfRange(value.to_string()))?
        } else {
            divide_half_even(digits, shift.unsigned_abs())
        };
        Self::checked(units).ok_or_else(|| DecimalError::OutOfRange(value.to_string()))
    }

    /// A whole number.
    pub fn from_integer(value: i64) -> Self {
        Self(i128::from(value) * ONE)
    }

    /// The decimal that is `units` times 10⁻¹⁸, if it is in range.
    pub fn from_units(units: i128) -> Option<Self> {
        Self::checked(units)
    }

    /// How many 10⁻¹⁸ this is: the unscaled value of a `decimal(38,18)`.
    pub fn units(self) -> i128 {
        self.0
    }

    /// The exact sum, or `None` outside the range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::checked)
    }

    /// The exact difference, or `None` outside the range.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::checked)
    }

    /// The exact product with a whole number, or `None` outside the range.
    pub fn checked_mul(self, factor: i64) -> Option<Self> {
        self.0.checked_mul(i128::from(factor)).and_then(Self::checked)
    }

    /// `self * factor / divisor`, rounded half to even; `None` if the divisor is zero or the result out of range. The
    /// product may be beyond the range.
    pub fn checked_mul_div(self, factor: Self, divisor: Self) -> Option<Self> {
        let magnitude = divisor.0.unsigned_abs();
        let (quotient, rest) = multiply_divide(self.0.unsigned_abs(), factor.0.unsigned_abs(), magnitude)?;
        let away = match rest.cmp(&(magnitude - rest)) {
            Ordering::Less => false,
            Ordering::Equal => quotient % 2 != 0,
            Ordering::Greater => true,
        };
        let units = i128::try_from(quotient.checked_add(u128::from(away))?).ok()?;
        let is_negative = (self.0 < 0) ^ (factor.0 < 0) ^ (divisor.0 < 0);
        Self::checked(if is_negative { -units } else { units })
    }

    /// The same magnitude with the other sign.
    pub fn negated(self) -> Self {
        Self(-self.0)
    }

    /// The magnitude.
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether this is below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Rounded to `places` (at most 18) digits after the point, half to even.
    pub fn round_to(self, places: u32) -> Self {
        let dropped = Self::SCALE.saturating_sub(places);
        Self(divide_half_even(self.0, dropped) * 10_i128.pow(dropped))
    }

    /// This as hundredths of `whole`, rounded to one place; `None` if `whole` is zero or the result is out of range.
    ///
    /// For people to read: comparisons against a limit use [`Decimal::checked_mul`], which is exact.
    pub fn percent_of(self, whole: Self) -> Option<Self> {
        const TENTHS: i128 = 1000;
        let scaled = self.0.checked_mul(TENTHS)?;
        let quotient = scaled.checked_div(whole.0)?;
        let remainder = scaled.checked_rem(whole.0)?;
        let away = i128::from(remainder.unsigned_abs() >= whole.0.unsigned_abs().div_ceil(2));
        let sign = if (scaled < 0) == (whole.0 < 0) { 1 } else { -1 };
        quotient.checked_add(sign * away)?.checked_mul(ONE / 10).and_then(Self::checked)
    }

    /// The nearest double, for machines whose interface takes doubles. Never add what comes back.
    pub fn to_f64(self) -> f64 {
        // Reading the exact digits rounds once, to nearest; arithmetic on the 128-bit count would round twice.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    fn checked(units: i128) -> Option<Self> {
        (units.unsigned_abs() < LIMIT.unsigned_abs()).then_some(Self(units))
    }
}

/// A quotient and its rest. Most amounts have 64 bits, which are divided several times as quickly.
fn divide(number: u128, by: u64) -> (u128, u64) {
    match u64::try_from(number) {
        Ok(number) => ((number / by).into(), number % by),
        Err(_) => (number / u128::from(by), u64::try_from(number % u128::from(by)).unwrap_or_default()),
    }
}

/// The digit of a number below ten.
fn digit(number: u64) -> u8 {
    b'0' | number.to_le_bytes()[0]
}

/// `value / 10^digits`, rounded half to even.
fn divide_half_even(value: i128, digits: u32) -> i128 {
    let Some(divisor) = 10_i128.checked_pow(digits) else {
        // 10³⁹ and more is over twice any 128-bit value.
        return 0;
    };
    let quotient = value / divisor;
    let remainder = (value % divisor).unsigned_abs();
    let half = divisor.unsigned_abs() / 2;
    let exact_half = remainder == half && divisor % 2 == 0;
    let away = if exact_half { quotient % 2 != 0 } else { remainder > half };
    quotient + if away { value.signum() } else { 0 }
}

/// The exact value without trailing zeros.
impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the 38 digits at most 20 stand before the point. Histories write hundreds of thousands of these.
        let mut text = [b'0'; 40];
        let mut slots = text.iter_mut().rev();
        let (mut integer, mut fraction) = divide(self.0.unsigned_abs(), 10_u64.pow(Self::SCALE));
        let mut length = 0;
        let mut put = |byte| {
            if let Some(slot) = slots.next() {
                *slot = byte;
                length += 1;
            }
        };
        if fraction != 0 {
            let mut places = Self::SCALE;
            while fraction % 10 == 0 {
                (fraction, places) = (fraction / 10, places - 1);
            }
            for _ in 0..places {
                put(digit(fraction % 10));
                fraction /= 10;
            }
            put(b'.');
        }
        loop {
            let (tens, ones) = divide(integer, 10);
            put(digit(ones));
            integer = tens;
            if integer == 0 {
                break;
            }
        }
        let text = text.get(text.len() - length..).and_then(|text| str::from_utf8(text).ok());
        formatter.pad_integral(self.0 >= 0, "", text.unwrap_or_default())
    }
}

/// A plain decimal: an optional minus, digits, at most 18 places; no exponent, no separators.
impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || DecimalError::Syntax(text.to_owned());
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_point = digits.contains('.');
        if integer.is_empty() || (has_point && fraction.is_empty()) || !all_digits(integer) || !all_digits(fraction) {
            return Err(syntax());
        }
        let places = u32::try_from(fraction.len()).map_err(|_| syntax())?;
        let missing = Self::SCALE.checked_sub(places).ok_or_else(syntax)?;
        let out_of_range = || DecimalError::OutOfRange(text.to_owned());
        let integer: i128 = integer.parse().map_err(|_| out_of_range())?;
        let fraction: i128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| out_of_range())? };
        let units = integer.checked_mul(ONE).and_then(|units| units.checked_add(fraction * 10_i128.pow(missing)));
        let units = units.ok_or_else(out_of_range)?;
        let signed = if digits.len() < text.len() { -units } else { units };
        Self::checked(signed).ok_or_else(out_of_range)
    }
}

/// As a string, so that no reader turns it into a double.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "the tests make doubles from integers below 2^53")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(value: f64) -> String {
        Decimal::from_f64(value).unwrap().to_string()
    }

    #[test]
    fn a_double_becomes_the_decimal_it_is_the_shortest_form_of() {
        for (value, text) in [
            (0.1, "0.1"),
            (-0.0, "0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-10, "0.0000000001"),
            (123_456.789, "123456.789"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1e19, "10000000000000000000"),
            (-12.34, "-12.34"),
            (5e-324, "0"),
        ] {
            assert_eq!(exact(value), text, "{value:e}");
        }
    }

    #[test]
    fn the_nineteenth_place_is_rounded_half_to_even() {
        assert_eq!(exact(2.5e-18), "0.000000000000000002");
        assert_eq!(exact(3.5e-18), "0.000000000000000004");
        assert_eq!(exact(-2.5e-18), "-0.000000000000000002");
        assert_eq!(exact(2.500_000_1e-18), "0.000000000000000003");
    }

    #[test]
    fn a_percent_is_rounded_away_from_zero_whatever_the_signs() {
        let percent = |part: &str, whole: &str| {
            let [part, whole] = [part, whole].map(|text| text.parse::<Decimal>().unwrap());
            part.percent_of(whole).map(|percent| percent.to_string())
        };
        for (part, whole, expected) in [
            ("2", "3", "66.7"),
            ("-2", "3", "-66.7"),
            ("2", "-3", "-66.7"),
            ("-2", "-3", "66.7"),
            ("1", "2000", "0.1"),
            ("-1", "2000", "-0.1"),
            ("0", "-3", "0"),
            ("0", "3", "0"),
        ] {
            assert_eq!(percent(part, whole).as_deref(), Some(expected), "{part} of {whole}");
        }
        assert_eq!(percent("1", "0"), None);
    }

    #[test]
    fn a_product_that_is_divided_has_the_sign_of_its_three_numbers() {
        for (value, factor, divisor, expected) in
            [(6, 2, 3, 4), (-6, 2, 3, -4), (-6, -2, 3, 4), (6, -2, -3, 4), (-6, -2, -3, -4), (0, -2, 3, 0)]
        {
            let [value, factor, divisor] = [value, factor, divisor].map(Decimal::from_integer);
            assert_eq!(value.checked_mul_div(factor, divisor), Some(Decimal::from_integer(expected)));
        }
    }

    #[test]
    fn what_has_no_more_places_than_are_kept_stays_as_it_is() {
        for text in ["1.000000000000000001", "-1.000000000000000001", "0", "7"] {
            let exact: Decimal = text.parse().unwrap();
            assert_eq!(exact.round_to(18), exact);
            assert_eq!((exact.negated().negated(), exact.checked_add(exact.negated())), (exact, Some(Decimal::ZERO)));
        }
    }

    #[test]
    fn a_median_is_the_middle_or_lies_halfway_between_the_two_in_it() {
        for (values, middle) in [
            (vec![], None),
            (vec![5], Some("5")),
            (vec![9, 1], Some("5")),
            (vec![7, 1, 3], Some("3")),
            (vec![8, 1, 2, 5], Some("3.5")),
        ] {
            let values = values.into_iter().map(Decimal::from_integer).collect();
            assert_eq!(median(values).map(|median| median.to_string()).as_deref(), middle);
        }
    }

    #[test]
    fn nan_and_infinities_are_errors() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(Decimal::from_f64(value), Err(DecimalError::NotFinite(_))));
        }
    }

    #[test]
    fn what_decimal_38_18_cannot_hold_is_an_error() {
        assert!(matches!(Decimal::from_f64(1e20), Err(DecimalError::OutOfRange(_))));
        assert!(matches!(Decimal::from_f64(-1e300), Err(DecimalError::OutOfRange(_))));
        let largest: Decimal = "99999999999999999999.999999999999999999".parse().unwrap();
        assert_eq!(largest.checked_add("0.000000000000000001".parse().unwrap()), None);
    }

    #[test]
    fn rounding_to_places_is_half_to_even() {
        for (text, rounded) in [("0.125", "0.12"), ("0.135", "0.14"), ("-0.125", "-0.12"), ("2.5", "2.5")] {
            assert_eq!(text.parse::<Decimal>().unwrap().round_to(2).to_string(), rounded);
        }
        assert_eq!("2.5".parse::<Decimal>().unwrap().round_to(0).to_string(), "2");
    }

    #[test]
    fn a_quotient_is_rounded_half_to_even_whatever_its_signs() {
        let of = |value: &str, factor: &str, divisor: &str| {
            let parse = |text: &str| text.parse::<Decimal>().unwrap();
            parse(value).checked_mul_div(parse(factor), parse(divisor)).map(|quotient| quotient.to_string())
        };
        assert_eq!(of("10", "-1", "4").as_deref(), Some("-2.5"));
        assert_eq!(of("-2", "1", "-3").as_deref(), Some("0.666666666666666667"));
        assert_eq!(of("0.000000000000000001", "1", "2").as_deref(), Some("0"));
        assert_eq!(of("0.000000000000000003", "1", "2").as_deref(), Some("0.000000000000000002"));
        let largest = "99999999999999999999";
        assert_eq!(of(largest, largest, largest).as_deref(), Some(largest));
        assert_eq!((of(largest, "2", "1"), of("1", "1", "0")), (None, None));
    }

    #[test]
    fn percent_is_rounded_to_a_tenth() {
        let percent = |part: &str, whole: &str| {
            let (part, whole): (Decimal, Decimal) = (part.parse().unwrap(), whole.parse().unwrap());
            part.percent_of(whole).map(|percent| percent.to_string())
        };
        assert_eq!(percent("1", "3"), Some("33.3".to_owned()));
        assert_eq!(percent("2", "3"), Some("66.7".to_owned()));
        assert_eq!(percent("-1", "3"), Some("-33.3".to_owned()));
        assert_eq!(percent("5", "0"), None);
    }

    #[test]
    fn a_decimal_is_read_from_a_text_and_nothing_else() {
        use serde::de::value::{Error, F64Deserializer, StrDeserializer};

        let read = |text: &str| Decimal::deserialize(StrDeserializer::<Error>::new(text));
        assert_eq!(read("1.5"), Ok("1.5".parse().unwrap()));
        assert!(read("1e3").is_err());
        assert!(Decimal::deserialize(F64Deserializer::<Error>::new(1.5)).is_err());
    }

    #[test]
    fn only_plain_decimals_are_read() {
        for text in ["", "-", ".5", "5.", "1e3", "1,000", "+1", " 1", "0.1234567890123456789", "NaN"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_path_equals_the_slow_path(value in prop_oneof![
            any::<f64>(),
            (-1_000_000_000_000_000_i64..1_000_000_000_000_000).prop_map(|n| n as f64 / 1e10),
            (-1e6..1e6_f64),
        ]) {
            if let Some(fast) = Decimal::from_short_f64(value) {
                prop_assert_eq!(Ok(fast), Decimal::from_any_f64(value));
            }
        }

        #[test]
        fn text_reads_back(units in (1 - LIMIT)..LIMIT) {
            let decimal = Decimal(units);
            prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
        }

        #[test]
        fn a_short_double_goes_there_and_back(n in -1_000_000_000_000_000_i64..1_000_000_000_000_000) {
            let value = n as f64 / 1e10;
            prop_assert_eq!(Decimal::from_f64(value).unwrap().to_f64().to_bits() << 1, value.to_bits() << 1);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Decimal>();
        }
    }
}

/// A sum left the range of `decimal(38,18)`: no real bill comes near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sum is outside the range of decimal(38,18)")]
pub struct SumOutOfRange;

/// The middle value, or what lies halfway between the two middle ones.
pub(crate) fn median(mut values: Vec<Decimal>) -> Option<Decimal> {
    values.sort_unstable();
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get((values.len() / 2).checked_sub(1)?)?;
    Decimal::from_units(i128::midpoint(lower.units(), upper.units()))
}

/// Adds exactly.
pub(crate) fn sum(amounts: impl Iterator<Item = Decimal>) -> Result<Decimal, SumOutOfRange> {
    let mut total = Decimal::ZERO;
    for amount in amounts {
        add(&mut total, amount)?;
    }
    Ok(total)
}

/// Adds to a sum.
pub fn add(sum: &mut Decimal, term: Decimal) -> Result<(), SumOutOfRange> {
    *sum = sum.checked_add(term).ok_or(SumOutOfRange)?;
    Ok(())
}
