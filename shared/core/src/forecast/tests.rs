use proptest::prelude::*;

use super::numbers::count;
use super::*;
use crate::calendar::data_status::DataStatus;
use crate::calendar::period::BillingPeriod;
use crate::calendar::window::WindowKind;
use crate::fixtures::decimal;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// October and November, with data as of a day's beginning.
fn span(as_of: &str) -> DataSpan {
    let as_of = format!("{as_of}T00:00:00Z").parse().ok();
    let status = DataStatus { as_of, ..DataStatus::default() };
    let months: [BillingPeriod; 2] = ["2026-10".parse().unwrap(), "2026-11".parse().unwrap()];
    DataSpan::new(months.map(|month| (month, status)).into())
}

fn november() -> Window {
    Window::of(WindowKind::Month, day("2026-11-01"))
}

fn days(from: &str, to: &str, amount: impl Fn(NaiveDate) -> &'static str) -> BTreeMap<NaiveDate, Decimal> {
    let last = day(to);
    day(from).iter_days().take_while(|day| *day <= last).map(|day| (day, decimal(amount(day)))).collect()
}

fn expected(days: &BTreeMap<NaiveDate, Decimal>, as_of: &str) -> Forecast {
    match outlook(days, november(), &span(as_of)).unwrap() {
        Outlook::Forecast(forecast) => forecast,
        other => panic!("{other:?}"),
    }
}

/// To one part of so many.
fn assert_near(actual: Decimal, expected: &str, part: f64) {
    let expected = decimal(expected).to_f64();
    assert!((actual.to_f64() - expected).abs() * part <= expected, "{} is not {expected}", actual.to_f64());
}

#[test]
fn steady_spend_goes_on() {
    let forecast = expected(&days("2026-10-01", "2026-11-20", |_| "10"), "2026-11-20");
    assert_eq!(forecast.expected, decimal("300"));
    assert!(forecast.low > decimal("285") && forecast.high < decimal("315"), "{forecast:?}");
    assert_eq!(forecast.settled_days, 47);
}

#[test]
fn weekends_are_weekends() {
    let weekly = |day: NaiveDate| if day.weekday().number_from_monday() > 5 { "1" } else { "10" };
    let forecast = expected(&days("2026-10-01", "2026-11-15", weekly), "2026-11-15");
    assert_near(forecast.expected, "219", 100.0);
}

#[test]
fn weekends_are_known_from_ten_days() {
    let weekly = |day: NaiveDate| if day.weekday().number_from_monday() > 5 { "1" } else { "10" };
    let forecast = expected(&days("2026-11-02", "2026-11-15", weekly), "2026-11-15");
    assert_eq!(forecast.settled_days, 10);
    assert_near(forecast.expected, "218", 20.0);
}

#[test]
fn what_happens_on_mondays_alone_happens_on_mondays() {
    let mondays = |day: NaiveDate| if day.weekday().number_from_monday() == 1 { "70" } else { "0" };
    assert_near(expected(&days("2026-10-01", "2026-11-14", mondays), "2026-11-14").expected, "350", 20.0);
}

#[test]
fn what_grows_goes_on_growing_for_a_while() {
    let first = day("2026-10-01");
    let grown = |day: NaiveDate| 100.0 * 1.02_f64.powf(count((day - first).num_days().try_into().unwrap()));
    let whole: BTreeMap<_, _> =
        first.iter_days().take(61).map(|day| (day, Decimal::from_f64(grown(day)).unwrap().round_to(2))).collect();
    let known: BTreeMap<_, _> = whole.range(..day("2026-11-14")).map(|(day, spent)| (*day, *spent)).collect();
    let total: f64 = whole.range(day("2026-11-01")..).map(|(_, spent)| spent.to_f64()).sum();
    let Forecast { expected, low, high, .. } = expected(&known, "2026-11-14");
    assert!((expected.to_f64() / total - 1.0).abs() < 0.03, "{} of {total}", expected.to_f64());
    assert!((low.to_f64()..=high.to_f64()).contains(&total));
}

#[test]
fn a_runaway_day_is_spent_and_not_expected_again() {
    let runaway = |day: NaiveDate| if day.to_string() == "2026-11-10" { "1000" } else { "10" };
    let forecast = expected(&days("2026-10-01", "2026-11-20", runaway), "2026-11-20");
    assert_near(forecast.expected, "1290", 200.0);
}

