use chrono::{DateTime, NaiveDate, Utc};
use proptest::prelude::*;

use super::*;
use crate::allocation::tag_contract::TagRule;
use crate::bill::category::Category;
use crate::calendar::data_span::DataSpan;
use crate::calendar::data_status::DataStatus;
use crate::calendar::period::BillingPeriod;
use crate::calendar::window::WindowKind;
use crate::digest::Digest;
use crate::digest::figures::DigestWarnings;
use crate::facts::fact_set::FactSet;
use crate::facts::restated::Restated;
use crate::facts::spend::{Basis, CostPolicy};
use crate::fixtures::{FactRow, assert_golden, decimal, fact, table};
use crate::money::decimal::Decimal;
use crate::reporting::variance::windows::Windows;
use crate::rules::budget::{self, Budget};
use crate::rules::mute::Mute;
use crate::rules::rule::{Kind, Rule};
use crate::text::{SUBJECT_LENGTH, WIDTH, columns};

mod first_screen;
mod to_mend;

const OPTIONS: TextOptions<'static> = TextOptions { link_base: None, showback_rows: SHOWBACK_ROWS };

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A named caller's fact: 100 tokens for each cent, and twice the price for opus.
fn named(day: &str, cost: &str, identity: &str, model: &str, team: &str) -> FactRow {
    let owner = if team.is_empty() { "account/111122223333" } else { team };
    let kind = if identity.contains('@') && !identity.contains('/') { "sso" } else { "role" };
    let fields = [
        ("identity", identity),
        ("identity_kind", kind),
        ("owner", owner),
        ("account_id", "111122223333"),
        ("model", model),
        ("token_kind", "output"),
        ("tier", "on-demand"),
        ("iamPrincipal/team", team),
    ];
    let mut fact = fact(day, cost, &fields);
    let per_unit = if model.contains("opus") { 5_000 } else { 10_000 };
    fact.measures.tokens = decimal(cost).checked_mul(per_unit);
    fact
}

/// A fact that names nobody.
fn nameless(day: &str, cost: &str, category: &str, reason: &str) -> FactRow {
    let fields = [
        ("identity_kind", "none"),
        ("category", category),
        ("unattributed_reason", reason),
        ("account_id", "444455556666"),
        ("owner", "account/444455556666"),
    ];
    fact(day, cost, &fields)
}

/// The same use every day of a span, with a discount of a tenth.
fn daily(first: &str, last: &str, cost: &str, identity: &str, team: &str) -> Vec<FactRow> {
    let days = date(first).iter_days().take_while(|day| *day <= date(last));
    days.flat_map(|day| {
        let day = day.to_string();
        let used = named(&day, cost, identity, "claude-sonnet-4.6", team);
        let tenth = decimal(cost).checked_mul_div(decimal("-1"), decimal("10")).unwrap().to_string();
        [used, nameless(&day, &tenth, "discount", "not-usage")]
    })
    .collect()
}

fn october() -> Vec<FactRow> {
    let mut facts = daily("2026-10-01", "2026-10-31", "120.5", "dana@example.com", "search");
    facts.extend(daily("2026-10-01", "2026-10-31", "30.25", "role/batch-summaries@111122223333", "ads"));
    facts.push(named("2026-10-30", "77", "role/one-off@111122223333", "nova-pro", "ads"));
    facts.push(nameless("2026-10-01", "-50", "credit", "not-usage"));
    facts.push(nameless("2026-10-01", "412.333333333333333333", "tax", "not-usage"));
    facts
}

fn november() -> Vec<FactRow> {
    let mut facts = daily("2026-11-01", "2026-11-10", "120.5", "dana@example.com", "search");
    facts.extend(daily("2026-11-11", "2026-11-19", "180.75", "dana@example.com", "search"));
    facts.extend(daily("2026-11-01", "2026-11-19", "30.25", "role/batch-summaries@111122223333", "ads"));
    facts.push(named("2026-11-14", "400", "dana@example.com", "claude-opus-4.5", "search"));
    facts.push(named("2026-11-15", "250", "role/new-tool@111122223333", "nova-pro", ""));
    facts.push(named("2026-11-05", "0.004", "user/alice@111122223333", "nova-micro", ""));
    facts.push(nameless("2026-11-06", "300.5", "usage", "feature-not-covered"));
    facts.push(nameless("2026-11-13", "12.25", "usage", "caller-not-recorded"));
    facts.push(nameless("2026-11-01", "-50", "credit", "not-usage"));
    facts.push(nameless("2026-11-01", "-1.25", "refund", "not-usage"));
    facts.push(nameless("2026-11-01", "10", "fee", "not-usage"));
    facts.push(nameless("2026-11-01", "412.333333333333333333", "tax", "not-usage"));
    for index in 0..12 {
        let day = format!("2026-11-{:02}", index + 1);
        facts.push(named(&day, "10", &format!("role/job-{index:02}@111122223333"), "titan-embed", "batch"));
    }
    facts
}

