use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::bill::principal::IdentityKind;
use crate::calendar::window::Window;
use crate::facts::dimension::Dimension;
use crate::facts::people::Roles;
use crate::facts::spend::Basis;
use crate::fixtures::{assert_golden, decimal};
use crate::forecast::Forecast;
use crate::messages::alert::lines::BODY_LINES;
use crate::messages::alert::parts::owner;
use crate::messages::alert::resolved::{ResolvedAlert, Why};
use crate::messages::alert::summary::{SummaryAlert, SummaryReason};
use crate::messages::alert::trial::TestAlert;
use crate::rules::driver::Rise;
use crate::rules::finding::{Against, Lack, Level, Shape, Verdict};
use crate::rules::rule::{Kind, Severity};
use crate::text::{SUBJECT_LENGTH, columns};

mod old_days;
mod resolved;

use resolved::resolved;

const DANA: &str = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_PowerUser_0123456789abcdef/Dana@example.com";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn driver(identity: &str, kind: &str, principal: &str) -> Driver {
    Driver {
        identity: identity.to_owned(),
        identity_kind: IdentityKind::of(kind),
        spent: decimal("1902.1"),
        principal: principal.to_owned(),
        roles: Roles::of(IdentityKind::of(kind), std::iter::once((principal, decimal("1902.1")))).unwrap(),
        model: "claude-opus-4.5".to_owned(),
        model_spent: decimal("1700"),
        token: "output".to_owned(),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        rise: Some(Rise {
            since: "2026-11-17".parse().unwrap(),
            until: "2026-11-17".parse().unwrap(),
            by: decimal("1139.53"),
            usual: decimal("64.58"),
        }),
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
        selects: vec!["tag:iamPrincipal/team=search*".to_owned()],
        currency: "USD".to_owned(),
        window: "2026-11".parse::<crate::calendar::period::BillingPeriod>().unwrap().into(),
        day: None,
        spent: decimal("2431.2"),
        covered: ("2026-11-01".parse().unwrap(), "2026-11-30".parse().unwrap()),
        amount: decimal("2400"),
        detail: Detail::Budget(Some(Outlook::Forecast(Forecast {
            expected: decimal("3120"),
            low: decimal("2950.5"),
            high: decimal("3391.2"),
            settled_days: 48,
        }))),
        levels: vec![Level { name: "100".to_owned(), amount: decimal("2400"), verdict: Verdict::Crossed }],
        through: None,
        severity: Severity::Page,
        owner: Some("search-oncall".to_owned()),
        is_owner_of_spend: false,
        unlisted_owner: None,
        later: Vec::new(),
        restated: None,
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
        selects: vec!["identity=role/batch-summaries@111122223333".to_owned()],
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

fn alert<'a>(measurement: &'a Measurement, fired: &'a [String], data: DataStatus, policy: &'a CostPolicy) -> Alert<'a> {
    let alert_id = "search:-:USD:2026-11-01:budget:100:2400:1";
    let known_since = Some(at("2026-11-24T02:40:00Z"));
    let folded = Folded::default();
    Alert { measurement, fired, data, known_since, folded, policy, alert_id, now: at("2026-11-24T03:00:00Z") }
}

fn names(percents: &[u32]) -> Vec<String> {
    percents.iter().map(ToString::to_string).collect()
}

fn golden(name: &str, text: &Text) {
    assert_well_formed(text, BODY_LINES);
    assert_golden("messages/alert", name, &format!("Subject: {}\n\n{}", text.subject, text.body));
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
    golden("one_threshold", &alert(&team(), &names(&[100]), settled(), &CostPolicy::default()).text());
}

#[test]
fn several_thresholds_at_once_are_one_message() {
    golden("several_thresholds", &alert(&team(), &names(&[50, 80, 100]), settled(), &CostPolicy::default()).text());
}

#[test]
fn a_member_of_an_each_budget() {
    let measured = Measurement { spent: decimal("1980.005"), ..member() };
    golden("each_member", &alert(&measured, &names(&[80]), settled(), &CostPolicy::default()).text());
}

#[test]
fn unverified_data() {
    let data = DataStatus { unverified: true, ..settled() };
    golden("unverified", &alert(&team(), &names(&[100]), data, &CostPolicy::default()).text());
}

#[test]
fn provisional_days() {
    let data = DataStatus { as_of: Some(at("2026-11-20T23:00:00Z")), ..settled() };
    golden("provisional", &alert(&team(), &names(&[100]), data, &CostPolicy::default()).text());
}

