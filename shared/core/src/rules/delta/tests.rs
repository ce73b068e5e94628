use super::*;
use crate::calendar::data_status::DataStatus;
use crate::facts::spend::CostPolicy;
use crate::fixtures::{FactRow, decimal, fact, table};

fn delta(against: Against) -> Delta {
    Delta { rule: Rule::new("jumps"), against, rise_percent: 50, rise_amount: decimal("100") }
}

/// October and November, as of 21 November: the 17th is the last settled day.
fn span() -> DataSpan {
    let status = DataStatus { as_of: "2026-11-21T00:00:00Z".parse().ok(), ..DataStatus::default() };
    DataSpan::new(["2026-10", "2026-11"].map(|month| (month.parse().unwrap(), status)).into())
}

fn measured(delta: &Delta, facts: &[FactRow]) -> Vec<(String, String, Verdict)> {
    let days: Vec<NaiveDate> = ["2026-11-16", "2026-11-17", "2026-11-18"].map(|day| day.parse().unwrap()).into();
    let found = delta
        .evaluate(table(facts).rows(), &Known { policy: &CostPolicy::default(), span: &span(), days: &days })
        .unwrap();
    let before = |found: &Measurement| match found.detail {
        Detail::Delta { before, .. } => before.to_string(),
        ref other => panic!("{other:?}"),
    };
    found.iter().map(|found| (found.spent.to_string(), before(found), found.levels[0].verdict)).collect()
}

#[test]
fn both_the_percent_and_the_amount_must_be_exceeded() {
    for (before, after, verdict) in [
        ("100", "200", Verdict::Undecided),
        ("100", "200.01", Verdict::Crossed),
        ("1000", "1500", Verdict::Undecided),
        ("1000", "1500.01", Verdict::Crossed),
        ("1000", "1400", Verdict::Clear),
        ("1", "90", Verdict::Clear),
        ("200", "100", Verdict::Clear),
    ] {
        let facts = [fact("2026-11-10", before, &[]), fact("2026-11-17", after, &[])];
        let found = measured(&delta(Against::Weekday), &facts);
        assert_eq!(found.last().unwrap().2, verdict, "{before} {after}");
    }
}

#[test]
fn only_settled_days_are_compared() {
    let facts = [fact("2026-11-11", "1", &[]), fact("2026-11-18", "10000", &[])];
    assert!(measured(&delta(Against::Weekday), &facts).is_empty());
}

#[test]
fn a_day_is_compared_with_the_week_before_it() {
    let facts = [fact("2026-11-11", "70", &[]), fact("2026-11-17", "150", &[])];
    let found = measured(&delta(Against::Trailing), &facts);
    assert_eq!(found.last().unwrap(), &("150".to_owned(), "10".to_owned(), Verdict::Crossed));
}

#[test]
fn a_month_to_date_is_compared_with_as_many_days_of_the_month_before() {
    let facts = [
        fact("2026-10-17", "100", &[]),
        fact("2026-10-18", "5000", &[]),
        fact("2026-11-02", "250", &[]),
        fact("2026-11-18", "5000", &[]),
    ];
    let found = measured(&delta(Against::Month), &facts);
    assert_eq!(found, [("250".to_owned(), "100".to_owned(), Verdict::Crossed)]);
}

#[test]
fn a_member_without_a_past_is_new_and_not_infinitely_more() {
    let delta = delta(Against::Weekday);
    let is_new = |facts: &[FactRow]| {
        let day = "2026-11-17".parse().unwrap();
        let found = delta
            .evaluate(table(facts).rows(), &Known { policy: &CostPolicy::default(), span: &span(), days: &[day] })
            .unwrap();
        match found[0].detail {
            Detail::Delta { is_new, .. } => (is_new, found[0].levels[0].verdict),
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(is_new(&[fact("2026-11-17", "101", &[])]), (true, Verdict::Crossed));
    assert_eq!(is_new(&[fact("2026-11-17", "99", &[])]), (true, Verdict::Undecided), "it is below the amount");
    let past = [fact("2026-11-09", "5", &[]), fact("2026-11-17", "101", &[])];
    assert_eq!(is_new(&past), (false, Verdict::Crossed));
}

#[test]
fn what_is_before_the_ledger_is_not_known_to_be_nothing() {
    let status = DataStatus { as_of: "2026-11-21T00:00:00Z".parse().ok(), ..DataStatus::default() };
    let november = DataSpan::new([("2026-11".parse().unwrap(), status)].into());
    let days = ["2026-11-05".parse().unwrap()];
    let facts = [fact("2026-11-05", "1000", &[])];
    let delta = delta(Against::Weekday);
    assert!(
        delta
            .evaluate(table(&facts).rows(), &Known { policy: &CostPolicy::default(), span: &november, days: &days })
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_month_to_date_is_explained_by_the_days_that_it_is_compared_over() {
    let mut tagged = Rule::new("jumps");
    tagged.owner = Some(crate::fixtures::anybody("{tag:iamPrincipal/team}"));
    let rule = Delta { rule: tagged, ..delta(Against::Month) };
    // The 17th is the last settled day.
    let facts = [
        fact("2026-11-02", "600", &[("identity", "a"), ("iamPrincipal/team", "search")]),
        fact("2026-11-18", "5000", &[("identity", "b"), ("iamPrincipal/team", "ads")]),
        fact("2026-11-19", "7", &[("currency", "EUR")]),
    ];
    let found = rule
        .evaluate(table(&facts).rows(), &Known { policy: &CostPolicy::default(), span: &span(), days: &[] })
        .unwrap();
    let driver = found[0].driver.as_ref().unwrap();
    assert_eq!((found[0].spent, driver.identity.as_str(), driver.spent), (decimal("600"), "a", decimal("600")));
    assert_eq!(found[0].owner.as_deref(), Some("search"));
    assert!(found[0].other_currencies.is_empty(), "{:?}", found[0].other_currencies);
}