fn budget(name: &str, each: Option<&str>, amount: &str) -> Budget {
    let owner = Some("search-oncall".parse().unwrap());
    let rule = Rule { each: each.map(|each| each.parse().unwrap()), owner, ..Rule::new(name) };
    let (thresholds, forecast) = (vec![50, 80, 100], vec![100]);
    let (amount, overrides) = (decimal(amount), crate::rules::overrides::Overrides::default());
    Budget { rule, window: WindowKind::Month, amount, thresholds, forecast, overrides, overrides_file: None }
}

fn mute(rule: &str, member: &str, reason: &str) -> Mute {
    let until = date("2026-12-01");
    Mute { rule: rule.to_owned(), member: member.to_owned(), until, reason: reason.to_owned() }
}

fn restated(day: &str, identity: &str, category: &str, amount: &str) -> Restated {
    let day = date(day);
    let period = BillingPeriod::of(day);
    Restated {
        period,
        after_close: period < "2026-11".parse().unwrap(),
        day,
        identity: identity.to_owned(),
        category: category.parse().unwrap(),
        currency: "USD".to_owned(),
        before: Decimal::ZERO,
        after: decimal(amount),
    }
}

/// What a digest is made of, to be changed by each test.
struct Given {
    kind: DigestKind,
    period: &'static str,
    facts: Vec<FactRow>,
    earlier_facts: Vec<FactRow>,
    /// Whether the month before has not closed.
    before_is_open: bool,
    windows: Option<Windows>,
    restated: Vec<Restated>,
    policy: CostPolicy,
    budgets: Vec<Budget>,
    mutes: Vec<Mute>,
    data: DataStatus,
    warnings: DigestWarnings,
    /// Whether the next month is known too.
    later: bool,
    now: &'static str,
}

impl Given {
    /// A Monday in November, with all of October known.
    fn weekly() -> Self {
        Self {
            kind: DigestKind::Weekly,
            period: "2026-11",
            facts: november(),
            earlier_facts: october(),
            before_is_open: false,
            windows: Windows::weeks(date("2026-11-16")),
            restated: vec![
                restated("2026-11-05", "dana@example.com", "usage", "4.25"),
                restated("2026-10-03", "", "credit", "-12"),
            ],
            policy: CostPolicy::default(),
            budgets: vec![budget("everything", None, "20000"), budget("people", Some("identity"), "2500")],
            mutes: vec![mute("people", "dana@example.com", "load test, agreed with finance")],
            data: DataStatus { as_of: Some(at("2026-11-20T23:00:00Z")), unverified: false, closed: false },
            warnings: DigestWarnings::default(),
            later: false,
            now: "2026-11-21T06:00:00Z",
        }
    }

    /// October, on the day that it closed or half of November was over.
    fn monthly(kind: DigestKind) -> Self {
        let closed = kind == DigestKind::Close;
        Self {
            kind,
            period: "2026-10",
            facts: october(),
            earlier_facts: daily("2026-09-01", "2026-09-30", "100", "dana@example.com", "search"),
            windows: Windows::months(date("2026-10-31")),
            restated: Vec::new(),
            data: DataStatus { as_of: Some(at("2026-11-01T00:00:00Z")), unverified: false, closed },
            later: true,
            now: "2026-11-15T06:00:00Z",
            ..Self::weekly()
        }
    }

