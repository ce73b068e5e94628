use super::*;
use crate::metrics::series::limits;
use crate::reaction_fixtures::{FactRow, at, book, fact, period};

const NOW: &str = "2026-11-21T06:00:00Z";

/// Metric, dimensions and value.
type Gauge = (String, Vec<(String, String)>, String);

/// The gauges of `facts`.
fn gauges(config: &str, facts: Vec<FactRow>) -> Vec<Gauge> {
    let config = Config::parse("t", config).unwrap();
    let book = book(vec![period("2026-11", facts)]);
    let mut members = Members::default();
    let daily = Daily::of(&book, &config).unwrap();
    members.grow(&book, &daily, limits(&config, &book)).unwrap();
    let data = data(&config, (&book, &daily, &members), &BTreeSet::new(), at(NOW)).unwrap();
    data.into_iter()
        .map(|datum| (datum.name, datum.dimensions.into_iter().collect(), datum.value.to_string()))
        .collect()
}

fn gauge_of(name: &str, dimensions: &[(&str, &str)], value: &str) -> Gauge {
    let dimensions = dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    (name.to_owned(), dimensions.collect(), value.to_owned())
}

#[test]
fn the_month_so_far_is_told_in_all_by_identity_and_by_the_first_tag() {
    let facts = vec![
        fact("2026-11-02", "3", &[("identity", "ana"), ("iamPrincipal/team", "search"), ("model", "opus")]),
        fact("2026-11-03", "-1", &[("category", "credit")]),
        fact("2026-11-03", "0.5", &[]),
        fact("2026-10-31", "70", &[("identity", "ana")]),
    ];
    let usd = ("Currency", "USD");
    assert_eq!(
        gauges("", facts),
        [
            // Of the last two weeks and of all of the month.
            gauge_of("RecentSpend", &[usd], "3.5"),
            gauge_of("MonthToDateSpend", &[usd], "3.5"),
            gauge_of("MonthToDateSpend", &[usd, ("Identity", "(none)")], "0.5"),
            gauge_of("MonthToDateSpend", &[usd, ("Identity", "ana")], "3"),
            gauge_of("MonthToDateSpend", &[usd, ("Tag:iamPrincipal/team", "(none)")], "0.5"),
            gauge_of("MonthToDateSpend", &[usd, ("Tag:iamPrincipal/team", "search")], "3"),
            // Seven days and more have settled, most of them without spend.
            gauge_of("ForecastSpend", &[usd], "3.5"),
        ]
    );
}

#[test]
fn a_forecast_is_what_is_spent_and_what_such_days_usually_have_and_none_while_too_few_have_settled() {
    let day = |day: u32| fact(&format!("2026-11-{day:02}"), "2", &[]);
    let forecast = |days: std::ops::RangeInclusive<u32>| {
        let gauges = gauges("[metrics]\ntags = []", days.map(day).collect());
        gauges.into_iter().filter(|(name, ..)| name == "ForecastSpend").collect::<Vec<_>>()
    };
    assert_eq!(forecast(1..=20), [gauge_of("ForecastSpend", &[("Currency", "USD")], "60")]);
    assert_eq!(forecast(15..=20), [], "only three days have settled since the first spend");
}

#[test]
fn a_month_that_has_no_delivery_has_no_gauges_but_of_late() {
    let config = Config::default();
    let book = book(vec![period("2026-10", vec![fact("2026-10-31", "7", &[])])]);
    let daily = Daily::of(&book, &config).unwrap();
    let put = data(&config, (&book, &daily, &Members::default()), &BTreeSet::new(), at(NOW)).unwrap();
    assert_eq!(put.iter().map(|datum| datum.name.as_str()).collect::<Vec<_>>(), ["RecentSpend"]);
}

#[test]
fn a_month_without_spend_is_put_as_zero_in_each_currency_of_the_book() {
    let config = Config::default();
    let facts = vec![fact("2026-10-31", "7", &[]), fact("2026-10-31", "7", &[("currency", "EUR")])];
    let book = book(vec![period("2026-10", facts), period("2026-11", Vec::new())]);
    let daily = Daily::of(&book, &config).unwrap();
    let put = data(&config, (&book, &daily, &Members::default()), &BTreeSet::new(), at(NOW)).unwrap();
    let month = put.iter().filter(|datum| datum.name == "MonthToDateSpend");
    let month: Vec<_> = month.map(|datum| (datum.dimensions["Currency"].as_str(), datum.value)).collect();
    assert_eq!(month, [("EUR", Decimal::ZERO), ("USD", Decimal::ZERO)]);
}

#[test]
fn a_budget_is_never_said_to_be_used_up_before_it_is() {
    let config = "[metrics]\ntop = 2\ntags = []\n[[budget]]\nname = \"all\"\namount = \"10\"\nthresholds = [100]\n\
                  [[budget]]\nname = \"each\"\neach = \"identity\"\namount = \"2\"\nthresholds = [100]";
    let spent = [("ana", "9.9999"), ("bob", "1"), ("cyd", "-1")];
    let facts = spent.map(|(identity, cost)| fact("2026-11-02", cost, &[("identity", identity)]));
    let put = gauges(config, facts.into());
    let of = |budget: &str, member: &str, value: &str| {
        gauge_of("BudgetUsedPercent", &[("Budget", budget), ("Member", member)], value)
    };
    let used: Vec<_> = put.into_iter().filter(|(name, ..)| name == "BudgetUsedPercent").collect();
    assert_eq!(used, [of("all", "-", "99.9"), of("each", "ana", "499.9"), of("each", "bob", "50")]);
}

#[test]
fn a_row_without_a_currency_keeps_no_gauge_from_being_put() {
    let put = gauges("", vec![fact("2026-11-02", "3", &[]), fact("2026-11-02", "0", &[("currency", "")])]);
    assert!(put.contains(&gauge_of("MonthToDateSpend", &[("Currency", "(none)")], "0")), "{put:?}");
    assert!(put.contains(&gauge_of("MonthToDateSpend", &[("Currency", "USD")], "3")), "{put:?}");
}
