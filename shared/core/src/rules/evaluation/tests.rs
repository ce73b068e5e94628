use super::*;
use crate::calendar::data_status::DataStatus;
use crate::calendar::window::WindowKind;
use crate::fixtures::{decimal, fact, table};
use crate::rules::finding::{Against, Lack};
use crate::rules::overrides::{BudgetOverride, Overrides};
use crate::rules::rule::Severity;

fn budget() -> Budget {
    Budget {
        rule: Rule::new("b"),
        window: WindowKind::Month,
        amount: decimal("100"),
        thresholds: vec![80, 100],
        forecast: vec![120],
        overrides: Overrides::default(),
        overrides_file: None,
    }
}

fn delta(against: Against) -> Delta {
    Delta { rule: Rule::new("d"), against, rise_percent: 50, rise_amount: decimal("10") }
}

fn anomaly() -> Anomaly {
    Anomaly { rule: Rule::new("a"), minimum: decimal("50"), deviations: 6, runaway: 10, new_above: decimal("100") }
}

fn hygiene() -> Hygiene {
    Hygiene { rule: Rule::new("h"), lack: Lack::Principal, percent: 10, amount: decimal("100") }
}

fn rules() -> Rules {
    Rules {
        budgets: vec![budget()],
        deltas: vec![delta(Against::Weekday)],
        anomalies: vec![anomaly()],
        hygiene: vec![hygiene()],
    }
}

/// The budget with limits of their own.
fn with_overrides(limits: &[(&str, &str)]) -> Budget {
    let mut budget = budget();
    for (member, amount) in limits {
        let own = BudgetOverride { member: (*member).to_owned(), amount: decimal(amount) };
        assert!(budget.overrides.add(own, None));
    }
    budget
}

/// What is told where one budget takes another's place.
fn of_budgets(old: Budget, new: Budget) -> Vec<String> {
    let of = |budget| Rules { budgets: vec![budget], ..Rules::default() };
    of(old).weaker(&of(new))
}

#[test]
fn the_same_rules_and_more_of_them_are_not_weaker() {
    assert!(Rules::default().is_empty() && !rules().is_empty());
    assert_eq!(rules().weaker(&rules()), [""; 0]);
    assert_eq!(Rules::default().weaker(&rules()), [""; 0]);
}

#[test]
fn a_rule_is_gone_if_none_of_its_kind_has_its_name() {
    let gone = rules().weaker(&Rules::default());
    let names: Vec<_> = gone.iter().map(|text| text.split(':').next().unwrap()).collect();
    assert_eq!(names, ["budget b is gone", "delta d is gone", "anomaly a is gone", "hygiene h is gone"]);
    assert!(gone.iter().all(|text| !text.ends_with('.')));
    // One of another kind takes its name, one of its kind another name.
    let mut other = rules();
    other.budgets[0].rule.name = "d".to_owned();
    other.deltas[0].rule.name = "b".to_owned();
    let gone = rules().weaker(&other);
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert!(gone[0].starts_with("budget b is gone") && gone[1].starts_with("delta d is gone"));
}

#[test]
fn a_rule_is_held_against_the_one_with_its_name() {
    let other = Budget { rule: Rule::new("x"), amount: decimal("1"), ..budget() };
    let old = Rules { budgets: vec![other.clone(), budget()], ..Rules::default() };
    let raised = Budget { amount: decimal("100.01"), ..budget() };
    let new = Rules { budgets: vec![raised, other], ..Rules::default() };
    assert_eq!(old.weaker(&new), ["budget b allows $100.01, before $100.00"]);
}

#[test]
fn a_budget_is_weaker_that_allows_more_or_tells_of_less() {
    let amount = |amount| Budget { amount: decimal(amount), ..budget() };
    assert_eq!(of_budgets(budget(), amount("99")), [""; 0]);
    assert_eq!(of_budgets(budget(), amount("101")), ["budget b allows $101.00, before $100.00"]);
    let week = Budget { window: WindowKind::Week, ..budget() };
    assert_eq!(of_budgets(budget(), week), ["budget b is for a week, before month"]);
    let fewer = Budget { thresholds: vec![50, 100], forecast: vec![100], ..budget() };
    assert_eq!(
        of_budgets(budget(), fewer),
        ["budget b no longer tells of 80%", "budget b no longer tells that spend is heading past 120%"]
    );
}