#[test]
fn a_launch_is_believed_once_it_has_three_settled_days() {
    let launch = |day: NaiveDate| if day.to_string().as_str() >= "2026-11-14" { "100" } else { "10" };
    let forecast = expected(&days("2026-10-01", "2026-11-20", launch), "2026-11-20");
    // 13 days of 10 and 17 of 100.
    assert_near(forecast.expected, "1830", 50.0);
}

#[test]
fn what_is_new_may_last_or_not_and_the_interval_says_so() {
    let launch = |day: NaiveDate| if day.to_string().as_str() >= "2026-11-15" { "100" } else { "10" };
    let known = days("2026-10-01", "2026-11-16", launch);
    let forecast = expected(&known, "2026-11-20");
    assert_near(forecast.expected, "480", 10.0);
    assert!(forecast.high > decimal("1500"), "{forecast:?}");
}

#[test]
fn days_that_are_filling_up_can_prove_a_launch_and_never_a_saving() {
    let launch = |day: NaiveDate| match (day.month(), day.day()) {
        (11, 16) => "100",
        (11, 17..) => "50",
        _ => "10",
    };
    let forecast = expected(&days("2026-10-01", "2026-11-19", launch), "2026-11-20");
    assert!(forecast.expected > decimal("1200"), "{forecast:?}");
    let less = |day: NaiveDate| if day.to_string().as_str() >= "2026-11-17" { "0.5" } else { "10" };
    assert_near(expected(&days("2026-10-01", "2026-11-19", less), "2026-11-20").expected, "300", 100.0);
}

#[test]
fn what_happened_three_times_is_expected_again() {
    let often = |day: NaiveDate| if day.day().is_multiple_of(9) { "100" } else { "10" };
    let forecast = expected(&days("2026-10-01", "2026-11-20", often), "2026-11-20");
    // 9, 18 and 27 November.
    assert_near(forecast.expected, "570", 10.0);
}

#[test]
fn a_day_that_is_filling_up_counts_for_what_it_has() {
    let filling = |day: NaiveDate| if day.to_string() == "2026-11-19" { "500" } else { "10" };
    let forecast = expected(&days("2026-10-01", "2026-11-19", filling), "2026-11-20");
    assert_near(forecast.expected, "790", 100.0);
}

#[test]
fn with_little_history_nothing_is_foretold() {
    let few = days("2026-11-10", "2026-11-20", |_| "10");
    let early = outlook(&few, november(), &span("2026-11-19")).unwrap();
    assert_eq!(early, Outlook::TooEarly { settled_days: 6 }, "10 to 15 November are settled");
    assert!(matches!(outlook(&few, november(), &span("2026-11-20")).unwrap(), Outlook::Forecast(_)));
    assert_eq!(outlook(&BTreeMap::new(), november(), &span("2026-11-20")), Ok(Outlook::TooEarly { settled_days: 0 }));
    let over = Window::of(WindowKind::Month, day("2026-10-01"));
    assert_eq!(outlook(&few, over, &span("2026-11-20")), Ok(Outlook::Over));
}

#[test]
fn history_begins_on_the_first_day_with_spend() {
    let idle = days("2026-10-01", "2026-11-20", |day| if day.month() == 11 && day.day() >= 10 { "10" } else { "0" });
    let early = outlook(&idle, november(), &span("2026-11-19")).unwrap();
    assert_eq!(early, Outlook::TooEarly { settled_days: 6 }, "10 to 15 November");
}

proptest! {
    #[test]
    fn whatever_was_spent_a_forecast_is_in_its_interval_and_not_below_what_is_spent(
        amounts in proptest::collection::vec(prop_oneof![Just(0), -1_000_i64..=1_000, 0_i64..=1_000_000_000], 7..80),
    ) {
        let days: BTreeMap<_, _> = day("2026-10-01").iter_days().zip(amounts.into_iter().map(Decimal::from_integer)).collect();
        let spent = days.iter().filter(|(day, _)| november().contains(**day)).map(|(_, spent)| *spent);
        let spent = spent.fold(Decimal::ZERO, |sum, spent| sum.checked_add(spent).unwrap());
        if let Outlook::Forecast(Forecast { expected, low, high, .. }) = outlook(&days, november(), &span("2026-11-10")).unwrap() {
            prop_assert!(spent <= low && low <= expected && expected <= high);
        }
    }
}
