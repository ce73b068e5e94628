//! What must not be missing from the first screen: up to when the change goes, what is large behind it, the month
//! before, and what was restated of months that people have posted.

use super::*;

fn line<'a>(body: &'a str, label: &str) -> Option<&'a str> {
    body.lines().find(|line| line.starts_with(label))
}

/// A line with those that continue it.
fn paragraph(body: &str, label: &str) -> String {
    let mut lines = body.lines().skip_while(|line| !line.starts_with(label));
    let first = lines.next().unwrap_or_default();
    let rest = lines.take_while(|line| line.starts_with("            ")).map(str::trim_start);
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_change_says_its_last_day_however_large_it_is() {
    for cost in ["0.01", "400", "71234.56", "9123456.78", "812345678.9", "91234567890.12"] {
        for model in ["claude-opus-4.5", "claude-sonnet-4.6"] {
            let mut given = Given::weekly();
            given.facts.push(named("2026-11-14", cost, "dana@example.com", model, "search"));
            given.facts.push(named("2026-11-15", cost, "role/late@111122223333", model, "search"));
            let body = given.text().body;
            let change = line(&body, "Change").unwrap();
            assert!(change.contains(" in 7 days to 16 Nov"), "{change}");
            assert!(!body.lines().nth(2).unwrap().starts_with(' '), "it is one line: {body}");
        }
    }
}

#[test]
fn terms_are_shortened_before_the_date_is() {
    let body = Given::weekly().text().body;
    let told = "Change      +$651 in 7 days to 16 Nov: more tokens +$562, not in tokens -$288";
    assert_eq!(line(&body, "Change"), Some(told));
    let mut given = Given::weekly();
    given.facts.push(named("2026-11-14", "812345678.9", "dana@example.com", "claude-sonnet-4.6", "search"));
    let told = "Change      +$812,346,330.25 in 7 days to 16 Nov: more tokens +$812,346,240.40";
    assert_eq!(line(&given.text().body, "Change"), Some(told));
}

/// A month in which an agent uses little every day.
fn with_agent() -> Given {
    let mut given = Given::weekly();
    given.facts.extend(daily("2026-11-01", "2026-11-19", "20", "role/agent-exec@111122223333", "search"));
    given
}

#[test]
fn a_runaway_behind_the_days_that_are_compared_is_told_beside_them() {
    let mut given = with_agent();
    assert_eq!(given.figures().currencies[0].left_out.as_ref().unwrap().callers, []);
    assert_eq!(line(&given.text().body, "Left out"), None);
    given.facts.push(named("2026-11-17", "1211.2", "role/agent-exec@111122223333", "nova-pro", "search"));
    let text = given.text();
    assert_well_formed(&text);
    assert_eq!(
        paragraph(&text.body, "Left out"),
        "Left out    of the change: 17 to 19 Nov, $1,834.90, with $1,231.20 of role/agent-exec@111122223333 on 17 Nov \
         (highest day compared: $20.00)"
    );
    let place = text.body.lines().position(|line| line.starts_with("Left out")).unwrap();
    assert!(place < 14, "it is on the first screen: {}", text.body);
    given.facts.push(named("2026-11-18", "900", "role/other@111122223333", "nova-pro", "search"));
    let told = paragraph(&given.text().body, "Left out");
    assert!(told.ends_with("(highest day compared: $20.00); 1 caller more like that"), "{told}");
}

#[test]
fn what_a_caller_spends_on_some_day_of_every_week_is_nothing_large() {
    let mut given = with_agent();
    for day in ["2026-11-03", "2026-11-10", "2026-11-17"] {
        given.facts.push(named(day, "1211.2", "role/weekly-batch@111122223333", "nova-pro", "search"));
    }
    assert_eq!(line(&given.text().body, "Left out"), None);
}

#[test]
fn nobody_named_can_be_left_out_too() {
    let mut given = with_agent();
    given.facts.push(nameless("2026-11-19", "5000", "usage", "caller-not-recorded"));
    let told = paragraph(&given.text().body, "Left out");
    assert!(told.contains("of what names no caller on 19 Nov (highest day compared: $"), "{told}");
}

#[test]
fn large_is_a_tenth_of_what_the_later_days_cost() {
    let left_out = |cost: &str| {
        let mut given = Given::weekly();
        given.facts = daily("2026-11-01", "2026-11-19", "100", "dana@example.com", "search");
        given.facts.retain(|fact| fact.key.get(crate::facts::fact::FactField::Category) == "usage");
        given.facts.push(named("2026-11-18", cost, "role/new@111122223333", "nova-pro", "search"));
        given.figures().currencies[0].left_out.clone().unwrap()
    };
    assert_eq!(left_out("69.99").callers, []);
    let found = left_out("70");
    assert_eq!(found.callers[0].identity, "role/new@111122223333");
    assert_eq!((found.callers[0].compared, found.spend), (Decimal::ZERO, decimal("370")));
    assert_eq!((found.first, found.last), (date("2026-11-17"), date("2026-11-19")));
}

#[test]
fn a_month_s_digest_leaves_out_nothing_of_the_next_month() {
    let mut given = Given::monthly(DigestKind::Close);
    given.earlier_facts.push(named("2026-11-03", "9999", "role/agent-exec@111122223333", "nova-pro", "search"));
    assert_eq!(given.figures().currencies[0].left_out, None);
}

/// The Monday after a month has ended.
fn second_of_november(before_is_open: bool) -> Given {
    Given {
        facts: daily("2026-11-01", "2026-11-01", "60", "dana@example.com", "search"),
        windows: Windows::weeks(date("2026-10-29")),
        before_is_open,
        restated: Vec::new(),
        budgets: Vec::new(),
        mutes: Vec::new(),
        data: DataStatus { as_of: Some(at("2026-11-02T00:00:00Z")), ..DataStatus::default() },
        now: "2026-11-02T08:00:00Z",
        ..Given::weekly()
    }
}

#[test]
fn the_first_monday_of_a_month() {
    golden("first_monday", &second_of_november(true).text());
}

#[test]
fn the_month_before_is_told_until_it_has_closed() {
    let open = second_of_november(true);
    assert_eq!(line(&open.text().body, "Not closed"), Some("Not closed  October 2026: $4,282.92"));
    assert_eq!(line(&second_of_november(false).text().body, "Not closed"), None);
    let close = Given::monthly(DigestKind::Close).figures().currencies[0].totals.spend;
    assert_eq!(open.figures().open_month.unwrap().spend["USD"], close, "what October's own digest says");
    let yuan = fact("2026-10-02", "7", &[("currency", "CNY"), ("identity", "li"), ("owner", "shanghai")]);
    let two = Given { earlier_facts: [october(), vec![yuan]].concat(), ..second_of_november(true) };
    assert_eq!(line(&two.text().body, "Not closed"), Some("Not closed  October 2026: $4,282.92 and CNY 7.00"));
    let nothing = Given { earlier_facts: Vec::new(), ..second_of_november(true) };
    assert_eq!(line(&nothing.text().body, "Not closed"), None, "it has no line items");
}

#[test]
fn what_was_restated_after_close_is_in_the_subject_and_behind_the_six_lines() {
    let mut given = Given::weekly();
    given.restated = vec![restated("2026-10-05", "dana@example.com", "usage", "180")];
    let text = given.text();
    assert_eq!(
        text.subject,
        "Restated after close: Oct 2026 by +$180.00; $4,148.60: Amazon Bedrock, Nov 2026 month to date"
    );
    assert_eq!(text.body.lines().nth(6), Some("Restated    after close: Oct 2026 by +$180.00"));
    given.restated = vec![restated("2026-11-05", "dana@example.com", "usage", "180")];
    let text = given.text();
    assert!(!text.subject.contains("estated"), "an open month is restated every day: {}", text.subject);
    assert_eq!(line(&text.body, "Restated    "), None);
}

#[test]
fn closed_months_that_moved_within_and_many_of_them_are_told_too() {
    let mut given = Given::weekly();
    given.restated = vec![
        restated("2026-10-05", "dana@example.com", "usage", "180"),
        restated("2026-10-05", "role/other@111122223333", "usage", "-180"),
    ];
    let text = given.text();
    assert!(text.subject.starts_with("Restated after close: Oct 2026, its sum unchanged; $"), "{}", text.subject);
    given.restated.extend(["2026-07-05", "2026-08-05", "2026-09-05"].map(|day| restated(day, "dana", "usage", "1")));
    let text = given.text();
    assert_well_formed(&text);
    let told = "Restated    after close: Jul 2026 by +$1.00 and Aug 2026 by +$1.00, and 2 more";
    assert_eq!(line(&text.body, "Restated    "), Some(told));
}

#[test]
fn no_budget_of_a_closed_month_is_at_risk() {
    let told = |kind, amount: &str| {
        let given = Given { budgets: vec![budget("everything", None, amount)], ..Given::monthly(kind) };
        (given.figures().budgets.len(), paragraph(&given.text().body, "Forecast"))
    };
    // Of October 4,282.92 was spent.
    let (budgets, forecast) = told(DigestKind::Close, "4800");
    assert_eq!(budgets, 0);
    assert!(forecast.ends_with("the one budget was kept"), "{forecast}");
    let (budgets, forecast) = told(DigestKind::Close, "4000");
    assert_eq!(budgets, 1);
    assert!(forecast.ends_with("the one budget was not kept"), "{forecast}");
    let (budgets, forecast) = told(DigestKind::Preliminary, "4800");
    assert_eq!(budgets, 1);
    assert!(forecast.ends_with("the one budget is at risk"), "{forecast}");
}