#[test]
fn a_foreign_currency_stands_aside() {
    let other_currencies = BTreeMap::from([("CNY".to_owned(), decimal("22.5"))]);
    let measured = Measurement { other_currencies, ..team() };
    golden("foreign_currency", &alert(&measured, &names(&[100]), settled(), &CostPolicy::default()).text());
}

#[test]
fn a_late_delivery_of_an_ended_month() {
    let (measured, policy, fired) = (team(), CostPolicy::default(), names(&[100]));
    let ended = DataStatus { as_of: Some(at("2026-12-01T00:00:00Z")), ..settled() };
    let late = Alert { now: at("2026-12-03T03:00:00Z"), ..alert(&measured, &fired, ended, &policy) };
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
    let net = CostPolicy { basis: Basis::NetUnblended, count: vec![crate::bill::category::Category::Usage] };
    golden("everything", &alert(&measured, &names(&[50, 80, 100]), data, &net).text());
}

/// A day of the member of [`member`].
fn day_of(detail: Detail, level: &str) -> Measurement {
    let day = "2026-11-17".parse().unwrap();
    let levels = vec![Level { name: level.to_owned(), amount: decimal("50"), verdict: Verdict::Crossed }];
    let window = Window::of(WindowKind::Day, day);
    let member = member();
    let mut driver = member.driver.clone().unwrap();
    (driver.spent, driver.model_spent) = (decimal("1204.11"), decimal("1190"));
    let days = member
        .days
        .iter()
        .filter(|(day, _)| ("2026-11-10".parse().unwrap()..="2026-11-17".parse().unwrap()).contains(day));
    let days = days.copied().collect();
    let spent = decimal("1204.11");
    Measurement {
        rule: "odd days".to_owned(),
        window,
        day: Some(day),
        covered: (day, day),
        spent,
        amount: decimal("50"),
        detail,
        levels,
        days,
        driver: Some(driver),
        ..member
    }
}

fn of_kind(name: &str, measured: &Measurement) {
    let fired: Vec<String> = measured.levels.iter().map(|level| level.name.clone()).collect();
    let (data, policy) = (DataStatus { as_of: Some(at("2026-11-19T00:00:00Z")), ..settled() }, CostPolicy::default());
    let alert = Alert {
        now: at("2026-11-19T06:30:00Z"),
        known_since: Some(at("2026-11-19T06:00:00Z")),
        alert_id: "the-id:1",
        ..alert(measured, &fired, data, &policy)
    };
    golden(name, &alert.text());
}

#[test]
fn every_kind_of_rule_has_its_message() {
    let forecast = Measurement { detail: Detail::Forecast(outlook_of(&team())), spent: decimal("1980"), ..team() };
    of_kind("forecast", &forecast);
    let before = decimal("240");
    let delta = |against, is_new| Detail::Delta { against, before, rise_percent: 50, is_new };
    of_kind("delta_weekday", &day_of(delta(Against::Weekday, false), "50"));
    of_kind("delta_trailing", &day_of(delta(Against::Trailing, false), "50"));
    of_kind("delta_new", &day_of(delta(Against::Weekday, true), "50"));
    of_kind("delta_month", &Measurement { detail: delta(Against::Month, false), amount: decimal("100"), ..team() });
    let anomaly =
        |shape, usual: &str| Detail::Anomaly { shape, usual: decimal(usual), limit: decimal("129.16"), past_days: 28 };
    of_kind("anomaly_spike", &day_of(anomaly(Shape::Spike, "64.58"), "spike"));
    let many =
        Detail::Anomaly { shape: Shape::Runaway, usual: decimal("64.58"), limit: decimal("645.8"), past_days: 28 };
    of_kind("anomaly_runaway", &day_of(many, "runaway"));
    of_kind("anomaly_new", &day_of(anomaly(Shape::New, "0"), "new"));
    let lack = Lack::Tag("iamPrincipal/team".to_owned());
    let hygiene = Detail::Hygiene { lack, whole: decimal("9876.54"), percent: 10, spelt: None };
    of_kind("hygiene", &Measurement { detail: hygiene, amount: decimal("100"), ..team() });
    let nameless = Detail::Hygiene { lack: Lack::Principal, whole: decimal("9876.54"), percent: 10, spelt: None };
    of_kind(
        "hygiene_principal",
        &Measurement { detail: nameless, driver: Some(driver("(none)", "none", "")), ..team() },
    );
    let early = Detail::Budget(Some(Outlook::TooEarly { settled_days: 3 }));
    of_kind("too_early_to_foretell", &Measurement { detail: early, ..team() });
    let week = Window::of(WindowKind::Week, "2026-11-17".parse().unwrap());
    of_kind("week", &Measurement { window: week, ..team() });
}

