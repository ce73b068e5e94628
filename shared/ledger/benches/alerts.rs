//! What alerts cost a company of five thousand people over 90 days: CPU of an evaluation and size of the state, by day.
//! `make bench-memory` runs it; `MEMBERS`, `DAYS` and `EVERY` (evaluations on every so many days) make it smaller.
//!
//! What must hold is held to what is measured in the same run: an evaluation that finds nothing new costs little more than
//! the rules themselves, on the last day as on the first, and the state stays below two megabytes.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench is a test: it prints, and what fails it panics"
)]

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc, Weekday};
use spend_core::bill::line::ScanCounts;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::fact::{FactField, FactKey, FactTable};
use spend_core::facts::folding::Folded;
use spend_core::money::decimal::Decimal;
use spend_core::table::measures::Measures;
use spend_core::table::tags::Tags;
use spend_ledger::alert::{self, AlertSummary, Given};
use spend_ledger::config::Config;
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Message, Notifier, PublishError};
use spend_ledger::state::book::{Book, BookPeriod};
use spend_ledger::store::Store;
use spend_ledger::store::memory::MemoryStore;

/// The most bytes that the state may have.
const MOST_BYTES: usize = 2_000_000;

/// How many times the rules themselves an evaluation may cost that finds nothing new.
const MOST_TIMES: f64 = 3.0;

/// The month that the history begins with.
const FIRST_DAY: (i32, u32, u32) = (2026, 9, 1);

/// Takes every message.
struct Taken;

impl Notifier for Taken {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        message.check()
    }
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(FIRST_DAY.0, FIRST_DAY.1, FIRST_DAY.2).unwrap()
}

/// The same number for the same two, and like chance.
fn random(one: u64, other: u64) -> u64 {
    let mut x = one.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ other.wrapping_mul(0xD1B5_4A32_D192_ED03) ^ 0x1234_5678;
    for _ in 0..3 {
        x ^= x >> 33;
        x = x.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    }
    x ^ (x >> 29)
}

/// Who spends.
struct Person {
    name: Arc<str>,
    tags: Arc<Tags>,
}

/// Every person spends on each weekday: 4 to 65 dollars, and eight times that on one of twenty.
fn facts(people: &[Person], days: u64) -> Vec<(FactKey, Measures)> {
    let texts: BTreeMap<FactField, Arc<str>> = [
        (FactField::Category, "usage"),
        (FactField::Currency, "USD"),
        (FactField::IdentityKind, "sso"),
        (FactField::Model, "claude-opus-4.5"),
        (FactField::TokenKind, "output"),
        (FactField::AccountId, "111122223333"),
        (FactField::Region, "us-east-1"),
    ]
    .map(|(field, text)| (field, Arc::from(text)))
    .into();
    let none: Arc<str> = Arc::from("");
    let mut facts = Vec::new();
    for day in 0..days {
        let usage_date = first_day() + Days::new(day);
        if matches!(usage_date.weekday(), Weekday::Sat | Weekday::Sun) {
            continue;
        }
        for (member, person) in (0_u64..).zip(people) {
            let (usual, noise) = (10 + random(member, 1_000_000) % 40, 70 + random(member, day) % 60);
            let times = if random(member, day + 500_000) % 100 < 5 { 8 } else { 1 };
            let cost = Decimal::from_units(i128::from(usual * noise * times) * 10_i128.pow(16)).unwrap();
            let fields = FactField::ALL.map(|field| match field {
                FactField::Identity | FactField::Principal => Arc::clone(&person.name),
                field => Arc::clone(texts.get(&field).unwrap_or(&none)),
            });
            let measures = Measures { unblended_cost: cost, net_unblended_cost: cost, ..Measures::default() };
            facts.push((FactKey { usage_date, fields, tags: Arc::clone(&person.tags) }, measures));
        }
    }
    facts
}

