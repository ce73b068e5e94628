use super::*;
use crate::facts::tag_keys::spelt_alike;
use crate::fixtures::{FactRow, decimal, fact, table};

const TEAM: &str = "iamPrincipal/team";

fn rule(allowed: &[&str]) -> TagRule {
    TagRule {
        key: TEAM.to_owned(),
        is_required: true,
        allowed: allowed.iter().map(|glob| WildMatch::new(glob)).collect(),
    }
}

fn found(rule: TagRule, facts: &[FactRow]) -> Vec<TagFinding> {
    found_beside(rule, facts, &[])
}

/// The same where the bill has these keys of resource tags, which facts do not have.
fn found_beside(rule: TagRule, facts: &[FactRow], resource_tags: &[&str]) -> Vec<TagFinding> {
    let resource_tags = resource_tags.iter().map(|key| (*key).to_owned()).collect();
    check(&[rule], &table(facts), &CostPolicy::default(), &resource_tags).unwrap()
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
fn keys_that_differ_in_spelling_alone_are_told_and_nobody_is_asked_to_tag_anew() {
    let facts = [
        fact("2026-11-01", "30", &[("identity", "app"), (TEAM, "red")]),
        fact("2026-11-08", "70", &[("identity", "app"), ("iamPrincipal/Team", "red")]),
        fact("2026-11-08", "5", &[("identity", "app"), ("iamPrincipal/team ", "red"), (TEAM, "red")]),
        fact("2026-11-08", "9", &[("identity", "app"), ("userAttribute/Team", "red"), (TEAM, "red")]),
    ];
    let spelt =
        TagFinding::SpeltOtherwise { key: TEAM.to_owned(), others: vec![("iamPrincipal/Team".to_owned(), usd("70"))] };
    let optional = || TagRule { is_required: false, ..rule(&[]) };
    assert_eq!(found(optional(), &facts), std::slice::from_ref(&spelt));
    let findings = found(rule(&[]), &facts[1..2]);
    let ids: Vec<_> = findings.iter().map(TagFinding::id).collect();
    assert_eq!(ids, ["untagged", "tag-key-spelt-otherwise"], "it is active, under another key");
    assert!(spelt.cure().contains("set iamPrincipal/team"));
    assert_eq!(found(optional(), &facts[..1]), []);
    let agreed = [optional(), TagRule { key: "iamPrincipal/Team".to_owned(), ..optional() }];
    assert_eq!(
        check(&agreed, &table(&facts[..2]), &CostPolicy::default(), &BTreeSet::new()).unwrap(),
        [],
        "both are agreed on"
    );
    let keys = ["iamPrincipal/Cost-Center", "iamPrincipal/cost_centre", "iamPrincipal/team", "resourceTags/Team"];
    assert_eq!(spelt_alike(&keys), [["iamPrincipal/Cost-Center", "iamPrincipal/cost_centre"]]);
}

#[test]
fn a_tag_of_the_wrong_kind_is_told_where_that_of_principals_is_missing() {
    let bare = fact("2026-11-01", "1", &[("identity", "ana")]);
    let of_account = fact("2026-11-01", "1", &[("identity", "ana"), ("accountTag/team", "search")]);
    for (fact, resource_tags, seen_as) in [
        (&bare, &["resourceTags/Team", "resourceTags/env"][..], "resourceTags/Team"),
        (&of_account, &[], "accountTag/team"),
    ] {
        let finding = found_beside(rule(&[]), std::slice::from_ref(fact), resource_tags).pop().unwrap();
        let TagFinding::NotActive { seen_as: found, .. } = &finding else { panic!("{finding:?}") };
        assert_eq!(found, &[seen_as]);
        assert!(finding.cure().contains("another kind") && finding.cure().contains("activate iamPrincipal/team"));
    }
}

#[test]
fn a_tag_that_the_bill_does_not_have_is_told_with_its_namesakes() {
    let department = fact("2026-11-01", "1", &[("identity", "ana"), ("userAttribute/Team", "Search")]);
    let later = fact("2026-11-03", "1", &[("identity", "ana"), (TEAM, "search")]);
    let finding = |facts: &[FactRow]| found(rule(&[]), facts).pop().unwrap();
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