#[test]
fn members_that_may_spend_more_than_before_are_named_up_to_five() {
    let told = |old: &[(&str, &str)], new: &[(&str, &str)]| of_budgets(with_overrides(old), with_overrides(new));
    assert_eq!(told(&[("ana", "200")], &[("ana", "200")]), [""; 0]);
    assert_eq!(told(&[("ana", "200")], &[("ana", "150"), ("bob", "100"), ("cyd", "50")]), [""; 0]);
    assert_eq!(told(&[("ana", "200")], &[("ana", "201")]), ["budget b allows ana $201.00, before $200.00"]);
    assert_eq!(told(&[], &[("bob", "101")]), ["budget b allows bob $101.00, before $100.00"]);
    assert_eq!(told(&[("bob", "99")], &[]), ["budget b allows bob $100.00, before $99.00"]);
    let raised = [("a", "101"), ("b", "101"), ("c", "101"), ("d", "101"), ("e", "101"), ("f", "101"), ("g", "101")];
    assert_eq!(told(&[], &raised[..5]).len(), 5);
    let many = told(&[], &raised);
    assert_eq!((many.len(), many[5].as_str()), (6, "budget b allows 2 more members more than before"));
}

#[test]
fn the_other_kinds_are_weaker_once_they_need_more() {
    let changed = |change: &dyn Fn(&mut Rules)| {
        let mut new = rules();
        change(&mut new);
        rules().weaker(&new)
    };
    let told = |change: &dyn Fn(&mut Rules), text: &str| assert_eq!(changed(change), [text]);
    told(&|rules| rules.deltas[0].rise_amount = decimal("10.01"), "delta d needs a rise of $10.01, before $10.00");
    told(&|rules| rules.deltas[0].rise_percent = 51, "delta d needs a rise in percent of 51, before 50");
    told(&|rules| rules.deltas[0].against = Against::Trailing, "delta d compares with trailing, before weekday");
    told(&|rules| rules.anomalies[0].minimum = decimal("51"), "anomaly a needs at least $51.00, before $50.00");
    told(&|rules| rules.anomalies[0].deviations = 7, "anomaly a needs deviations from the usual of 7, before 6");
    told(&|rules| rules.anomalies[0].runaway = 11, "anomaly a calls a day runaway from a multiple of 11, before 10");
    told(
        &|rules| rules.anomalies[0].new_above = decimal("101"),
        "anomaly a tells of new spenders above $101.00, before $100.00",
    );
    told(&|rules| rules.hygiene[0].amount = decimal("101"), "hygiene h needs $101.00, before $100.00");
    told(&|rules| rules.hygiene[0].percent = 11, "hygiene h needs a share in percent of 11, before 10");
    told(&|rules| rules.hygiene[0].rule.currency = "EUR".to_owned(), "hygiene h counts EUR, before USD");
    let stronger = changed(&|rules| {
        rules.deltas[0].rise_amount = decimal("9");
        rules.deltas[0].rise_percent = 49;
        rules.anomalies[0] =
            Anomaly { minimum: decimal("49"), deviations: 5, runaway: 9, new_above: decimal("99"), ..anomaly() };
        rules.hygiene[0] = Hygiene { percent: 9, amount: decimal("99"), ..hygiene() };
        rules.hygiene[0].rule.severity = Severity::Page;
    });
    assert_eq!(stronger, [""; 0]);
}

#[test]
fn a_level_that_was_crossed_is_asked_for_as_long_as_the_rule_has_it() {
    let (month, own) = (WindowKind::Month, with_overrides(&[("ana", "200")]));
    let asks = |kind, window, member, percent, amount| own.asks_for(kind, window, member, percent, decimal(amount));
    assert!(asks(Kind::Budget, month, None, Some(80), "100"));
    assert!(asks(Kind::Budget, month, Some("ana"), Some(80), "200"));
    assert!(asks(Kind::Forecast, month, None, Some(120), "100"));
    assert!(!asks(Kind::Budget, WindowKind::Week, None, Some(80), "100"));
    assert!(!asks(Kind::Budget, month, Some("ana"), Some(80), "100"), "she has another limit");
    assert!(!asks(Kind::Budget, month, None, Some(120), "100"), "that is a forecast's");
    assert!(!asks(Kind::Forecast, month, None, Some(80), "100"), "and that is none");
    assert!(!asks(Kind::Budget, month, None, None, "100"));
    let day = WindowKind::Day;
    let of_delta = |percent, amount| delta(Against::Weekday).asks_for(Kind::Delta, day, None, percent, decimal(amount));
    assert_eq!(
        [of_delta(Some(50), "10"), of_delta(Some(49), "10"), of_delta(Some(50), "11"), of_delta(None, "10")],
        [true, false, false, false]
    );
    let of_hygiene = |percent, amount| hygiene().asks_for(Kind::Hygiene, month, None, percent, decimal(amount));
    assert_eq!(
        [of_hygiene(Some(10), "100"), of_hygiene(Some(9), "100"), of_hygiene(Some(10), "9")],
        [true, false, false]
    );
    assert!(anomaly().asks_for(Kind::Anomaly, day, None, None, decimal("1")), "a day that was odd stays so");
}

