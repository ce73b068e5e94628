//! That what was told is true no more.

use super::*;
use crate::calendar::period::BillingPeriod;
use crate::messages::alert::resolved::{ResolvedAlert, Why};
use crate::messages::alert::summary::ResolvedSummary;

pub(super) fn resolved<'a>(
    undone: &'a [String],
    measured: Option<&'a Measurement>,
    kind: Kind,
    why: Why,
) -> ResolvedAlert<'a> {
    ResolvedAlert {
        rule: "search",
        member: None,
        kind,
        window: measured.map_or("2026-11".parse::<BillingPeriod>().unwrap().into(), |measured| measured.window),
        currency: "USD",
        measured,
        was: Some(decimal("2431.2")),
        amount: measured.map_or(decimal("2400"), |measured| measured.amount),
        undone,
        still: None,
        why,
        owner: Some("search-oncall"),
        told_at: at("2026-11-20T06:30:00Z"),
        data: settled(),
        known_since: Some(at("2026-11-24T02:40:00Z")),
        alert_id: "search:-:USD:2026-11-01:budget:100:2400:1",
        now: at("2026-11-24T03:00:00Z"),
    }
}

#[test]
fn what_is_true_no_more_is_said() {
    let both = names(&[80, 100]);
    let less = Measurement { spent: decimal("1831.2"), ..team() };
    golden("resolved", &resolved(&both, Some(&less), Kind::Budget, Why::Restated).text());
    let updated = ResolvedAlert { still: Some("50"), ..resolved(&both, Some(&less), Kind::Budget, Why::Restated) };
    golden("updated", &updated.text());
    let outlook = Outlook::Forecast(Forecast {
        expected: decimal("1920"),
        low: decimal("1800"),
        high: decimal("2050"),
        settled_days: 48,
    });
    let slower = Measurement { detail: Detail::Forecast(outlook), spent: decimal("1702"), ..team() };
    golden("receded", &resolved(&both, Some(&slower), Kind::Forecast, Why::Receded).text());
    let spike = ["spike".to_owned()];
    let gone = ResolvedAlert { member: Some("Search"), ..resolved(&both, None, Kind::Budget, Why::Restated) };
    golden("gone", &gone.text());
    // A rule that was taken out says nothing of what is spent.
    let text = ResolvedAlert { why: Why::Changed, ..gone }.text();
    assert!(text.subject.starts_with("Rule changed, resolved: "), "{}", text.subject);
    assert!(text.body.starts_with("The configuration no longer has this rule or threshold"), "{}", text.body);
    assert!(!text.body.contains("no spend"), "{}", text.body);
    let ordinary = |shape| {
        let detail = Detail::Anomaly { shape, usual: decimal("64.58"), limit: decimal("129.16"), past_days: 28 };
        Measurement { spent: decimal("71.2"), ..day_of(detail, "spike") }
    };
    golden("resolved_anomaly", &resolved(&spike, Some(&ordinary(Shape::Spike)), Kind::Anomaly, Why::Restated).text());
    let new = ["new".to_owned()];
    golden("resolved_new", &resolved(&new, Some(&ordinary(Shape::New)), Kind::Anomaly, Why::Restated).text());
}

#[test]
fn a_rise_that_is_none_any_more_is_said_with_what_it_is_compared_with() {
    let percent = names(&[50]);
    let delta =
        |against, before: &str| Detail::Delta { against, before: decimal(before), rise_percent: 50, is_new: false };
    let month =
        Measurement { detail: delta(Against::Month, "900"), spent: decimal("1080"), amount: decimal("100"), ..team() };
    golden("receded_month", &resolved(&percent, Some(&month), Kind::Delta, Why::Receded).text());
    let day = Measurement { spent: decimal("90"), ..day_of(delta(Against::Weekday, "50"), "50") };
    golden("resolved_delta", &resolved(&percent, Some(&day), Kind::Delta, Why::Restated).text());
}

#[test]
fn what_was_given_an_owner_is_said() {
    let lack = Lack::Tag("iamPrincipal/team".to_owned());
    let detail = Detail::Hygiene { lack, whole: decimal("1000"), percent: 10, spelt: None };
    let less = Measurement { detail, spent: decimal("50"), amount: decimal("100"), ..team() };
    golden("receded_hygiene", &resolved(&names(&[10]), Some(&less), Kind::Hygiene, Why::Receded).text());
}

#[test]
fn more_that_is_true_no_more_than_a_run_sends_is_one_message() {
    let subjects = ["$12.00 of $100.00, resolved: a, budget people, Nov 2026", "$8.00, resolved: anomaly odd, 15 Nov"];
    golden(
        "too_many_resolved",
        &ResolvedSummary { subjects: &subjects, alert_id: "too-many-resolved:2026-11-01:1" }.text(),
    );
}