fn outlook_of(measured: &Measurement) -> Outlook {
    match measured.detail {
        Detail::Budget(Some(outlook)) => outlook,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn many_findings_are_one_message_that_names_them() {
    let spike =
        Detail::Anomaly { shape: Shape::Spike, usual: decimal("64.58"), limit: decimal("129.16"), past_days: 28 };
    let measurements = [team(), member(), Measurement { amount: decimal("3000"), ..member() }, day_of(spike, "spike")];
    let measurements: Vec<_> = measurements.iter().collect();
    let policy = CostPolicy::default();
    for (name, reason) in [("first_run", SummaryReason::FirstRun), ("too_many", SummaryReason::TooMany)] {
        let summary = SummaryAlert {
            reason,
            measurements: &measurements,
            data: settled(),
            known_since: Some(at("2026-11-24T02:40:00Z")),
            policy: &policy,
            alert_id: "first-run:2026-11-01:1",
            now: at("2026-11-24T03:00:00Z"),
        };
        golden(name, &summary.text());
    }
}

#[test]
fn a_window_that_is_over_is_heading_nowhere_and_nothing_of_it_is_provisional() {
    let (measured, policy, fired) = (team(), CostPolicy::default(), names(&[100]));
    let stale = DataStatus { as_of: Some(at("2026-11-20T23:00:00Z")), ..settled() };
    let late = Alert { now: at("2026-12-10T03:00:00Z"), ..alert(&measured, &fired, stale, &policy) };
    golden("over", &late.text());
}

#[test]
fn a_day_budget_says_on() {
    let day = "2026-11-30".parse().unwrap();
    let measured = Measurement {
        window: Window::of(WindowKind::Day, day),
        covered: (day, day),
        days: vec![(day, decimal("2431.2"))],
        ..team()
    };
    let (policy, fired) = (CostPolicy::default(), names(&[100]));
    let data = DataStatus { as_of: Some(at("2026-12-01T00:00:00Z")), ..settled() };
    golden("day", &Alert { now: at("2026-12-01T06:00:00Z"), ..alert(&measured, &fired, data, &policy) }.text());
}

#[test]
fn a_week_in_two_months_is_looked_at_in_both() {
    let window = Window::of(WindowKind::Week, "2026-12-02".parse().unwrap());
    let days = ["2026-11-30", "2026-12-02"].map(|day| (day.parse().unwrap(), decimal("1215.6"))).into();
    let covered = (window.first_day(), window.last_day());
    let measured = Measurement { window, covered, days, ..team() };
    let (policy, fired) = (CostPolicy::default(), names(&[100]));
    let data = DataStatus { as_of: Some(at("2026-12-03T00:00:00Z")), ..settled() };
    golden(
        "week_in_two_months",
        &Alert { now: at("2026-12-03T06:00:00Z"), ..alert(&measured, &fired, data, &policy) }.text(),
    );
}

#[test]
fn calls_without_a_tag_are_mended_and_not_stopped() {
    let mut advice = String::new();
    let app = "arn:aws:sts::111122223333:assumed-role/app/i-0abc1234";
    let bob = "arn:aws:iam::111122223333:user/division/bob";
    let team = Lack::Tag("iamPrincipal/team".to_owned());
    let env = Lack::Tag("accountTag/env".to_owned());
    for (lack, spelt, kind, principal) in [
        (&team, None, "role", app),
        (&team, None, "user", bob),
        (&team, None, "sso", DANA),
        (&team, None, "none", ""),
        (&env, None, "role", app),
        (&Lack::Principal, None, "none", ""),
        (&team, Some("iamPrincipal/Team"), "role", app),
        (&team, Some("iamPrincipal/te_am"), "user", bob),
        (&team, Some("iamPrincipal/Team"), "sso", DANA),
        (&env, Some("accountTag/Env"), "role", app),
    ] {
        let driver = driver("any", kind, principal);
        let otherwise = spelt.map_or_else(String::new, |spelt| format!(", {spelt}"));
        let mend = advice::mend(lack, spelt, Some(&driver));
        advice += &[&lack.key(), &*otherwise, ", ", kind, ": ", &mend, "\n"].concat();
    }
    assert_golden("messages/alert", "mend", &advice);
}

#[test]
fn whom_to_call_is_not_invented() {
    assert_eq!(owner(Some("search-oncall"), false), "search-oncall: call them first");
    assert_eq!(owner(Some("(none)"), false), "not known: the bill does not name one");
    assert_eq!(owner(None, false), "none: the rule names no owner");
    let of_spend = "search: owns the spend; the bill lacks the name that the rule asks for";
    assert_eq!(owner(Some("search"), true), of_spend);
    assert_eq!(owner(Some("(several)"), true), "(several): the spend has several owners");
}

#[test]
fn a_test_says_that_it_is_one() {
    golden("test", &TestAlert { alert_id: "test:2026-11-24T03:00:00Z", now: at("2026-11-24T03:00:00Z") }.text());
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
        ("role", "arn:aws:sts::111122223333:assumed-role/app/(other)"),
        ("other", "(other)"),
        ("none", ""),
    ] {
        let driver = driver("any", kind, principal);
        advice += &[kind, ": ", &advice::stop(&driver), "\n  ", &advice::cloudtrail(&driver), "\n"].concat();
    }
    assert_golden("messages/alert", "advice", &advice);
}

#[test]
fn a_person_is_told_with_the_roles_and_the_rest_with_what_it_stands_for() {
    let mut measured = team();
    let role = |account: u64, spent: &'static str| {
        let arn =
            format!("arn:aws:sts::{account}:assumed-role/AWSReservedSSO_PowerUser_0123456789abcdef/Dana@Example.com");
        (arn, decimal(spent))
    };
    let sessions = [
        role(111_122_223_333, "5"),
        role(111_122_224_444, "7"),
        role(111_122_225_555, "1"),
        role(111_122_226_666, "1"),
    ];
    let roles = Roles::of(IdentityKind::Sso, sessions.iter().map(|(arn, spent)| (arn.as_str(), *spent))).unwrap();
    measured.driver = Some(Driver { roles, ..driver("dana@example.com", "sso", DANA) });
    let (fired, policy) = (names(&[100]), CostPolicy::default());
    let text = alert(&measured, &fired, settled(), &policy).text().body;
    let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let roles = "through AWSReservedSSO_PowerUser_0123456789abcdef@111122224444 and 3 more $1,902.10";
    assert!(told.contains(roles), "{text}");
    measured.driver = Some(driver("(other)", "other", "(other)"));
    let folded = Folded { identities: 51_200, sessions: 7, tag_sets: 8 };
    let text = Alert { folded, ..alert(&measured, &fired, settled(), &policy) }.text().body;
    let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let note = "Note Identity (other) stands for 51,200 identities beyond the 50,000 largest of a month.";
    assert!(told.contains(note) && !told.contains("Session (other)"), "{text}");
    assert!(text.lines().count() <= BODY_LINES, "{text}");
}