#[test]
fn forecasts_months_to_date_and_shares_may_recede_and_days_do_not() {
    let (month, day) = (WindowKind::Month, WindowKind::Day);
    assert!(budget().recedes(Kind::Forecast, month) && !budget().recedes(Kind::Budget, month));
    assert!(delta(Against::Month).recedes(Kind::Delta, month) && !delta(Against::Weekday).recedes(Kind::Delta, day));
    assert!(hygiene().recedes(Kind::Hygiene, month) && !anomaly().recedes(Kind::Anomaly, day));
    assert!(Kind::Delta.is_of_a_day(day) && Kind::Anomaly.is_of_a_day(day) && !Kind::Delta.is_of_a_day(month));
    assert!(!Kind::Budget.is_of_a_day(day));
}

#[test]
fn what_a_rule_compares_and_its_levels_stay_what_they_are() {
    let levels = |rule: &dyn RuleKind| {
        let levels = rule.levels().into_iter().map(|(kind, name, amount)| format!("{kind} {name} {amount}"));
        (rule.about(), levels.collect::<Vec<_>>())
    };
    let texts = |about: &str, levels: &[&str]| {
        (about.to_owned(), levels.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    };
    let of_each =
        ["budget 80 100", "budget 100 100", "forecast 120 100", "budget 80 200", "budget 100 200", "forecast 120 200"];
    assert_eq!(levels(&with_overrides(&[("ana", "200"), ("bob", "200")])), texts("month", &of_each));
    assert_eq!(levels(&delta(Against::Trailing)), texts("trailing", &["delta 50 10"]));
    let odd = ["anomaly new 100", "anomaly spike 50", "anomaly runaway 50"];
    assert_eq!(levels(&anomaly()), texts("6 deviations, 10 times", &odd));
    assert_eq!(levels(&hygiene()), texts("principal", &["hygiene 10 100"]));
}

#[test]
fn windows_that_were_evaluated_completely_are_known_by_rule_and_kind() {
    let status = DataStatus { as_of: "2026-11-10T00:00:00Z".parse().ok(), ..DataStatus::default() };
    let span = DataSpan::new([("2026-11".parse().unwrap(), status)].into());
    let rules = Rules {
        deltas: vec![delta(Against::Weekday), Delta { rule: Rule::new("m"), ..delta(Against::Month) }],
        ..rules()
    };
    let none = table(&[]);
    let found = rules.evaluate(&none.rows(), &CostPolicy::default(), &span).unwrap().complete;
    let of = |name: &str, kind| {
        let of_rule = found.iter().filter(|(rule, of, _)| rule == name && *of == kind);
        of_rule.map(|(_, _, window)| window.first_day().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of("b", Kind::Budget), ["2026-11-01"]);
    assert_eq!(of("b", Kind::Forecast), ["2026-11-01"]);
    assert_eq!(of("h", Kind::Hygiene), ["2026-11-01"]);
    assert_eq!(of("m", Kind::Delta), ["2026-11-01"]);
    let days = [
        "2026-11-01",
        "2026-11-02",
        "2026-11-03",
        "2026-11-04",
        "2026-11-05",
        "2026-11-06",
        "2026-11-07",
        "2026-11-08",
        "2026-11-09",
        "2026-11-10",
    ];
    assert_eq!(
        (of("d", Kind::Delta), of("a", Kind::Anomaly)),
        (days.map(str::to_owned).into(), days.map(str::to_owned).into())
    );
}

#[test]
fn whom_a_rule_matches_is_told_largest_first_and_nobody_where_there_is_nothing() {
    let facts = [
        fact("2026-11-02", "1", &[("identity", "ana")]),
        fact("2026-11-03", "2", &[("identity", "ana")]),
        fact("2026-11-02", "9", &[("identity", "bob")]),
        fact("2026-11-02", "3", &[("identity", "cyd")]),
        fact("2026-11-02", "5", &[("identity", "dee"), ("currency", "EUR")]),
    ];
    let rule = Rule { each: Some("identity".parse().unwrap()), ..Rule::new("r") };
    let facts = table(&facts);
    let found = matched(&rule, facts.rows(), &CostPolicy::default()).unwrap();
    let found: Vec<_> = found.iter().map(|(member, spent)| (member.as_deref().unwrap(), spent.to_string())).collect();
    // What somebody has in another currency is matched, and adds nothing.
    let expected = [("bob", "9"), ("ana", "3"), ("cyd", "3"), ("dee", "0")];
    assert_eq!(found, expected.map(|(member, spent)| (member, spent.to_owned())));
    let all = matched(&Rule::new("r"), table(&[]).rows(), &CostPolicy::default()).unwrap();
    assert_eq!(all, []);
}
