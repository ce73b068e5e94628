use proptest::prelude::*;

use super::*;
use crate::fixtures::{assert_golden, decimal, fact};
use crate::text::{SUBJECT_LENGTH, WIDTH, columns};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A named caller's fact.
fn named(day: &str, cost: &str, identity: &str, model: &str, team: &str) -> Fact {
    fact(day, cost, &[("identity", identity), ("identity_kind", "sso"), ("model", model), ("iamPrincipal/team", team)])
}

/// A fact that names nobody.
fn nameless(day: &str, cost: &str, category: &str, reason: &str) -> Fact {
    fact(day, cost, &[("identity_kind", "none"), ("category", category), ("unattributed_reason", reason)])
}

fn month() -> Vec<Fact> {
    let mut facts = vec![
        named("2026-11-03", "4000.005", "dana@example.com", "claude-opus-4.5", "search"),
        named("2026-11-19", "1200.1", "dana@example.com", "claude-sonnet-4.6", "search"),
        named("2026-11-04", "900.25", "role/batch-summaries@111122223333", "nova-pro", "ads"),
        named("2026-11-05", "0.004", "user/alice@111122223333", "nova-micro", ""),
        nameless("2026-11-06", "300.5", "usage", "feature-not-covered"),
        nameless("2026-11-07", "12.25", "usage", "caller-not-recorded"),
        nameless("2026-11-08", "-99.999999999999999999", "discount", "not-usage"),
        nameless("2026-11-01", "-50", "credit", "not-usage"),
        nameless("2026-11-01", "-1.25", "refund", "not-usage"),
        nameless("2026-11-01", "10", "fee", "not-usage"),
        nameless("2026-11-01", "412.333333333333333333", "tax", "not-usage"),
    ];
    for index in 0..12 {
        let day = format!("2026-11-{:02}", index + 1);
        facts.push(named(&day, "10", &format!("role/job-{index:02}@111122223333"), "titan-embed", "batch"));
    }
    facts
}

fn digest<'a>(facts: &'a [&'a Fact], policy: &'a CostPolicy) -> Digest<'a> {
    Digest {
        period: "2026-11".parse().unwrap(),
        facts,
        policy,
        showback_tag: Some("iamPrincipal/team"),
        data: DataStatus { as_of: Some(at("2026-11-20T23:00:00Z")), unverified: false, closed: false },
        warnings: DigestWarnings::default(),
        now: at("2026-11-21T06:00:00Z"),
    }
}

fn assert_well_formed(text: &Text) {
    assert!(text.subject.len() <= SUBJECT_LENGTH && text.subject.is_ascii(), "{}", text.subject);
    for line in text.body.lines() {
        assert!(columns(line) <= WIDTH && !line.ends_with(' '), "{line}");
        assert!(line.chars().all(|character| !character.is_control()), "{line:?}");
    }
}

fn golden(name: &str, text: &Text) {
    assert_well_formed(text);
    assert_golden("digest_text", name, &format!("Subject: {}\n\n{}", text.subject, text.body));
}

#[test]
fn a_normal_month() {
    let facts = month();
    let facts: Vec<_> = facts.iter().collect();
    golden("normal_month", &digest(&facts, &CostPolicy::default()).text().unwrap());
}

#[test]
fn two_currencies_stand_apart() {
    let mut facts = month();
    facts.push(fact(
        "2026-11-02",
        "77.5",
        &[("currency", "CNY"), ("identity", "li@example.cn"), ("identity_kind", "sso")],
    ));
    facts.push(fact("2026-11-02", "4.65", &[("currency", "CNY"), ("category", "tax"), ("identity_kind", "none")]));
    let facts: Vec<_> = facts.iter().collect();
    golden("two_currencies", &digest(&facts, &CostPolicy::default()).text().unwrap());
}

#[test]
fn an_export_without_principals_is_warned_of() {
    let facts = [
        nameless("2026-11-06", "300.5", "usage", "no-principal-column"),
        nameless("2026-11-07", "12.25", "usage", "no-principal-column"),
    ];
    let facts: Vec<_> = facts.iter().collect();
    let warnings = DigestWarnings {
        exports_without_principals: BTreeSet::from(["finops--0a1b2c3d".to_owned()]),
        unknown_usage_rows: 3,
        rows_without_cost: 1,
        rows_by_principal_alone: 0,
    };
    let policy = CostPolicy::default();
    let mut digest = Digest { warnings, ..digest(&facts, &policy) };
    digest.data.unverified = true;
    golden("no_principal_column", &digest.text().unwrap());
}