#[test]
fn all_thresholds_are_named_unless_they_are_very_many() {
    let percents = |values: &[u32]| headline::percents(&names(values));
    assert_eq!(percents(&[80]), "80%");
    assert_eq!(percents(&[50, 80]), "50% and 80%");
    assert_eq!(percents(&[50, 60, 70, 80, 90, 100, 110]), "7 thresholds up to 110%");
}

#[test]
fn a_command_never_holds_what_a_shell_would_read() {
    let lines = |select: &str| {
        let measured = Measurement { selects: vec![select.to_owned()], ..team() };
        reproduce(&measured, &CostPolicy::default()).join("\n")
    };
    assert!(lines("identity=$(reboot)").contains("--match 'identity=$(reboot)'"));
    for hostile in ["identity=';reboot;'", "identity=\u{1b}reboot", &format!("identity={}", "reboot".repeat(20))] {
        assert!(!lines(hostile).contains("reboot"), "{hostile}");
    }
}

proptest! {
    #[test]
    fn whatever_names_hold_an_alert_is_well_formed(
        texts in proptest::collection::vec(".{0,120}", 9),
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
            selects: vec![next()],
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
        let fired = names(&thresholds);
        let alert = Alert { alert_id: &id, ..alert(&measured, &fired, data, &policy) };
        assert_well_formed(&alert.text(), BODY_LINES);
        let (reason, known_since) = (SummaryReason::FirstRun, None);
        let measurements = [&measured, &team()];
        let summary =
            SummaryAlert { reason, measurements: &measurements, data, known_since, policy: &policy, alert_id: &id, now: alert.now };
        assert_well_formed(&summary.text(), 40);
        let member = measured.member.as_deref();
        let undone = ResolvedAlert { rule: &measured.rule, member, owner: measured.owner.as_deref(), ..resolved(&fired, Some(&measured), Kind::Budget, Why::Restated) };
        assert_well_formed(&undone.text(), BODY_LINES);
    }
}
