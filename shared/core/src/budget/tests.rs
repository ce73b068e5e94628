use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fact::Fact;
use crate::fixtures::{decimal, fact};
use crate::period::BillingPeriod;
use crate::spend::CostPolicy;

fn november() -> BillingPeriod {
    "2026-11".parse().unwrap()
}

fn budget(name: &str) -> Budget {
    Budget {
        name: name.to_owned(),
        matches: Vec::new(),
        each: None,
        amount: decimal("100"),
        currency: "USD".to_owned(),
        thresholds: vec![50, 80, 100],
        severity: Severity::Notice,
        owner: None,
        runbook: None,
        overrides: Vec::new(),
    }
}

fn measure(budget: &Budget, facts: &[Fact]) -> Vec<Measurement> {
    evaluate(std::slice::from_ref(budget), facts.iter(), &CostPolicy::default(), november()).unwrap()
}

fn spends(budget: &Budget, facts: &[Fact]) -> Vec<(String, String)> {
    let name = |measurement: &Measurement| measurement.member.clone().unwrap_or_default();
    measure(budget, facts).iter().map(|measurement| (name(measurement), measurement.spent.to_string())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
}

#[test]
fn globs_match_whole_values_and_never_nothing() {
    let key = |team: &str| fact("2026-11-01", "1", &[("iamPrincipal/team", team)]).key;
    let untagged = fact("2026-11-01", "1", &[]).key;
    let team = |glob: &str| Matcher::new("tag:iamPrincipal/team".parse().unwrap(), glob);
    assert!(team("search*").matches(&key("search-eu")));
    assert!(!team("search").matches(&key("search-eu")), "a glob is over the whole value");
    assert!(!team("Search*").matches(&key("search-eu")), "globs are case-sensitive");
    assert!(team("*").matches(&key("x")));
    for empty in [&key(""), &untagged] {
        assert!(!team("*").matches(empty), "no glob matches nothing");
        assert!(team("(none)").matches(empty));
    }
    assert!(!team("(none)").matches(&key("x")));
    assert_eq!(team("search*").to_string(), "tag:iamPrincipal/team = search*");
}

#[test]
fn all_matchers_must_hold() {
    let budget = Budget {
        matches: vec![
            Matcher::new("model".parse().unwrap(), "claude-*"),
            Matcher::new("tag:iamPrincipal/team".parse().unwrap(), "search"),
        ],
        ..budget("search")
    };
    let facts = [
        fact("2026-11-01", "1", &[("model", "claude-sonnet-4.6"), ("iamPrincipal/team", "search")]),
        fact("2026-11-01", "10", &[("model", "nova-pro"), ("iamPrincipal/team", "search")]),
        fact("2026-11-01", "100", &[("model", "claude-sonnet-4.6"), ("iamPrincipal/team", "ads")]),
    ];
    assert_eq!(spends(&budget, &facts), pairs(&[("", "1")]));
}

#[test]
fn a_month_is_its_usage_dates_and_what_counts() {
    let facts = [
        fact("2026-10-31", "1000", &[]),
        fact("2026-11-01", "1", &[]),
        fact("2026-11-30", "2", &[]),
        fact("2026-12-01", "1000", &[]),
        fact("2026-11-02", "-0.5", &[("category", "discount")]),
        fact("2026-11-02", "-50", &[("category", "credit")]),
        fact("2026-11-02", "50", &[("category", "tax")]),
    ];
    assert_eq!(spends(&budget("all"), &facts), pairs(&[("", "2.5")]));
    assert_eq!(spends(&budget("all"), &[]), pairs(&[("", "0")]), "a budget that nobody used is measured too");
}

#[test]
fn each_member_has_its_own_measurement_and_overrides_are_by_exact_name() {
    let own = BudgetOverride { member: "dana@example.com".to_owned(), amount: decimal("9000") };
    let budget = Budget { each: Some("identity".parse().unwrap()), overrides: vec![own], ..budget("people") };
    let facts = [
        fact("2026-11-01", "90", &[("identity", "dana@example.com")]),
        fact("2026-11-02", "90", &[("identity", "sam@example.com")]),
        fact("2026-11-03", "5", &[]),
    ];
    let measured = measure(&budget, &facts);
    let found: Vec<_> = measured
        .iter()
        .map(|found| (found.member.as_deref().unwrap(), found.amount, found.crossed.as_slice()))
        .collect();
    let hundred = decimal("100");
    let expected: [(&str, Decimal, &[u32]); 3] =
        [("(none)", hundred, &[]), ("dana@example.com", decimal("9000"), &[]), ("sam@example.com", hundred, &[50, 80])];
    assert_eq!(found, expected);
}

#[test]
fn a_threshold_is_crossed_when_it_is_reached_and_not_before() {
    for (spent, crossed) in [
        ("49.999999999999999999", &[][..]),
        ("50", &[50]),
        ("79.999999999999999999", &[50]),
        ("80", &[50, 80]),
        ("100", &[50, 80, 100]),
        ("-100", &[]),
    ] {
        assert_eq!(measure(&budget("all"), &[fact("2026-11-01", spent, &[])])[0].crossed, crossed, "{spent}");
    }
}

#[test]
fn an_amount_that_percents_do_not_divide_is_compared_exactly() {
    let budget = Budget { amount: decimal("0.000000000000000003"), thresholds: vec![50], ..budget("tiny") };
    let crossed = |spent| measure(&budget, &[fact("2026-11-01", spent, &[])])[0].crossed.clone();
    assert_eq!(crossed("0.000000000000000001"), [0_u32; 0], "1 is less than 1.5");
    assert_eq!(crossed("0.000000000000000002"), [50]);
}

#[test]
fn the_largest_amounts_do_not_overflow() {
    let budget = Budget { amount: decimal("99999999999999999999"), thresholds: vec![100, u32::MAX], ..budget("huge") };
    let measured = measure(&budget, &[fact("2026-11-01", "99999999999999999999", &[])]);
    assert_eq!(measured[0].crossed, [100]);
}

#[test]
fn other_currencies_are_told_apart_and_never_added() {
    let facts = [
        fact("2026-11-01", "10", &[]),
        fact("2026-11-01", "20", &[("currency", "CNY")]),
        fact("2026-11-02", "2.5", &[("currency", "CNY")]),
    ];
    let measured = measure(&budget("all"), &facts);
    assert_eq!(measured[0].spent, decimal("10"));
    assert_eq!(measured[0].other_currencies, BTreeMap::from([("CNY".to_owned(), decimal("22.5"))]));
}

#[test]
fn the_driver_is_the_largest_identity_with_its_largest_model() {
    let facts = [
        fact("2026-11-01", "30", &[("identity", "a"), ("identity_kind", "sso"), ("principal", "p1"), ("model", "m1")]),
        fact("2026-11-02", "40", &[("identity", "a"), ("identity_kind", "sso"), ("principal", "p2"), ("model", "m2")]),
        fact("2026-11-03", "45", &[("identity", "b"), ("identity_kind", "role"), ("principal", "p3"), ("model", "m1")]),
    ];
    let driver = measure(&budget("all"), &facts).remove(0).driver.unwrap();
    let expected = Driver {
        identity: "a".to_owned(),
        identity_kind: "sso".to_owned(),
        spent: decimal("70"),
        principal: "p2".to_owned(),
        model: "m2".to_owned(),
        model_spent: decimal("40"),
    };
    assert_eq!(driver, expected);
    assert_eq!(measure(&budget("all"), &[])[0].driver, None);
}

#[test]
fn the_peak_is_compared_with_the_median_of_the_other_days() {
    let daily = [("01", "10"), ("02", "20"), ("04", "1000"), ("05", "12")];
    let facts: Vec<_> = daily.iter().map(|(day, cost)| fact(&format!("2026-11-{day}"), cost, &[])).collect();
    let peak = measure(&budget("all"), &facts)[0].peak().unwrap();
    assert_eq!(peak.day.to_string(), "2026-11-04");
    assert_eq!(peak.spent, decimal("1000"));
    assert_eq!(peak.others_median, Some(decimal("11")), "of 0 (3 Nov), 10, 12 and 20");
    assert_eq!(measure(&budget("all"), &facts[..1])[0].peak().unwrap().others_median, None);
    assert_eq!(measure(&budget("all"), &[])[0].peak(), None);
}

#[test]
fn an_owner_is_filled_in_from_the_member_and_the_tags_it_agrees_on() {
    let owner = |template: &str, facts: &[Fact]| {
        let budget = Budget {
            each: Some("identity".parse().unwrap()),
            owner: Some(template.parse().unwrap()),
            ..budget("people")
        };
        measure(&budget, facts)[0].owner.clone().unwrap()
    };
    let one = fact("2026-11-01", "1", &[("identity", "a"), ("iamPrincipal/team", "ads")]);
    let same = fact("2026-11-02", "1", &[("identity", "a"), ("iamPrincipal/team", "ads")]);
    let untagged = fact("2026-11-02", "1", &[("identity", "a")]);
    let other = fact("2026-11-03", "1", &[("identity", "a"), ("iamPrincipal/team", "search")]);
    let template = "{tag:iamPrincipal/team}-oncall for {member}";
    assert_eq!(owner(template, &[one.clone(), same.clone(), untagged.clone()]), "ads-oncall for a");
    assert_eq!(owner(template, &[one.clone(), other, same]), "(several)-oncall for a");
    assert_eq!(owner(template, &[untagged]), "(none)-oncall for a");
    assert_eq!(owner("search-oncall", &[one]), "search-oncall");
}

#[test]
fn a_template_that_cannot_be_filled_in_is_an_error() {
    for text in ["", " ", "{team}", "{tag:}", "{member", "member}", "{a{member}}", "}{member}"] {
        assert!(text.parse::<OwnerTemplate>().is_err(), "{text}");
    }
    assert!("{member}".parse::<OwnerTemplate>().unwrap().needs_member());
}

proptest! {
    #[test]
    fn thresholds_agree_with_wide_arithmetic(spent in 0_i64..=i64::MAX, amount in 1_i64..=i64::MAX, percent in 1_u32..500) {
        let units = |value: i64| Decimal::from_units(i128::from(value)).unwrap();
        let budget = Budget { amount: units(amount), thresholds: vec![percent], ..budget("any") };
        let mut fact = fact("2026-11-01", "0", &[]);
        fact.measures.unblended_cost = units(spent);
        let crossed = !measure(&budget, &[fact])[0].crossed.is_empty();
        prop_assert_eq!(crossed, i128::from(spent) * 100 >= i128::from(amount) * i128::from(percent));
    }

    #[test]
    fn members_add_up_to_the_whole(costs in proptest::collection::vec((0_usize..4, -1000_i64..1000), 0..30)) {
        let names = ["", "a", "b", "c"];
        let facts: Vec<_> =
            costs.iter().map(|(name, cost)| fact("2026-11-01", &cost.to_string(), &[("identity", names[*name])])).collect();
        let each = Budget { each: Some("identity".parse().unwrap()), ..budget("each") };
        let total = |measured: Vec<Measurement>| {
            measured.iter().try_fold(Decimal::ZERO, |sum, found| sum.checked_add(found.spent)).unwrap()
        };
        prop_assert_eq!(total(measure(&each, &facts)), total(measure(&budget("all"), &facts)));
    }
}
