use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use wildmatch::WildMatch;

use super::*;
use crate::bill::principal::IdentityKind;
use crate::calendar::data_status::DataStatus;
use crate::facts::matcher::Matcher;
use crate::facts::owner_names::OwnerNames;
use crate::facts::people::Roles;
use crate::fixtures::{FactRow, anybody, decimal, fact, table};
use crate::rules::driver::Driver;
use crate::rules::evaluation::Rules;
use crate::rules::overrides::BudgetOverride;
use crate::rules::owner_template::OwnerTemplate;

fn budget(name: &str) -> Budget {
    Budget {
        rule: Rule::new(name),
        window: WindowKind::Month,
        amount: decimal("100"),
        thresholds: vec![50, 80, 100],
        forecast: Vec::new(),
        overrides: Overrides::default(),
        overrides_file: None,
    }
}

/// October and November, as of 20 November.
fn span() -> DataSpan {
    let status = DataStatus { as_of: "2026-11-20T00:00:00Z".parse().ok(), ..DataStatus::default() };
    DataSpan::new(["2026-10", "2026-11"].map(|month| (month.parse().unwrap(), status)).into())
}

fn measure(budget: &Budget, facts: &[FactRow]) -> Vec<Measurement> {
    let day = "2026-11-15".parse().unwrap();
    foretold(std::slice::from_ref(budget), &table(facts).rows(), &CostPolicy::default(), &span(), day).unwrap()
}

fn crossed(measured: &Measurement) -> Vec<u32> {
    measured.crossed().map(|level| level.name.parse().unwrap()).collect()
}

