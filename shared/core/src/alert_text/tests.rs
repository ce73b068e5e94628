use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::budget::Severity;
use crate::fixtures::{assert_golden, decimal};
use crate::text::columns;

const DANA: &str = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_PowerUser_0123456789abcdef/Dana@example.com";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn driver(identity: &str, kind: &str, principal: &str) -> Driver {
    Driver {
        identity: identity.to_owned(),
        identity_kind: kind.to_owned(),
        spent: decimal("1902.1"),
        principal: principal.to_owned(),
        model: "claude-opus-4.5".to_owned(),
        model_spent: decimal("1700"),
    }
}

/// A team's budget at 101 %, of which Dana spent most, on 17 November.
fn team() -> Measurement {
    let days = (1..=20).map(|day| (day, if day == 17 { "1204.11" } else { "64.584736842105263158" }));
    Measurement {
        rule: "search".to_owned(),
        member: None,
        each: None,
        scope: "tag:iamPrincipal/team = search*".to_owned(),
        currency: "USD".to_owned(),
        window: "2026-11".parse().unwrap(),
        spent: decimal("2431.2"),
        amount: decimal("2400"),
        crossed: vec![50, 80, 100],
        severity: Severity::Page,
        owner: Some("search-oncall".to_owned()),
        runbook: Some("https://wiki.example.com/bedrock-budget".to_owned()),
        days: days.map(|(day, spent)| (format!("2026-11-{day:02}").parse().unwrap(), decimal(spent))).collect(),
        driver: Some(driver("dana@example.com", "sso", DANA)),
        other_currencies: BTreeMap::new(),
    }
}

/// The budget of one member.
fn member() -> Measurement {
    Measurement {
        rule: "people".to_owned(),
        member: Some("role/batch-summaries@111122223333".to_owned()),
        each: Some("identity".parse().unwrap()),
        scope: String::new(),
        owner: None,
        runbook: None,
        severity: Severity::Notice,
        driver: Some(driver(
            "role/batch-summaries@111122223333",
            "role",
            "arn:aws:sts::111122223333:assumed-role/batch-summaries/i-0abc1234",
        )),
        ..team()
    }
}

/// Settled up to the end of 20 November.
fn settled() -> DataStatus {
    DataStatus { as_of: Some(at("2026-11-24T00:00:00Z")), unverified: false, closed: false }
}

fn alert<'a>(
    measurement: &'a Measurement,
    fired: &'a [u32],
    data: DataStatus,
    policy: &'a CostPolicy,
) -> BudgetAlert<'a> {
    let alert_id = "search:-:USD:2026-11-01:budget:100:2400:1";
    BudgetAlert { measurement, fired, data, policy, alert_id, now: at("2026-11-24T03:00:00Z") }
}

fn golden(name: &str, text: &Text) {
    assert_well_formed(text, BODY_LINES);
    assert_golden("alert_text", name, &format!("Subject: {}\n\n{}", text.subject, text.body));
}

fn assert_well_formed(text: &Text, lines: usize) {
    assert!(text.subject.len() <= SUBJECT_LENGTH && text.subject.is_ascii(), "{}", text.subject);
    assert!(!text.subject.contains("arn:"), "{}", text.subject);
    assert!(text.body.lines().count() <= lines, "{}", text.body);
    for line in text.body.lines() {
        assert!(columns(line) <= WIDTH || line.starts_with("https://"), "{line}");
        assert!(line.chars().all(|character| !character.is_control()), "{line:?}");
    }
}

#[test]
fn one_threshold() {
    golden("one_threshold", &alert(&team(), &[100], settled(), &CostPolicy::default()).text());
}

#[test]
fn several_thresholds_at_once_are_one_message() {
    golden("several_thresholds", &alert(&team(), &[50, 80, 100], settled(), &CostPolicy::default()).text());
}

#[test]
fn a_member_of_an_each_budget() {
    let measured = Measurement { spent: decimal("1980.005"), crossed: vec![50, 80], ..member() };
    golden("each_member", &alert(&measured, &[80], settled(), &CostPolicy::default()).text());
}

#[test]
fn unverified_data() {
    let data = DataStatus { unverified: true, ..settled() };
    golden("unverified", &alert(&team(), &[100], data, &CostPolicy::default()).text());
}

#[test]
fn provisional_days() {
    let data = DataStatus { as_of: Some(at("2026-11-20T23:00:00Z")), ..settled() };
    golden("provisional", &alert(&team(), &[100], data, &CostPolicy::default()).text());
}

#[test]
fn a_foreign_currency_stands_aside() {
    let other_currencies = BTreeMap::from([("CNY".to_owned(), decimal("22.5"))]);
    let measured = Measurement { other_currencies, ..team() };
    golden("foreign_currency", &alert(&measured, &[100], settled(), &CostPolicy::default()).text());
}

