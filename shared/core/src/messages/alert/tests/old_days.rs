//! Days that are over when they are told of: the bill has later ones.

use super::*;
use crate::messages::alert::summary::{SummaryAlert, SummaryReason};
use crate::rules::finding::DayRestated;

/// The day budget of 12 November, told on the 20th.
fn old() -> Measurement {
    let day = "2026-11-12".parse().unwrap();
    Measurement {
        window: Window::of(WindowKind::Day, day),
        covered: (day, day),
        spent: decimal("1204.11"),
        amount: decimal("500"),
        days: vec![(day, decimal("1204.11"))],
        later: later(&[(13, "31.5"), (15, "12"), (16, "40.25"), (17, "22"), (18, "18.5"), (19, "3.75")]),
        restated: Some(DayRestated { from: Some(decimal("424.64")), by: decimal("779.47") }),
        ..team()
    }
}

fn later(days: &[(u32, &str)]) -> Vec<(chrono::NaiveDate, Decimal)> {
    days.iter().map(|(day, spent)| (format!("2026-11-{day:02}").parse().unwrap(), decimal(spent))).collect()
}

fn text(measured: &Measurement, as_of: &str) -> Text {
    let (policy, fired) = (CostPolicy::default(), names(&[100]));
    let data = DataStatus { as_of: Some(at(as_of)), ..settled() };
    let known_since = Some(at("2026-11-20T06:00:00Z"));
    Alert { now: at("2026-11-20T06:30:00Z"), known_since, ..alert(measured, &fired, data, &policy) }.text()
}

fn line(text: &Text, label: &str) -> Option<String> {
    let lines = text.body.lines().skip_while(|line| !line.starts_with(label));
    let more = lines.clone().skip(1).take_while(|line| line.starts_with("            "));
    let first = lines.take(1);
    let words: Vec<_> = first.chain(more).flat_map(str::split_whitespace).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[test]
fn whether_an_old_day_is_still_on_is_said_by_the_later_ones() {
    let text = text(&old(), "2026-11-20T00:00:00Z");
    golden("old_day", &text);
    assert_eq!(line(&text, "Peak day"), None, "of one day it is that day");
    assert!(!text.body.contains("only day with spend"), "{}", text.body);
}

#[test]
fn later_days_are_told_as_far_as_the_bill_has_them() {
    let still_on = |later: Vec<_>, as_of: &str| {
        line(&text(&Measurement { later, restated: None, ..old() }, as_of), "Still on?").unwrap()
    };
    let few = later(&[(13, "31.5"), (15, "12")]);
    assert_eq!(
        still_on(few.clone(), "2026-11-13T00:00:00Z"),
        "Still on? not known: later usage is not in the bill yet"
    );
    assert_eq!(still_on(few.clone(), "2026-11-13T00:00:01Z"), "Still on? $31.50 on 13 Nov; this may still rise");
    assert_eq!(
        still_on(few, "2026-11-19T00:00:00Z"),
        "Still on? $0.00 to $31.50 a day on 13 to 18 Nov, $0.00 on the last; 16 to 18 Nov may still rise"
    );
    assert_eq!(
        still_on(Vec::new(), "2026-11-16T00:00:00Z"),
        "Still on? no spend on 13 to 15 Nov so far; this may still rise"
    );
}

#[test]
fn deltas_and_anomalies_of_old_days_are_told_with_the_later_ones_and_one_usual_value() {
    let rise = crate::rules::driver::Rise {
        since: "2026-11-17".parse().unwrap(),
        until: "2026-11-17".parse().unwrap(),
        by: decimal("1140"),
        usual: decimal("61.2"),
    };
    let spike =
        Detail::Anomaly { shape: Shape::Spike, usual: decimal("64.58"), limit: decimal("129.16"), past_days: 28 };
    let before = decimal("240");
    let delta = Detail::Delta { against: Against::Weekday, before, rise_percent: 50, is_new: false };
    for detail in [spike, delta] {
        let is_anomaly = matches!(detail, Detail::Anomaly { .. });
        let mut measured = Measurement { later: later(&[(18, "7"), (19, "9")]), ..day_of(detail, "50") };
        measured.driver.as_mut().unwrap().rise = Some(rise);
        let text = text(&measured, "2026-11-20T00:00:00Z");
        let told = "Still on? $7.00 on 18 Nov, $9.00 on 19 Nov; this may still rise";
        assert_eq!(line(&text, "Still on?").as_deref(), Some(told));
        assert_eq!(line(&text, "Peak day"), None);
        assert_eq!(text.body.matches("usual ").count(), 1, "{}", text.body);
        assert_eq!(text.body.contains("more than twice its spend on the days before"), is_anomaly);
    }
}

#[test]
fn a_change_of_everybodys_day_is_said_where_the_rules_part_is_not_known() {
    let restated = Some(DayRestated { from: None, by: decimal("-12.5") });
    let told = line(&text(&Measurement { restated, ..old() }, "2026-11-20T00:00:00Z"), "Restated");
    assert_eq!(told.as_deref(), Some("Restated this delivery changed all Bedrock spend of the day by -$12.50"));
}

#[test]
fn one_finding_of_a_first_run_is_named_in_the_subject() {
    let measured = member();
    let summary = SummaryAlert {
        reason: SummaryReason::FirstRun,
        measurements: &[&measured],
        data: settled(),
        known_since: Some(at("2026-11-24T02:40:00Z")),
        policy: &CostPolicy::default(),
        alert_id: "first-run:2026-11-01:1",
        now: at("2026-11-24T03:00:00Z"),
    };
    let text = summary.text();
    golden("first_run_of_one", &text);
    assert!(text.subject.contains("budget people") && text.subject.contains("role/batch"), "{}", text.subject);
}