fn spends(budget: &Budget, facts: &[FactRow]) -> Vec<(String, String)> {
    let name = |measurement: &Measurement| measurement.member.clone().unwrap_or_default();
    measure(budget, facts).iter().map(|measurement| (name(measurement), measurement.spent.to_string())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
}

#[test]
fn all_matchers_must_hold() {
    let mut budget = budget("search");
    budget.rule.matches = vec![
        Matcher::new("model".parse().unwrap(), "claude-*"),
        Matcher::new("tag:iamPrincipal/team".parse().unwrap(), "search"),
    ];
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
    let own = BudgetOverride { member: "Dana@example.com".to_owned(), amount: decimal("9000") };
    let mut budget = budget("people");
    budget.rule.each = Some("identity".parse().unwrap());
    assert!(budget.overrides.add(own, budget.rule.each.as_ref()));
    let facts = [
        fact("2026-11-01", "90", &[("identity", "dana@example.com")]),
        fact("2026-11-02", "90", &[("identity", "sam@example.com")]),
        fact("2026-11-03", "5", &[]),
    ];
    let measured = measure(&budget, &facts);
    let found: Vec<_> =
        measured.iter().map(|found| (found.member.as_deref().unwrap(), found.amount, crossed(found))).collect();
    let hundred = decimal("100");
    let expected = [
        ("(none)", hundred, vec![]),
        ("dana@example.com", decimal("9000"), vec![]),
        ("sam@example.com", hundred, vec![50, 80]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_threshold_is_crossed_when_it_is_reached_and_not_before() {
    for (spent, expected) in [
        ("49.999999999999999999", &[][..]),
        ("50", &[50]),
        ("79.999999999999999999", &[50]),
        ("80", &[50, 80]),
        ("100", &[50, 80, 100]),
        ("-100", &[]),
    ] {
        assert_eq!(crossed(&measure(&budget("all"), &[fact("2026-11-01", spent, &[])])[0]), expected, "{spent}");
    }
}

#[test]
fn an_amount_that_percents_do_not_divide_is_compared_exactly() {
    let budget = Budget { amount: decimal("0.000000000000000003"), thresholds: vec![50], ..budget("tiny") };
    let crossed = |spent| crossed(&measure(&budget, &[fact("2026-11-01", spent, &[])])[0]);
    assert_eq!(crossed("0.000000000000000001"), [0_u32; 0], "1 is less than 1.5");
    assert_eq!(crossed("0.000000000000000002"), [50]);
}

#[test]
fn the_largest_amounts_do_not_overflow() {
    let budget = Budget { amount: decimal("99999999999999999999"), thresholds: vec![100, u32::MAX], ..budget("huge") };
    let measured = measure(&budget, &[fact("2026-11-01", "99999999999999999999", &[])]);
    assert_eq!(crossed(&measured[0]), [100]);
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
        identity_kind: IdentityKind::Sso,
        spent: decimal("70"),
        principal: "p2".to_owned(),
        roles: Roles::default(),
        model: "m2".to_owned(),
        model_spent: decimal("40"),
        token: "(none)".to_owned(),
        account: String::new(),
        region: String::new(),
        rise: driver.rise,
    };
    assert_eq!(driver, expected);
    assert_eq!(measure(&budget("all"), &[])[0].driver, None);
}

#[test]
fn the_driver_of_a_rise_is_told_with_since_when() {
    let spends = |day: u32| if day >= 10 { "12" } else { "2" };
    let facts: Vec<_> =
        (1..=12).map(|day| fact(&format!("2026-11-{day:02}"), spends(day), &[("identity", "a")])).collect();
    let rise = measure(&budget("all"), &facts).remove(0).driver.unwrap().rise.unwrap();
    assert_eq!((rise.since.to_string().as_str(), rise.until.to_string().as_str()), ("2026-11-10", "2026-11-12"));
    assert_eq!((rise.by, rise.usual), (decimal("30"), decimal("2")));
}

#[test]
fn a_week_is_measured_across_months_and_a_day_alone() {
    let facts = [fact("2026-10-31", "30", &[]), fact("2026-11-01", "40", &[]), fact("2026-11-02", "90", &[])];
    let facts = table(&facts);
    for (window, expected) in [(WindowKind::Week, ["70", "90"]), (WindowKind::Day, ["40", "90"])] {
        let budget = Budget { window, ..budget("all") };
        let on = |day: &str| {
            let day = day.parse().unwrap();
            let measured = foretold(std::slice::from_ref(&budget), &facts.rows(), &CostPolicy::default(), &span(), day);
            measured.unwrap()[0].spent.to_string()
        };
        assert_eq!([on("2026-11-01"), on("2026-11-02")], expected, "{window}");
    }
}

#[test]
fn a_budget_that_is_heading_past_its_amount_is_told_until_it_is_spent() {
    let budget = Budget { forecast: vec![100], ..budget("all") };
    let spending = |cost: &str| -> Vec<FactRow> {
        let days = "2026-11-01".parse::<NaiveDate>().unwrap().iter_days().take(19);
        days.map(|day| fact(&day.to_string(), cost, &[])).collect()
    };
    let verdict = |cost: &str| {
        let facts = spending(cost);
        let found = measure(&budget, &facts);
        let forecast = found.iter().find(|found| matches!(found.detail, Detail::Forecast(_))).unwrap();
        forecast.levels[0].verdict
    };
    assert_eq!(verdict("1"), Verdict::Clear, "30 of 100");
    assert_eq!(verdict("4"), Verdict::Crossed, "120 of 100, of which 76 are spent");
    assert_eq!(verdict("6"), Verdict::Undecided, "114 of 100 are spent: the budget tells that");
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
    let owner = |template: &str, facts: &[FactRow]| {
        let mut budget = budget("people");
        budget.rule.each = Some("identity".parse().unwrap());
        budget.rule.owner = Some(anybody(template));
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
fn a_value_that_only_the_bill_has_calls_nobody_and_is_named() {
    let tag = "iamPrincipal/team".to_owned();
    let names = OwnerNames {
        tag_values: [(tag.clone(), vec![WildMatch::new("search")])].into(),
        owner_tag: Some(tag),
        fallback: Some("platform-oncall".to_owned()),
        ..OwnerNames::default()
    };
    let called = |template: &str, names: &OwnerNames, facts: &[FactRow]| {
        let mut budget = budget("people");
        budget.rule.each = Some("identity".parse().unwrap());
        let template: OwnerTemplate = template.parse().unwrap();
        budget.rule.owner = Some(template.with_names(&Arc::new(names.clone())));
        let found = measure(&budget, facts).remove(0);
        (found.owner, found.is_owner_of_spend, found.unlisted_owner)
    };
    let spend = |team: &str, owner: &str| {
        fact("2026-11-01", "1", &[("identity", "a"), ("iamPrincipal/team", team), ("owner", owner)])
    };
    let some = |text: &str| Some(text.to_owned());
    let by_tag = "{tag:iamPrincipal/team}-oncall";
    assert_eq!(called(by_tag, &names, &[spend("search", "search")]), (some("search-oncall"), false, None));
    let unlisted = (some("platform-oncall"), false, some("payments"));
    assert_eq!(called(by_tag, &names, &[spend("payments", "payments")]), unlisted);
    let of_spend = (some("search"), true, some("payments"));
    assert_eq!(called(by_tag, &names, &[spend("payments", "search")]), of_spend);
    let none = (some("platform-oncall"), false, some("payments"));
    assert_eq!(called(by_tag, &names, &[spend("", "payments")]), none, "nor does the owner of the spend");
    assert_eq!(called("{member}", &names, &[spend("search", "search")]), (some("search"), true, some("a")));
    let both = |team: &str| [spend(team, "search"), spend(team, "ads")];
    assert_eq!(called(by_tag, &names, &both("")), (some("(several)"), true, None));
    assert_eq!(called(by_tag, &names, &both("payments")), unlisted, "of several owners none can be named");
    let without = OwnerNames { fallback: None, ..names.clone() };
    assert_eq!(called(by_tag, &without, &[spend("payments", "")]), (None, false, some("payments")));
    let listed = OwnerNames { owners: vec![WildMatch::new("pay*-oncall")], ..names };
    assert_eq!(called(by_tag, &listed, &[spend("payments", "")]), (some("payments-oncall"), false, None));
}

proptest! {
    #[test]
    fn thresholds_agree_with_wide_arithmetic(spent in 0_i64..=i64::MAX, amount in 1_i64..=i64::MAX, percent in 1_u32..500) {
        let units = |value: i64| Decimal::from_units(i128::from(value)).unwrap();
        let budget = Budget { amount: units(amount), thresholds: vec![percent], ..budget("any") };
        let mut fact = fact("2026-11-01", "0", &[]);
        fact.measures.unblended_cost = units(spent);
        let crossed = measure(&budget, &[fact])[0].crossed().next().is_some();
        prop_assert_eq!(crossed, i128::from(spent) * 100 >= i128::from(amount) * i128::from(percent));
    }

    #[test]
    fn members_add_up_to_the_whole(costs in proptest::collection::vec((0_usize..4, -1000_i64..1000), 0..30)) {
        let names = ["", "a", "b", "c"];
        let facts: Vec<_> =
            costs.iter().map(|(name, cost)| fact("2026-11-01", &cost.to_string(), &[("identity", names[*name])])).collect();
        let mut each = budget("each");
        each.rule.each = Some("identity".parse().unwrap());
        let total = |measured: Vec<Measurement>| {
            measured.iter().try_fold(Decimal::ZERO, |sum, found| sum.checked_add(found.spent)).unwrap()
        };
        prop_assert_eq!(total(measure(&each, &facts)), total(measure(&budget("all"), &facts)));
    }
}

#[test]
fn a_budget_without_thresholds_tells_by_its_forecast_of_what_is_spent_already() {
    let mut budget = Budget { thresholds: Vec::new(), forecast: vec![100], ..budget("heading") };
    let facts = table(&[fact("2026-11-02", "150", &[])]);
    let levels = |budget: &Budget| {
        let found =
            budget.evaluate(facts.rows(), &Known { policy: &CostPolicy::default(), span: &span(), days: &[] }).unwrap();
        found.iter().flat_map(crossed).collect::<Vec<_>>()
    };
    assert_eq!(levels(&budget), [100]);
    budget.thresholds = vec![120];
    assert_eq!(levels(&budget), [120, 100], "nothing else tells of 100");
    budget.thresholds = vec![80];
    assert_eq!(levels(&budget), [80], "the threshold does");
}

#[test]
fn windows_that_have_not_begun_are_not_measured() {
    // A steady use, which every week to come is foretold to have as well.
    let facts: Vec<_> = (1..=18).map(|day| fact(&format!("2026-11-{day:02}"), "20", &[])).collect();
    let facts = table(&facts);
    for (window, begun) in [
        (WindowKind::Week, ["2026-11-02", "2026-11-09", "2026-11-16"].map(str::to_owned).to_vec()),
        (WindowKind::Month, vec!["2026-11-01".to_owned()]),
    ] {
        let mut weekly = Budget { window, forecast: vec![100], ..budget("week") };
        weekly.amount = decimal("69");
        let rules = Rules { budgets: vec![weekly], ..Rules::default() };
        let found = rules.evaluate(&facts.rows(), &CostPolicy::default(), &span()).unwrap();
        let last = found.measurements.iter().map(|measured| measured.window.first_day()).max();
        assert_eq!(last.unwrap().to_string(), *begun.last().unwrap(), "the data ends with 19 November");
        let complete = found.complete.iter().map(|(_, _, window)| window.first_day()).max();
        assert_eq!(complete, last);
        let crossed = found.measurements.iter().filter(|measured| measured.crossed().next().is_some());
        let crossed: BTreeSet<_> = crossed.map(|measured| measured.window.first_day().to_string()).collect();
        assert!(begun.iter().all(|first| crossed.contains(first)), "{crossed:?}");
    }
}

/// All that an evaluation measures: nobody has asked how the month will end.
fn evaluated(budget: &Budget, facts: &[FactRow], span: &DataSpan) -> Vec<Measurement> {
    let known = Known { policy: &CostPolicy::default(), span, days: &[] };
    budget.evaluate(table(facts).rows(), &known).unwrap()
}

#[test]
fn how_much_of_each_budget_is_used_is_said_by_member() {
    let own = BudgetOverride { member: "ana".to_owned(), amount: decimal("7") };
    let mut each = budget("each");
    each.rule.each = Some("identity".parse().unwrap());
    assert!(each.overrides.add(own, each.rule.each.as_ref()));
    let facts = [
        fact("2026-11-01", "5", &[("identity", "ana")]),
        fact("2026-11-02", "2", &[("identity", "bob")]),
        fact("2026-10-02", "9", &[("identity", "cyd")]),
    ];
    let (budgets, facts) = ([budget("all"), each], table(&facts));
    let used = used(&budgets, &facts.rows(), &CostPolicy::default(), "2026-11-15".parse().unwrap()).unwrap();
    let found: Vec<_> = used
        .iter()
        .map(|used| (used.rule, used.member.as_deref(), used.spent.to_string(), used.amount.to_string()))
        .collect();
    let of = |rule, member, spent: &str, amount: &str| (rule, member, spent.to_owned(), amount.to_owned());
    let expected =
        [of("all", None, "7", "100"), of("each", Some("ana"), "5", "7"), of("each", Some("bob"), "2", "100")];
    assert_eq!(found, expected);
}

#[test]
fn a_member_is_measured_in_the_windows_in_which_it_spent_something() {
    let mut each = budget("each");
    each.rule.each = Some("identity".parse().unwrap());
    let facts = [fact("2026-10-01", "5", &[("identity", "ana")]), fact("2026-11-01", "5", &[("identity", "bob")])];
    let months = |budget: &Budget, facts: &[FactRow]| -> Vec<_> {
        let found = evaluated(budget, facts, &span());
        found.iter().map(|found| (found.member.clone(), found.window.first_day().to_string())).collect()
    };
    let of = |member: Option<&str>, first: &str| (member.map(str::to_owned), first.to_owned());
    assert_eq!(months(&each, &facts), [of(Some("ana"), "2026-10-01"), of(Some("bob"), "2026-11-01")]);
    assert_eq!(months(&budget("all"), &facts[1..]), [of(None, "2026-10-01"), of(None, "2026-11-01")]);
}

#[test]
fn where_data_of_a_window_is_missing_no_level_is_known_to_be_clear() {
    let weekly = Budget { window: WindowKind::Week, ..budget("week") };
    let facts = table(&[fact("2026-10-01", "10", &[])]);
    for (day, expected) in [("2026-10-01", Verdict::Undecided), ("2026-10-05", Verdict::Clear)] {
        let budgets = std::slice::from_ref(&weekly);
        let found = foretold(budgets, &facts.rows(), &CostPolicy::default(), &span(), day.parse().unwrap()).unwrap();
        assert!(found[0].levels.iter().all(|level| level.verdict == expected), "{day}: {:?}", found[0].levels);
    }
}

#[test]
fn how_a_month_will_end_is_worked_out_where_somebody_reads_it() {
    let outlook = |spent: &str| {
        let found = evaluated(&budget("all"), &[fact("2026-11-02", spent, &[])], &span());
        matches!(found.last().unwrap().detail, Detail::Budget(Some(_)))
    };
    assert_eq!(["10", "150"].map(outlook), [false, true]);
    let asked = measure(&budget("all"), &[fact("2026-11-02", "10", &[])]);
    assert!(matches!(asked[0].detail, Detail::Budget(Some(_))));
}

#[test]
fn what_was_told_of_a_forecast_stays_while_there_is_none() {
    let status = DataStatus { as_of: "2026-11-05T00:00:00Z".parse().ok(), ..DataStatus::default() };
    let early = DataSpan::new([("2026-11".parse().unwrap(), status)].into());
    let heading = Budget { forecast: vec![100], ..budget("heading") };
    let found = evaluated(&heading, &[fact("2026-11-01", "5", &[])], &early);
    assert!(matches!(found[1].detail, Detail::Forecast(Outlook::TooEarly { .. })), "{:?}", found[1].detail);
    assert_eq!(found[1].levels[0].verdict, Verdict::Undecided);
}

#[test]
fn a_level_is_armed_again_below_nineteen_twentieths_of_it() {
    let verdict = |spent: &str| {
        let budget = Budget { thresholds: vec![100], ..budget("all") };
        measure(&budget, &[fact("2026-11-02", spent, &[])])[0].levels[0].verdict
    };
    assert_eq!(["94.99", "95", "99.99"].map(verdict), [Verdict::Clear, Verdict::Undecided, Verdict::Undecided]);
}

#[test]
fn of_one_day_that_is_told_the_days_after_it_are_known() {
    let facts = ["150", "7", "0"].iter().zip(15..).map(|(cost, day)| fact(&format!("2026-11-{day}"), cost, &[]));
    let facts: Vec<_> = facts.chain([fact("2026-12-01", "3", &[])]).collect();
    let later = |window, amount: &str| {
        let budget = Budget { window, amount: decimal(amount), ..budget("all") };
        let later = measure(&budget, &facts).remove(0).later;
        later.into_iter().map(|(day, spent)| format!("{day} {spent}")).collect::<Vec<_>>()
    };
    assert_eq!(later(WindowKind::Day, "100"), ["2026-11-16 7", "2026-12-01 3"]);
    assert!(later(WindowKind::Day, "1000").is_empty() && later(WindowKind::Month, "100").is_empty());
}