#[test]
fn a_late_delivery_of_an_ended_month() {
    let (measured, policy) = (team(), CostPolicy::default());
    let ended = DataStatus { as_of: Some(at("2026-12-01T00:00:00Z")), ..settled() };
    let late = BudgetAlert { now: at("2026-12-03T03:00:00Z"), ..alert(&measured, &[100], ended, &policy) };
    golden("late_delivery", &late.text());
}

#[test]
fn everything_at_once_keeps_within_its_lines() {
    let other_currencies = BTreeMap::from([("CNY".to_owned(), decimal("22.5")), ("EUR".to_owned(), decimal("1"))]);
    let measured = Measurement {
        member: Some("チーム東京/ads".to_owned()),
        each: Some("tag:iamPrincipal/team".parse().unwrap()),
        other_currencies,
        ..team()
    };
    let data = DataStatus { as_of: Some(at("2026-11-20T23:00:00Z")), unverified: true, closed: false };
    let net = CostPolicy { basis: Basis::NetUnblended, count: vec![crate::category::Category::Usage] };
    golden("everything", &alert(&measured, &[50, 80, 100], data, &net).text());
}

#[test]
fn the_first_evaluation_is_one_message_that_names_all() {
    let measurements = [team(), member(), Measurement { amount: decimal("3000"), ..member() }];
    let policy = CostPolicy::default();
    let first_run = FirstRunAlert {
        measurements: &measurements,
        window: "2026-11".parse().unwrap(),
        data: settled(),
        policy: &policy,
        alert_id: "first-run:2026-11-01:1",
        now: at("2026-11-24T03:00:00Z"),
    };
    golden("first_run", &first_run.text());
}

#[test]
fn the_way_to_stop_fits_the_kind_of_identity() {
    let mut advice = String::new();
    for (kind, principal) in [
        ("user", "arn:aws:iam::111122223333:user/division/bob"),
        ("role", "arn:aws:sts::111122223333:assumed-role/app/i-0abc1234"),
        ("sso", DANA),
        ("federated", "arn:aws:sts::111122223333:assumed-role/Okta/erin@example.com"),
        ("federated", "arn:aws:sts::111122223333:federated-user/Sam"),
        ("api-key", "arn:aws:iam::111122223333:user/BedrockAPIKey-a1b2"),
        ("root", "arn:aws:iam::111122223333:root"),
        ("other", "bedrock.amazonaws.com"),
        ("none", ""),
    ] {
        let driver = driver("any", kind, principal);
        advice += &[kind, ": ", &advice::stop(&driver), "\n  ", &advice::cloudtrail(&driver), "\n"].concat();
    }
    assert_golden("alert_text", "advice", &advice);
}

#[test]
fn all_thresholds_are_named_unless_they_are_very_many() {
    assert_eq!(percents(&[80]), "80%");
    assert_eq!(percents(&[50, 80]), "50% and 80%");
    assert_eq!(percents(&[50, 60, 70, 80, 90, 100, 110]), "7 thresholds up to 110%");
}

#[test]
fn a_command_never_holds_what_a_shell_would_read() {
    let each: Dimension = "tag:iamPrincipal/$(reboot)".parse().unwrap();
    let lines = look_closer("2026-11".parse().unwrap(), Some(&each), &CostPolicy::default());
    assert!(lines.iter().all(|line| !line.contains("reboot")), "{lines:?}");
}

proptest! {
    #[test]
    fn whatever_names_hold_an_alert_is_well_formed(
        texts in proptest::collection::vec(".{0,120}", 8),
        path in proptest::collection::vec("[A-Za-z0-9_+=,.@-]{2,64}", 2),
        kind in proptest::sample::select(vec!["user", "role", "sso", "federated", "api-key", "root", "other", "none"]),
        account in "[0-9]{12}",
        thresholds in proptest::collection::vec(1_u32..=u32::MAX, 1..12),
        amount in 1_i64..=i64::MAX,
    ) {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap();
        let arn = match kind {
            "none" => String::new(),
            "other" => next(),
            _ => format!("arn:aws:sts::{account}:assumed-role/{}/{}", path[0], path[1]),
        };
        let measured = Measurement {
            rule: next(),
            member: Some(next()),
            each: Some(Dimension::Tag(next())),
            scope: next(),
            owner: Some(next()),
            runbook: None,
            currency: "QQQ".to_owned(),
            amount: Decimal::from_integer(amount),
            spent: Decimal::from_integer(amount),
            driver: Some(driver(&next(), kind, &arn)),
            other_currencies: BTreeMap::from([("CNY".to_owned(), Decimal::from_integer(amount))]),
            ..team()
        };
        let data = DataStatus { as_of: Some(at("2026-11-20T23:00:00Z")), unverified: true, closed: false };
        let id = next();
        let policy = CostPolicy::default();
        let alert = BudgetAlert { alert_id: &id, ..alert(&measured, &thresholds, data, &policy) };
        assert_well_formed(&alert.text(), BODY_LINES);
        let first_run = FirstRunAlert {
            measurements: &[measured.clone(), team()], window: measured.window, data, policy: &policy, alert_id: &id, now: alert.now,
        };
        assert_well_formed(&first_run.text(), 40);
    }
}