/// What is known on the morning of a day.
fn book(all: &[(FactKey, Measures)], today: NaiveDate, now: DateTime<Utc>) -> Book {
    let end = today.and_time(NaiveTime::MIN).and_utc();
    let current = BillingPeriod::of(today.pred_opt().unwrap());
    let months = [current.previous().previous(), current.previous(), current];
    let of = |month: BillingPeriod| BookPeriod {
        export_id: "cur".to_owned(),
        period: month,
        revision: 0,
        commits: Vec::new(),
        delivery_id: format!("{month} of {today}"),
        delivered_at: now,
        data_as_of: Some(end.min(month.end())),
        unverified: false,
        closed: month.is_closed(1, now),
        counts: ScanCounts::default(),
        unknown_usage_rows: 0,
        folded: Folded::default(),
        derivation: String::new(),
        facts: {
            let is_its = |(key, _): &&(FactKey, Measures)| month.contains(key.usage_date) && key.usage_date < today;
            FactTable::of(all.iter().filter(is_its).cloned()).unwrap()
        },
    };
    Book { periods: months.into_iter().filter(|month| month.first_day() >= first_day()).map(of).collect() }
}

/// Seconds of CPU so far; where the system does not tell, of time.
fn cpu(begun: Instant) -> f64 {
    let of_process = || {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let fields: Vec<f64> =
            stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).filter_map(|it| it.parse().ok()).collect();
        Some(fields.iter().sum::<f64>() / 100.0)
    };
    of_process().unwrap_or_else(|| begun.elapsed().as_secs_f64())
}

fn main() {
    let begun = Instant::now();
    let setting = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number in the environment"))
    };
    let (members, days, every) = (setting("MEMBERS", 5000), setting("DAYS", 90), setting("EVERY", 1));
    let person = |member: u64| Person {
        name: Arc::from(format!("person-{member:04}@example.com")),
        tags: Arc::new([(Arc::from("iamPrincipal/team"), Arc::from(format!("team-{:02}", member % 50)))].into()),
    };
    let people: Vec<_> = (0..members).map(person).collect();
    let all = facts(&people, days);
    let config = Config::parse("ledger.toml", include_str!("../../../infra/ledger.toml")).unwrap();
    let store = MemoryStore::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    println!("{members} members, the rules of infra/ledger.toml; CPU in seconds");
    println!("day  measured  fired  messages  first  nothing new  the rules alone  bytes of state");
    for day in (1..=days).filter(|day| day % every == 0) {
        let today = first_day() + Days::new(day);
        let now = today.and_time(NaiveTime::MIN).and_utc() + chrono::TimeDelta::hours(6);
        let book = book(&all, today, now);
        let given = Given { config: &config, book: &book };
        let evaluate = || {
            let before = cpu(begun);
            let summary = runtime.block_on(alert::react(&store, &Taken, &given, Lease::INVOCATION, now)).unwrap();
            (summary, cpu(begun) - before)
        };
        let (AlertSummary { measured, fired, mut sent, .. }, first) = evaluate();
        // What ends for machines ends over several evaluations.
        let again = loop {
            let (again, spent) = evaluate();
            sent += again.sent;
            if again.sent == 0 {
                break spent;
            }
        };
        let before = cpu(begun);
        config.rules.evaluate(&book.facts(), &config.cost, &book.span()).unwrap();
        let rules = cpu(begun) - before;
        let state = runtime.block_on(store.get(alert::STATE_KEY)).unwrap().map_or(0, |(bytes, _)| bytes.len());
        println!("{day:3}  {measured:8}  {fired:5}  {sent:8}  {first:5.2}  {again:11.2}  {rules:15.2}  {state:14}");
        assert!(state <= MOST_BYTES, "the state has {state} bytes on day {day}");
        // Clocks of processes tick every hundredth of a second.
        assert!(again <= MOST_TIMES * rules + 0.1, "an evaluation costs {again} s on day {day}, the rules {rules} s");
    }
}
