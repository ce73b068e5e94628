use super::*;
use crate::bill::category::Category;
use crate::calendar::data_span::DataSpan;
use crate::calendar::period::BillingPeriod;
use crate::calendar::window::WindowKind;
use crate::facts::matcher::Matcher;
use crate::fixtures::{decimal, fact, table};
use crate::rules::budget::{self, Budget};
use crate::rules::overrides::Overrides;
use crate::rules::rule::Rule;

fn day() -> NaiveDate {
    "2026-11-12".parse().unwrap()
}

fn moved(identity: &str, category: Category, before: &str, after: &str) -> Restated {
    Restated {
        period: BillingPeriod::of(day()),
        after_close: false,
        day: day(),
        identity: identity.to_owned(),
        category,
        currency: "USD".to_owned(),
        before: decimal(before),
        after: decimal(after),
    }
}

/// What budgets of a kind say was restated of each member's day, of which Ana's rose from 424.64 to 600.
fn restated(rule: Rule, window: WindowKind, policy: &CostPolicy) -> Vec<(String, Option<DayRestated>)> {
    let facts = [fact("2026-11-12", "600", &[("identity", "ana")]), fact("2026-11-12", "50", &[("identity", "bo")])];
    let budgets = [Budget {
        rule,
        window,
        amount: decimal("500"),
        thresholds: vec![100],
        forecast: Vec::new(),
        overrides: Overrides::default(),
        overrides_file: None,
    }];
    let moves = [
        moved("ana", Category::Usage, "424.64", "600"),
        moved("", Category::Refund, "0", "-90"),
        Restated { currency: "EUR".to_owned(), ..moved("ana", Category::Usage, "1", "2") },
        Restated { day: "2026-11-11".parse().unwrap(), ..moved("ana", Category::Usage, "1", "2") },
    ];
    let found = budget::foretold(&budgets, &table(&facts).rows(), policy, &DataSpan::default(), day()).unwrap();
    let of = |measured: &Measurement| DayRestated::of(measured, &moves, policy).unwrap();
    found.iter().map(|measured| (measured.member.clone().unwrap_or_default(), of(measured))).collect()
}

#[test]
fn the_history_tells_what_a_rules_day_was_where_it_knows_whose_spend_it_is() {
    let (policy, by) = (CostPolicy::default(), decimal("175.36"));
    let known = |from: &str| Some(DayRestated { from: Some(decimal(from)), by });
    let unknown = Some(DayRestated { from: None, by });
    let of_all = restated(Rule::new("all"), WindowKind::Day, &policy);
    assert_eq!(of_all, [(String::new(), known("474.64"))]);
    let mut each = Rule::new("each");
    each.each = Some("identity".parse().unwrap());
    let of_each = restated(each.clone(), WindowKind::Day, &policy);
    assert_eq!(of_each, [("ana".to_owned(), known("424.64")), ("bo".to_owned(), None)]);
    let mut narrow = each.clone();
    narrow.matches = vec![Matcher::new("identity".parse().unwrap(), "*")];
    assert_eq!(
        restated(narrow, WindowKind::Day, &policy).first().unwrap().1,
        unknown,
        "what a rule is narrowed to is not in the history"
    );
    each.each = Some("model".parse().unwrap());
    assert_eq!(restated(each.clone(), WindowKind::Day, &policy), [("(none)".to_owned(), unknown)]);
    assert_eq!(restated(each.clone(), WindowKind::Month, &policy)[0].1, None, "it is of more than the day");
    let net = CostPolicy { basis: Basis::NetUnblended, ..policy };
    assert_eq!(restated(each, WindowKind::Day, &net)[0].1, None, "the history keeps unblended cost");
}