#[test]
fn an_empty_month_says_so() {
    let policy = CostPolicy::default();
    let mut digest = digest(&[], &policy);
    digest.data.as_of = None;
    golden("empty_month", &digest.text().unwrap());
}

#[test]
fn a_month_of_taxes_alone_attributes_nothing() {
    let tax = nameless("2026-11-01", "4.65", "tax", "not-usage");
    let text = digest(&[&tax], &CostPolicy::default()).text().unwrap();
    assert_eq!(text.subject, "$0.00: Amazon Bedrock, Nov 2026 month to date");
    assert!(text.body.contains("Attributed  there is no usage\n"), "{}", text.body);
}

#[test]
fn a_closed_month_has_no_provisional_days() {
    let facts = month();
    let facts: Vec<_> = facts.iter().collect();
    let policy = CostPolicy { basis: Basis::NetUnblended, count: vec![Category::Usage] };
    let mut digest = digest(&facts, &policy);
    digest.data = DataStatus { as_of: Some(at("2026-12-01T00:00:00Z")), unverified: false, closed: true };
    digest.now = at("2026-12-21T00:00:00Z");
    golden("closed_month", &digest.text().unwrap());
}

/// The numbers of the line that reconciles: the terms and what they are said to be together.
fn reconciled(text: &Text) -> (Vec<Decimal>, Decimal) {
    let line: Vec<_> =
        text.body.lines().skip_while(|line| !line.starts_with("The bill")).take(6).map(str::trim).collect();
    let line = line.join(" ");
    let line = line.split(", the Bedrock").next().unwrap();
    let (terms, sum) = line.trim_start_matches("The bill").split_once(" = ").unwrap();
    let terms = terms.split(" + ").map(|term| decimal(term.rsplit(' ').next().unwrap())).collect();
    (terms, decimal(sum.split(' ').next().unwrap()))
}

#[test]
fn the_bill_reconciles_exactly() {
    let facts = month();
    let facts: Vec<_> = facts.iter().collect();
    let (terms, sum) = reconciled(&digest(&facts, &CostPolicy::default()).text().unwrap());
    let bill = facts.iter().try_fold(Decimal::ZERO, |sum, fact| sum.checked_add(fact.measures.unblended_cost)).unwrap();
    assert_eq!(sum, bill);
    assert_eq!(terms.iter().try_fold(Decimal::ZERO, |sum, term| sum.checked_add(*term)), Some(bill));
    assert_eq!(terms.len(), 6, "spend, credits, refunds, fees, tax, other");
}

proptest! {
    #[test]
    fn every_digest_is_well_formed_and_reconciles(
        rows in proptest::collection::vec((".{0,80}", ".{0,80}", 0_usize..7, any::<i32>(), 1_u32..30), 1..40),
        tag in ".{1,60}",
    ) {
        let facts: Vec<_> = rows.iter().map(|(identity, tag_value, category, cost, day)| {
            let cost = Decimal::from_units(i128::from(*cost) * 1_000_000_000_007).unwrap().to_string();
            let kind = if identity.is_empty() { "none" } else { "sso" };
            let mut fact = fact(&format!("2026-11-{day:02}"), &cost, &[
                ("identity", identity), ("identity_kind", kind), ("category", Category::ALL[*category].as_str()),
            ]);
            fact.key.tags = std::sync::Arc::new([(tag.as_str().into(), tag_value.as_str().into())].into());
            fact
        }).collect();
        let facts: Vec<_> = facts.iter().collect();
        let policy = CostPolicy::default();
        let text = Digest { showback_tag: Some(&tag), ..digest(&facts, &policy) }.text().unwrap();
        assert_well_formed(&text);
        let (terms, sum) = reconciled(&text);
        prop_assert_eq!(terms.iter().try_fold(Decimal::ZERO, |sum, term| sum.checked_add(*term)), Some(sum));
    }
}
