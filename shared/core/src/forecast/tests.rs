use proptest::prelude::*;

use super::*;
use crate::data_status::DataStatus;
use crate::fixtures::decimal;
use crate::period::BillingPeriod;
use crate::window::WindowKind;

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
    let total = decimal("219");
    assert!(forecast.expected.checked_sub(total).unwrap().abs() < decimal("5"), "{forecast:?}");
}

#[test]
fn a_runaway_day_is_spent_and_not_expected_again() {
    let runaway = |day: NaiveDate| if day.to_string() == "2026-11-10" { "1000" } else { "10" };
    let forecast = expected(&days("2026-10-01", "2026-11-20", runaway), "2026-11-20");
    assert_eq!(forecast.expected, decimal("1290"));
}

#[test]
fn a_launch_is_believed_once_it_has_three_settled_days() {
    let launch = |day: NaiveDate| if day.to_string().as_str() >= "2026-11-14" { "100" } else { "10" };
    let forecast = expected(&days("2026-10-01", "2026-11-20", launch), "2026-11-20");
    assert_eq!(forecast.expected, decimal("1830"), "13 days of 10 and 17 of 100");
}

#[test]
fn a_day_that_is_filling_up_counts_for_what_it_has() {
    let filling = |day: NaiveDate| if day.to_string() == "2026-11-19" { "500" } else { "10" };
    let forecast = expected(&days("2026-10-01", "2026-11-19", filling), "2026-11-20");
    assert_eq!(forecast.expected, decimal("790"));
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

proptest! {
    #[test]
    fn whatever_was_spent_a_forecast_is_in_its_interval_and_not_below_what_is_spent(
        amounts in proptest::collection::vec(0_i64..=1_000_000, 7..50),
    ) {
        let days: BTreeMap<_, _> = day("2026-10-01").iter_days().zip(amounts.into_iter().map(Decimal::from_integer)).collect();
        let spent = days.iter().filter(|(day, _)| november().contains(**day)).map(|(_, spent)| *spent);
        let spent = spent.fold(Decimal::ZERO, |sum, spent| sum.checked_add(spent).unwrap());
        if let Outlook::Forecast(Forecast { expected, low, high, .. }) = outlook(&days, november(), &span("2026-11-10")).unwrap() {
            prop_assert!(spent <= low && low <= expected && expected <= high);
        }
    }
}