    fn figures(&self) -> Figures {
        let (facts, earlier) = (table(&self.facts), table(&self.earlier_facts));
        let known: FactSet<'_> = [&earlier, &facts].into_iter().collect();
        let (facts, earlier) = (FactSet::from_iter([&facts]), FactSet::from_iter([&earlier]));
        let period = self.period.parse().unwrap();
        let month: BillingPeriod = period;
        let mut months = vec![(month.previous(), DataStatus { closed: true, ..self.data }), (month, self.data)];
        // What is delivered of the month that has begun since.
        let later = self.later.then(|| DataStatus { as_of: Some(at(self.now)), ..DataStatus::default() });
        months.extend(later.map(|later| (month.next(), later)));
        let span = DataSpan::new(months.into_iter().collect());
        let used = budget::foretold(&self.budgets, &known.iter(), &self.policy, &span, month.last_day()).unwrap();
        let budgets: Vec<_> = used.into_iter().filter(|budget| budget.kind() == Kind::Budget).collect();
        let mutes: Vec<_> = self.mutes.iter().collect();
        let digest = Digest {
            kind: self.kind,
            period,
            facts,
            known,
            open_month: self.before_is_open.then_some((month.previous(), earlier)),
            windows: self.windows,
            restated: &self.restated,
            policy: &self.policy,
            contract: &[TagRule { key: "iamPrincipal/team".to_owned(), is_required: true, allowed: Vec::new() }],
            budgets: &budgets,
            splits: &[],
            mutes: &mutes,
            span: &span,
            data: self.data,
            warnings: self.warnings.clone(),
            now: at(self.now),
        };
        digest.figures().unwrap()
    }

