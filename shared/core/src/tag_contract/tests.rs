use super::*;
use crate::fixtures::{decimal, fact};

const TEAM: &str = "iamPrincipal/team";

fn rule(allowed: &[&str]) -> TagRule {
    TagRule {
        key: TEAM.to_owned(),
        is_required: true,
        allowed: allowed.iter().map(|glob| WildMatch::new(glob)).collect(),
    }
}

fn found(rule: TagRule, facts: &[Fact]) -> Vec<TagFinding> {
    check(&[rule], facts, &CostPolicy::default()).unwrap()
}

fn usd(amount: &str) -> Spend {
    Spend::from([("USD".to_owned(), decimal(amount))])
}

#[test]
fn untagged_callers_are_named_by_money_and_nobody_is_no_caller() {
    let facts = [
        fact("2026-11-01", "5", &[("identity", "ana"), (TEAM, "search")]),
        fact("2026-11-01", "1", &[("identity", "bo")]),
        fact("2026-11-02", "2", &[("identity", "bo")]),
        fact("2026-11-02", "7", &[("identity", "cy")]),
        fact("2026-11-02", "7", &[("identity", "cy"), ("currency", "CNY")]),
        fact("2026-11-02", "90", &[]),
        fact("2026-11-02", "90", &[("identity", "cy"), ("category", "tax")]),
    ];
    let both = |usd: &str, cny: &str| Spend::from([("CNY".to_owned(), decimal(cny)), ("USD".to_owned(), decimal(usd))]);
    assert_eq!(
        found(rule(&[]), &facts),
        [TagFinding::Untagged {
            key: TEAM.to_owned(),
            spend: both("10", "7"),
            of: both("15", "7"),
            identities: vec![("cy".to_owned(), both("7", "7")), ("bo".to_owned(), usd("3"))],
        }]
    );
}

#[test]
fn without_a_vocabulary_near_duplicates_are_told_and_with_one_what_was_meant() {
    let team = |value: &'static str, cost: &str| fact("2026-11-01", cost, &[("identity", "ana"), (TEAM, value)]);
    let facts = [team("search", "5"), team("Search", "1"), team("saerch", "9"), team("growth", "1"), team("x", "1")];
    let value = |value: &str, spend: &str| (value.to_owned(), usd(spend));
    assert_eq!(
        found(rule(&[]), &facts),
        [TagFinding::NearDuplicates {
            key: TEAM.to_owned(),
            values: vec![value("saerch", "9"), value("search", "5"), value("Search", "1")],
        }]
    );
    let out = |value: &str, spend: &str, like: Option<&str>| TagFinding::OutOfContract {
        key: TEAM.to_owned(),
        value: value.to_owned(),
        spend: usd(spend),
        identities: vec!["ana".to_owned()],
        like: like.map(str::to_owned),
    };
    let search = Some("search");
    assert_eq!(
        found(rule(&["search", "grow*"]), &facts),
        [out("Search", "1", search), out("saerch", "9", search), out("x", "1", None)]
    );
}

#[test]
fn a_tag_with_a_value_for_everything_is_no_vocabulary() {
    let names: Vec<_> = (0..=MOST_VALUES).map(|index| format!("build{index}")).collect();
    let facts: Vec<_> =
        names.iter().map(|name| fact("2026-11-01", "1", &[("identity", "ana"), (TEAM, name.as_str())])).collect();
    let too_many = TagFinding::TooManyValues { key: TEAM.to_owned(), values: MOST_VALUES + 1 };
    assert_eq!(found(rule(&[]), &facts), [too_many]);
    assert_eq!(found(rule(&[]), &facts[1..]), []);
}

#[test]
fn a_tag_that_the_bill_does_not_have_is_told_with_its_namesakes() {
    let department = fact("2026-11-01", "1", &[("identity", "ana"), ("userAttribute/Team", "Search")]);
    let later = fact("2026-11-03", "1", &[("identity", "ana"), (TEAM, "search")]);
    let finding = |facts: &[Fact]| found(rule(&[]), facts).pop().unwrap();
    let expected = |first_seen: Option<&str>| TagFinding::NotActive {
        key: TEAM.to_owned(),
        first_seen: first_seen.map(|day| day.parse().unwrap()),
        before: usd("1"),
        seen_as: vec!["userAttribute/Team".to_owned()],
    };
    assert_eq!(finding(std::slice::from_ref(&department)), expected(None));
    assert!(expected(None).cure().contains("activate iamPrincipal/team"));
    assert_eq!(finding(&[department, later.clone()]), expected(Some("2026-11-03")));
    assert!(expected(Some("2026-11-03")).cure().contains("[[owner]]"));
    let untagged_later = fact("2026-11-04", "1", &[("identity", "bo")]);
    assert_eq!(finding(&[later.clone(), untagged_later]).id(), "untagged", "the tag was there before");
    assert_eq!(
        found(TagRule { is_required: false, ..rule(&[]) }, &[fact("2026-11-01", "1", &[("identity", "a")])]),
        []
    );
}
