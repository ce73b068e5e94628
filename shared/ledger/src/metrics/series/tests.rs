use super::*;
use crate::outputs::metric::MAX_NAME;
use crate::reaction_fixtures::{book, fact, period};
use crate::state::book::BookPeriod;

fn config(text: &str) -> Config {
    Config::parse("t", text).unwrap()
}

fn month(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

/// A period in which each identity spent so much.
fn spent(month: &str, identities: &[(&str, &str)]) -> BookPeriod {
    let facts = identities.iter().map(|(identity, cost)| fact(&format!("{month}-02"), cost, &[("identity", identity)]));
    period(month, facts.collect())
}

const LIMITS: Limits = Limits { top: 2, members: 3, by_cost: false };

fn grow(members: &mut Members, periods: Vec<BookPeriod>) {
    let book = book(periods);
    members.grow(&book, &Daily::of(&book, &config("")).unwrap(), LIMITS).unwrap();
}

fn identities(members: &Members, month: &str) -> Vec<String> {
    let axes = members.months.get(&month.parse().unwrap());
    let of = axes.and_then(|axes| axes.get("Identity")).and_then(|currencies| currencies.get("USD"));
    of.into_iter().flatten().cloned().collect()
}

#[test]
fn members_only_become_more_within_a_month_until_the_cap() {
    let mut members = Members::default();
    grow(&mut members, vec![spent("2026-11", &[("ana", "3"), ("bob", "2"), ("cyd", "1")])]);
    assert_eq!(identities(&members, "2026-11"), ["ana", "bob"]);
    let overtaken = || vec![spent("2026-11", &[("ana", "0"), ("bob", "2"), ("cyd", "4"), ("dee", "3")])];
    grow(&mut members, overtaken());
    assert_eq!(identities(&members, "2026-11"), ["ana", "bob", "cyd"], "the larger of the two that came joined");
    let before = members.clone();
    grow(&mut members, overtaken());
    assert_eq!(members, before);
}

#[test]
fn a_month_begins_with_the_members_of_the_one_before_that_spent_something() {
    let mut members = Members::default();
    let october = || spent("2026-10", &[("ana", "3"), ("bob", "2")]);
    grow(&mut members, vec![october()]);
    // Bob is gone from the bill, and all of him with him.
    let periods = vec![spent("2026-10", &[("ana", "3")]), spent("2026-11", &[("cyd", "9")])];
    grow(&mut members, periods);
    assert_eq!(identities(&members, "2026-11"), ["ana", "cyd"]);
    assert_eq!(identities(&members, "2026-10"), ["ana", "bob"]);
}

#[test]
fn months_that_the_book_has_left_are_forgotten() {
    let mut members = Members::default();
    grow(&mut members, vec![spent("2026-08", &[("ana", "3")]), spent("2026-09", &[("ana", "3")])]);
    grow(&mut members, vec![spent("2026-09", &[("ana", "3")])]);
    assert_eq!(members.months.keys().copied().collect::<Vec<_>>(), [month("2026-09")]);
}

#[test]
fn whoever_is_no_member_is_among_the_others() {
    let mut members = Members::default();
    let book = book(vec![spent("2026-11", &[("ana", "3"), ("bob", "2"), ("cyd", "1"), ("", "7")])]);
    let daily = Daily::of(&book, &config("")).unwrap();
    members.grow(&book, &daily, LIMITS).unwrap();
    let sums = sums(daily.all(), |_| true, &members).unwrap();
    let of = |member: &str| {
        let of = Some(("Identity".to_owned(), member.to_owned()));
        let days = sums.get(&SpendSeries { currency: "USD".to_owned(), of })?;
        days.values().next().map(ToString::to_string)
    };
    let found = ["ana", "bob", "cyd", "(other)", "(none)"].map(of);
    let expected = [Some("3"), Some("2"), None, Some("1"), Some("7")];
    assert_eq!(found, expected.map(|sum| sum.map(str::to_owned)));
    assert_eq!(folded(daily.all(), &members, month("2026-11")), 1);
}

#[test]
fn the_most_members_that_can_be_paid_for_may_join() {
    let limits = |cost: &str| {
        let config = config(&format!("[metrics]\nmax_monthly_cost = \"{cost}\""));
        let limits = Limits::of(&config, 1, 1);
        let of = |members| most_series(&config, 1, 1, members).monthly_cost();
        (limits, of(limits.members) <= config.metrics.max_monthly_cost, of(limits.members + 1))
    };
    let (all, ..) = limits("100");
    assert_eq!(all, Limits { top: 50, members: 100, by_cost: false });
    let (few, affordable, one_more) = limits("10");
    assert!(few.by_cost && few.members > 0 && few.members < 100 && few.top <= few.members, "{few:?}");
    assert!(affordable && one_more > Decimal::from_integer(10));
    let (none, ..) = limits("0");
    assert_eq!(none, Limits { top: 0, members: 0, by_cost: true });
}

#[test]
fn a_tag_whose_name_is_too_long_for_cloudwatch_has_one_that_fits() {
    let long = |end: &str| Axis::tag(&format!("iamPrincipal/{}{end}", "\u{5b87}".repeat(100))).name;
    assert_ne!(long("a"), long("b"));
    assert!(long("a").len() <= MAX_NAME && long("a").is_ascii(), "{}", long("a"));
    assert_eq!(Axis::tag("iamPrincipal/team").name, "Tag:iamPrincipal/team");
    let longest = "a".repeat(MAX_NAME - "Tag:".len());
    assert_eq!(Axis::tag(&longest).name, format!("Tag:{longest}"));
    assert!(Axis::tag(&format!("{longest}a")).name.starts_with("Tag:#"));
}

#[test]
fn the_most_series_are_those_of_each_currency_of_each_budget_and_of_health() {
    let budgets =
        "[[budget]]\nname = \"all\"\namount = 1\n[[budget]]\nname = \"each\"\neach = \"identity\"\namount = 1\n";
    let of = |tags: &str| most_series(&config(&format!("[metrics]\ntags = [{tags}]\n{budgets}")), 2, 3, 10);
    // The total and 10 members with two for the rest, in four dimensions; in two of the month to date; two more of each
    // currency. 10 members of one budget, and the other.
    let by_delivery = 3 * ((1 + 4 * 12) + (1 + 2 * 12) + 2) + 11;
    let hourly = 2 * (5 + 3 * 4);
    assert_eq!(of("\"iamPrincipal/team\""), SeriesCount { exports: 2, by_delivery, hourly });
    let by_delivery = 3 * ((1 + 3 * 12) + (1 + 12) + 2) + 11;
    let without = of("");
    assert_eq!(without, SeriesCount { exports: 2, by_delivery, hourly });
    assert_eq!(without.all(), by_delivery + hourly);
}

#[test]
fn a_series_is_called_by_its_currency_its_dimension_and_its_member() {
    let total = SpendSeries { currency: "USD".to_owned(), of: None };
    let of_ana = SpendSeries { of: Some(("Identity".to_owned(), "ana".to_owned())), ..total.clone() };
    assert_eq!((total.to_string(), of_ana.to_string()), ("USD".to_owned(), "USD Identity=ana".to_owned()));
    assert!(total.is_total() && !of_ana.is_total());
}

#[test]
fn a_value_with_the_name_of_a_rest_takes_no_members_place() {
    let mut members = Members::default();
    let all = [("(other)", "9"), ("(none)", "8"), ("", "7"), ("ana", "3"), ("bob", "2")];
    grow(&mut members, vec![spent("2026-11", &all)]);
    assert_eq!(identities(&members, "2026-11"), ["ana", "bob"]);
}

#[test]
fn a_month_of_the_book_that_lost_its_facts_is_remembered() {
    let mut members = Members::default();
    grow(&mut members, vec![spent("2026-10", &[("ana", "3")])]);
    grow(&mut members, vec![spent("2026-09", &[("ana", "3")]), period("2026-10", Vec::new())]);
    assert_eq!(identities(&members, "2026-10"), ["ana"]);
}

#[test]
fn members_are_read_as_they_were_stored() {
    let mut members = Members::default();
    grow(&mut members, vec![spent("2026-11", &[("ana", "3")])]);
    assert_eq!(Members::read(Some(&members.encoded().unwrap())).unwrap(), members);
    assert_eq!(Members::read(None).unwrap(), Members::default());
}

#[test]
fn days_are_taken_month_by_month() {
    let days = ["2026-10-30", "2026-10-31", "2026-11-01"].map(|day| (day.parse().unwrap(), Decimal::ONE));
    let months: Vec<_> = by_month(&days).map(|(month, days)| (month.to_string(), days.len())).collect();
    assert_eq!(months, [("2026-10".to_owned(), 2), ("2026-11".to_owned(), 1)]);
}