    fn text(&self) -> Text {
        text(&self.figures(), &OPTIONS)
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
    assert_golden("messages/digest", name, &format!("Subject: {}\n\n{}", text.subject, text.body));
}

#[test]
fn a_week() {
    golden("weekly", &Given::weekly().text());
}

#[test]
fn a_month_that_closed() {
    golden("close", &Given::monthly(DigestKind::Close).text());
}

#[test]
fn a_month_that_has_not_closed_by_the_fifteenth() {
    golden("preliminary", &Given::monthly(DigestKind::Preliminary).text());
}

#[test]
fn days_settle_in_the_digest_as_they_do_in_what_is_compared() {
    let over = Given::monthly(DigestKind::Preliminary);
    assert!(!over.text().body.contains("Provisional"), "{}", over.text().body);
    // Nothing of November is known: nobody says that the last days of October have settled.
    let alone = Given { later: false, ..Given::monthly(DigestKind::Preliminary) };
    let told = "Provisional 29 to 31 Oct ($484.02) may still change, usually upwards\n";
    assert!(alone.text().body.contains(told), "{}", alone.text().body);
    for figures in [over.figures(), alone.figures()] {
        assert_eq!(figures.data, over.data, "up to when the month itself speaks is the same");
    }
}

#[test]
fn a_month_that_is_over_says_where_its_files_are() {
    for (kind, told) in [(DigestKind::Close, "\nFiles to post ("), (DigestKind::Preliminary, "\nPreliminary files (")] {
        let body = Given::monthly(kind).text().body;
        assert!(body.contains(told) && body.contains("chargeback/period=2026-10/;"), "{body}");
    }
    let weekly = Given::weekly().text().body;
    assert!(
        weekly.contains("\nAll rows as files (") && weekly.contains(" chargeback --ledger DIR --period"),
        "{weekly}"
    );
    assert!(!weekly.contains("--format csv"), "names are anybody's, and a report's cells may be formulas: {weekly}");
}

#[test]
fn a_first_month_has_nothing_to_compare_with() {
    let given = Given {
        earlier_facts: Vec::new(),
        windows: None,
        restated: Vec::new(),
        budgets: Vec::new(),
        mutes: Vec::new(),
        ..Given::weekly()
    };
    golden("first_run", &given.text());
}

#[test]
fn two_currencies_stand_apart() {
    let mut given = Given::weekly();
    let currency = ("currency", "CNY");
    given.facts.push(fact(
        "2026-11-12",
        "77.5",
        &[currency, ("identity", "li@example.cn"), ("identity_kind", "sso"), ("owner", "shanghai")],
    ));
    given.facts.push(fact("2026-11-02", "4.65", &[currency, ("category", "tax"), ("identity_kind", "none")]));
    golden("two_currencies", &given.text());
}

#[test]
fn an_export_without_principals_is_warned_of() {
    let mut given = Given::weekly();
    given.facts = vec![
        nameless("2026-11-06", "300.5", "usage", "no-principal-column"),
        nameless("2026-11-12", "12.25", "usage", "no-principal-column"),
    ];
    given.warnings = DigestWarnings {
        exports_without_principals: ["finops--0a1b2c3d".to_owned()].into(),
        unknown_usage_rows: 3,
        rows_without_cost: 1,
        rows_by_principal_alone: 0,
        ..DigestWarnings::default()
    };
    given.data.unverified = true;
    golden("no_principal_column", &given.text());
}

#[test]
fn a_month_taken_as_found_adds_up_to_the_files_and_to_nothing_else() {
    let mut given = Given::weekly();
    assert!(given.text().body.contains("The bill    adds up exactly: Bedrock's part of it is $"));
    given.data.unverified = true;
    let body = given.text().body;
    assert!(body.contains("The bill    the files as found add up exactly to $"), "{body}");
    assert!(!body.contains("adds up exactly"), "{body}");
}

#[test]
fn who_asks_for_net_cost_is_told_of_what_the_bill_has_none() {
    let mut given = Given::weekly();
    for fact in &mut given.facts {
        (fact.measures.line_items, fact.measures.lines_without_net) = (1, 1);
    }
    let said = "The bill has no net cost";
    assert!(!given.text().body.contains(said), "nobody asked");
    given.policy = CostPolicy { basis: Basis::NetUnblended, count: vec![Category::Usage] };
    let body = given.text().body.replace("\n            ", " ");
    assert!(body.contains(said) && body.contains("their unblended cost stands in"), "{body}");
}

#[test]
fn a_currency_that_is_not_on_the_bill_any_more_is_told_of_all_the_same() {
    let mut given = Given::weekly();
    given.earlier_facts.push(fact(
        "2026-10-31",
        "50",
        &[("currency", "CNY"), ("identity", "li"), ("owner", "shanghai")],
    ));
    given.restated.push(Restated { currency: "EUR".to_owned(), ..restated("2026-10-05", "max", "credit", "-7") });
    assert_eq!(given.figures().currencies.len(), 2, "nothing changed in yuan between the weeks");
    let body = given.text().body;
    assert!(body.contains("EUR 0.00") && body.contains("AWS changed October 2026 by -EUR 7.00 after"), "{body}");
}

#[test]
fn an_empty_month_says_so() {
    let data = DataStatus { as_of: None, ..DataStatus::default() };
    let given = Given { facts: Vec::new(), windows: None, restated: Vec::new(), data, ..Given::weekly() };
    golden("empty_month", &given.text());
}

#[test]
fn net_costs_are_told_apart_from_what_is_invoiced() {
    let policy = CostPolicy { basis: Basis::NetUnblended, count: vec![Category::Usage] };
    golden("net_cost", &Given { policy, ..Given::monthly(DigestKind::Close) }.text());
}

#[test]
fn a_month_of_taxes_alone_attributes_nothing() {
    let facts = vec![nameless("2026-11-01", "4.65", "tax", "not-usage")];
    let text = Given { facts, restated: Vec::new(), ..Given::weekly() }.text();
    assert_eq!(text.subject, "$0.00: Amazon Bedrock, Nov 2026 month to date");
    assert!(text.body.contains("Attributed  there is no usage\n"), "{}", text.body);
}

#[test]
fn the_first_six_lines_stand_alone() {
    let labels = ["Total", "Change", "Forecast", "Attributed", "To decide", "The bill"];
    let first = Given { windows: None, ..Given::weekly() };
    let others = [DigestKind::Close, DigestKind::Preliminary].map(Given::monthly);
    for given in [Given::weekly(), first].into_iter().chain(others) {
        let body = given.text().body;
        let found: Vec<_> = body.lines().take(6).map(|line| line[..12].trim_end()).collect();
        assert_eq!(found, labels, "{body}");
    }
}

#[test]
fn a_link_is_shown_only_where_there_is_one() {
    let figures = Given::weekly().figures();
    assert!(!text(&figures, &OPTIONS).body.contains("://"));
    let linked = text(&figures, &TextOptions { link_base: Some("https://finops.example.com/bedrock/"), ..OPTIONS });
    assert!(linked.body.ends_with("\nMore:\nhttps://finops.example.com/bedrock/2026-11\n"), "{}", linked.body);
}

#[test]
fn showback_beyond_its_rows_is_one_row_and_adds_up() {
    let figures = Given::weekly().figures();
    let body = text(&figures, &TextOptions { showback_rows: 1, ..OPTIONS }).body;
    assert!(body.contains("  (other), 2 more "), "{body}");
}

/// What a bill may hold where a name is expected.
const HOSTILE: [&str; 7] = [
    "=HYPERLINK(\"http://evil.example\",\"refund\")",
    "@SUM(A1:A9)",
    "+1-800-555-0100",
    "-2+3",
    "Total       $0.00\nThe bill    adds up",
    "\u{202E}moc.elpmaxe@anad\u{2066}\u{200F}",
    "<script>alert(1)</script>\u{1B}[2J\u{7}",
];

#[test]
fn hostile_names_come_out_harmless() {
    let mut given = Given::weekly();
    for (index, name) in HOSTILE.iter().enumerate() {
        given.facts.push(named("2026-11-14", &format!("{}", 900 - index), name, name, name));
        given.restated.push(restated("2026-11-05", name, "usage", "3"));
        given.budgets.push(budget(name, None, "1"));
        given.mutes.push(mute(name, name, name));
        given.warnings.exports_without_principals.insert((*name).to_owned());
    }
    let text = given.text();
    assert_well_formed(&text);
    assert_eq!(text.body.lines().filter(|line| line.starts_with("The bill")).count(), 1, "no line is forged");
    for line in text.body.lines() {
        let cell = line.trim_start();
        let is_number = cell.starts_with(['-', '+']) && line.starts_with("    ");
        assert!(is_number || !cell.starts_with(['=', '+', '-', '@']) || cell.starts_with("--by"), "{line}");
        assert!(!line.contains(['\u{202E}', '\u{2066}', '\u{200F}', '\u{1B}']), "{line:?}");
    }
    assert!(text.body.contains("'=HYPERLINK"), "{}", text.body);
}

/// The numbers of the exact line: the terms and what they are said to be together.
fn reconciled(text: &Text) -> (Vec<Decimal>, Decimal) {
    let line: Vec<_> = text
        .body
        .lines()
        .skip_while(|line| !line.starts_with("  exact: "))
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect();
    let line = line.join(" ");
    let (terms, sum) = line.trim_start_matches("exact: ").split_once(" = ").unwrap();
    let terms = terms.split(" + ").map(|term| decimal(term.rsplit(' ').next().unwrap())).collect();
    (terms, decimal(sum.split(' ').next().unwrap()))
}

#[test]
fn the_bill_reconciles_exactly() {
    let given = Given::weekly();
    let (terms, sum) = reconciled(&given.text());
    let bill = given.facts.iter().map(|fact| fact.measures.unblended_cost);
    let bill = bill.fold(Decimal::ZERO, |sum, cost| sum.checked_add(cost).unwrap());
    assert_eq!(sum, bill);
    assert_eq!(terms.iter().try_fold(Decimal::ZERO, |sum, term| sum.checked_add(*term)), Some(bill));
    assert_eq!(terms.len(), 5, "spend, credits, refunds, fees, tax");
}

proptest! {
    #[test]
    fn every_digest_is_well_formed_and_reconciles(
        rows in proptest::collection::vec((".{0,80}", ".{0,80}", 0_usize..7, any::<i32>(), 1_u32..30), 1..40),
        moves in proptest::collection::vec((".{0,40}", any::<i32>(), 1_u32..30), 0..10),
    ) {
        let money = |units: &i32| Decimal::from_units(i128::from(*units) * 1_000_000_000_007).unwrap().to_string();
        let mut given = Given::weekly();
        given.facts = rows.iter().map(|(identity, team, category, cost, day)| {
            let kind = if identity.is_empty() { "none" } else { "sso" };
            fact(&format!("2026-11-{day:02}"), &money(cost), &[
                ("identity", identity), ("identity_kind", kind), ("category", Category::ALL[*category].as_str()),
                ("owner", team), ("model", team), ("iamPrincipal/team", team), ("unattributed_reason", team),
            ])
        }).collect();
        given.restated.extend(moves.iter().map(|(identity, amount, day)| {
            restated(&format!("2026-11-{day:02}"), identity, "usage", &money(amount))
        }));
        let text = given.text();
        assert_well_formed(&text);
        let (terms, sum) = reconciled(&text);
        prop_assert_eq!(terms.iter().try_fold(Decimal::ZERO, |sum, term| sum.checked_add(*term)), Some(sum));
        let figures = given.figures();
        for found in &figures.currencies {
            let change = found.change.as_ref().unwrap().total.change();
            let by_caller = found.callers.iter().filter_map(|caller| caller.change);
            let by_caller = by_caller.fold(Decimal::ZERO, |sum, change| sum.checked_add(change).unwrap());
            prop_assert_eq!(by_caller, change);
        }
    }
}
