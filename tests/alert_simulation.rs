//! Random histories of spend, restatements and rules, with a crash before or after any call, and every event twice:
//! whatever happens, each crossing is told, and none is told twice but by the same id after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use spend_core::bill::line::ScanCounts;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::fact::{FactField, FactKey, FactTable};
use spend_core::facts::folding::Folded;
use spend_core::money::decimal::Decimal;
use spend_core::table::measures::Measures;
use spend_ledger::alert::{self, Given};
use spend_ledger::config::Config;
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Message, Notifier, PublishError, Topic};
use spend_ledger::state::book::{Book, BookPeriod};
use spend_ledger::store::StoreError;
use spend_ledger::store::around::{Access, Around, Before};
use spend_ledger::store::faulty::{Fault, FaultyStore};
use spend_ledger::store::memory::MemoryStore;

/// Where a history begins: months before it are known and empty.
const FIRST_DAY: &str = "2026-11-02";

/// What happens between two evaluations.
#[derive(Clone, Debug)]
enum Step {
    /// A member spends on the day that is newest.
    Spend { member: usize, amount: u32 },
    /// The bill says of a member's day, so many days ago, that it was so much.
    Restate { member: usize, days_ago: u8, amount: u32 },
    /// Days pass.
    Days(u8),
    /// The budget's amount is changed.
    Amount(u32),
}

/// Where an evaluation dies, if it does.
#[derive(Clone, Copy, Debug)]
enum Crash {
    Never,
    Store { call: u64, after: bool },
    Notifier { call: u64, after: bool },
}

/// Others come in before every call.
struct TurnTaking;

impl Before for TurnTaking {
    async fn before(&self, access: Access, _: &str) -> Result<(), StoreError> {
        if matches!(access, Access::Get | Access::PutIfAbsent | Access::PutIfMatch) {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..3, 1_u32..80).prop_map(|(member, amount)| Step::Spend { member, amount }),
        2 => (0_usize..3, 0_u8..12, 0_u32..80)
            .prop_map(|(member, days_ago, amount)| Step::Restate { member, days_ago, amount }),
        3 => (1_u8..5).prop_map(Step::Days),
        1 => (50_u32..300).prop_map(Step::Amount),
    ]
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![
        3 => Just(Crash::Never),
        2 => (1_u64..12, any::<bool>()).prop_map(|(call, after)| Crash::Store { call, after }),
        2 => (1_u64..6, any::<bool>()).prop_map(|(call, after)| Crash::Notifier { call, after }),
    ]
}

/// The bill as it is known, and the time.
struct World {
    spent: BTreeMap<(NaiveDate, usize), u32>,
    today: NaiveDate,
    amount: u32,
}

impl World {
    fn new() -> Self {
        Self { spent: BTreeMap::new(), today: FIRST_DAY.parse().unwrap(), amount: 100 }
    }

    fn now(&self) -> DateTime<Utc> {
        self.today.and_hms_opt(6, 0, 0).unwrap().and_utc() + TimeDelta::days(1)
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Spend { member, amount } => *self.spent.entry((self.today, member)).or_default() += amount,
            Step::Restate { member, days_ago, amount } => {
                let day = self.today - TimeDelta::days(days_ago.into());
                if day >= FIRST_DAY.parse().unwrap() {
                    self.spent.insert((day, member), amount);
                }
            }
            Step::Days(days) => self.today += TimeDelta::days(days.into()),
            Step::Amount(amount) => self.amount = amount,
        }
    }

    fn config(&self) -> Config {
        let amount = self.amount;
        let text = format!(
            r#"
            [alerts]
            max_per_run = 3
            [[budget]]
            name = "all"
            amount = "{amount}"
            severity = "page"
            [[budget]]
            name = "each"
            each = "identity"
            window = "week"
            amount = "60"
            thresholds = [100]
            forecast = [150]
            [[delta]]
            name = "jumps"
            each = "identity"
            against = "trailing"
            rise_amount = "20"
            [[anomaly]]
            name = "odd"
            each = "identity"
            minimum = "20"
            new_above = "30"
            "#
        );
        Config::parse("ledger.toml", &text).unwrap()
    }

    fn book(&self) -> Book {
        let end = self.today.succ_opt().unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
        let current = BillingPeriod::of(self.today);
        let months = [current.previous().previous(), current.previous(), current];
        let period = |month: BillingPeriod| BookPeriod {
            export_id: "cur".to_owned(),
            period: month,
            revision: 0,
            commits: Vec::new(),
            delivery_id: format!("{month} of {}", self.today),
            delivered_at: self.now(),
            data_as_of: Some(end.min(month.end())),
            unverified: false,
            closed: month.is_closed(1, self.now()),
            counts: ScanCounts::default(),
            unknown_usage_rows: 0,
            folded: Folded::default(),
            derivation: String::new(),
            facts: FactTable::of(self.facts().filter(|(key, _)| month.contains(key.usage_date))).unwrap(),
        };
        Book { periods: months.map(period).into() }
    }

    fn facts(&self) -> impl Iterator<Item = (FactKey, Measures)> {
        self.spent.iter().map(|((day, member), amount)| {
            let name = format!("member-{member}");
            let fields = FactField::ALL.map(|field| {
                Arc::from(match field {
                    FactField::Category => "usage",
                    FactField::Currency => "USD",
                    FactField::Identity => name.as_str(),
                    FactField::IdentityKind => "role",
                    _ => "",
                })
            });
            let cost = Decimal::from_integer((*amount).into());
            let measures = Measures { unblended_cost: cost, net_unblended_cost: cost, ..Measures::default() };
            (FactKey { usage_date: *day, fields, tags: Arc::default() }, measures)
        })
    }
}

/// Remembers what was sent; one call may fail, and with it every later one.
#[derive(Default)]
struct Line {
    dies_at: Option<(u64, bool)>,
    calls: Mutex<u64>,
    sent: Mutex<Vec<Message>>,
}

impl Notifier for Line {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        message.check()?;
        tokio::task::yield_now().await;
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        let (dead, arrives) = match self.dies_at {
            Some((call, after)) if *calls == call => (true, after),
            Some((call, _)) if *calls > call => (true, false),
            _ => (false, true),
        };
        if arrives {
            self.sent.lock().unwrap().push(message.clone());
        }
        if dead {
            let source = "the line is dead".into();
            return Err(PublishError::InDoubt { what: message.subject.clone(), source });
        }
        Ok(())
    }
}

/// One evaluation that may die; what it sent.
async fn evaluate(store: &MemoryStore, world: &World, now: DateTime<Utc>, crash: Crash) -> Vec<Message> {
    let (config, book) = (world.config(), world.book());
    let given = Given { config: &config, book: &book };
    let mut line = Line::default();
    match crash {
        Crash::Never => drop(alert::react(store, &line, &given, Lease::INVOCATION, now).await.unwrap()),
        Crash::Store { call, after } => {
            let fault = if after { Fault::After } else { Fault::Before };
            let store = FaultyStore::crashing(store, call, fault);
            // Where it makes fewer calls it does not die.
            let _ = alert::react(&store, &line, &given, Lease::INVOCATION, now).await;
        }
        Crash::Notifier { call, after } => {
            line.dies_at = Some((call, after));
            let _ = alert::react(store, &line, &given, Lease::INVOCATION, now).await;
        }
    }
    line.sent.into_inner().unwrap()
}

/// Three evaluations at once, as of two deliveries and the sweep; what they sent.
async fn race(store: &MemoryStore, world: &World) -> Vec<Message> {
    let (config, book, line, now) = (world.config(), world.book(), Line::default(), world.now());
    let given = Given { config: &config, book: &book };
    let stores = [(); 3].map(|()| Around { inner: store, before: TurnTaking });
    let [one, two, three] = stores.each_ref().map(|store| alert::react(store, &line, &given, Lease::INVOCATION, now));
    let (one, two, three) = tokio::join!(one, two, three);
    for summary in [one, two, three] {
        summary.unwrap();
    }
    line.sent.into_inner().unwrap()
}

/// What somebody heard: topic, status, id, and what was said.
type Heard = BTreeMap<(Topic, String, String), Vec<String>>;

fn hear(heard: &mut Heard, sent: Vec<Message>) {
    for message in sent {
        let key = (message.topic, message.attributes["status"].clone(), message.attributes["alert_id"].clone());
        heard.entry(key).or_default().push(message.body);
    }
}

/// How evaluations go.
#[derive(Clone, Copy)]
enum Going<'a> {
    Quiet,
    /// They die and are run again, as by the sweep.
    Crashing(&'a [Crash]),
    /// Several are run at once.
    Racing,
}

/// Goes through a history.
async fn live(steps: &[Step], going: Going<'_>) -> Heard {
    // What races is large.
    Box::pin(live_through(steps, going)).await
}

async fn live_through(steps: &[Step], going: Going<'_>) -> Heard {
    let (store, mut world, mut heard) = (MemoryStore::default(), World::new(), Heard::new());
    // The rules are known from the beginning, before anything is spent.
    hear(&mut heard, evaluate(&store, &world, world.now(), Crash::Never).await);
    for (index, step) in steps.iter().enumerate() {
        world.apply(step);
        let now = world.now();
        // Whoever died holds what it claimed until its lease is over.
        let later = now + TimeDelta::minutes(30);
        match going {
            Going::Quiet => hear(&mut heard, evaluate(&store, &world, now, Crash::Never).await),
            Going::Crashing(crashes) => {
                hear(&mut heard, evaluate(&store, &world, now, crashes[index % crashes.len()]).await);
                hear(&mut heard, evaluate(&store, &world, later, Crash::Never).await);
            }
            Going::Racing => hear(&mut heard, Box::pin(race(&store, &world)).await),
        }
        if !matches!(going, Going::Quiet) {
            let sent = evaluate(&store, &world, later, Crash::Never).await;
            assert!(sent.is_empty(), "the same once more says nothing new");
        }
    }
    heard
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(6), ..ProptestConfig::default() })]

    #[test]
    fn crashes_lose_nothing_and_repeat_only_what_was_in_doubt(
        steps in proptest::collection::vec(step(), 1..20),
        crashes in proptest::collection::vec(crash(), 1..6),
    ) {
        let (quiet, crashed) = runtime().block_on(async { (live(&steps, Going::Quiet).await, live(&steps, Going::Crashing(&crashes)).await) });
        let told: BTreeSet<_> = quiet.keys().collect();
        let told_with_crashes: BTreeSet<_> = crashed.keys().collect();
        prop_assert_eq!(told, told_with_crashes);
        for (key, bodies) in &quiet {
            prop_assert_eq!(bodies.len(), 1, "{:?} was told twice without a crash", key);
        }
        for (key, bodies) in &crashed {
            let different: BTreeSet<_> = bodies.iter().collect();
            prop_assert_eq!(different.len(), 1, "{:?} was told in different words", key);
        }
    }

    #[test]
    fn evaluators_that_race_tell_each_thing_once(steps in proptest::collection::vec(step(), 1..20)) {
        let (quiet, raced) = runtime().block_on(async { (live(&steps, Going::Quiet).await, live(&steps, Going::Racing).await) });
        prop_assert_eq!(quiet, raced);
    }

    #[test]
    fn each_crossing_of_a_budget_is_told_once_by_the_highest_threshold(
        steps in proptest::collection::vec(step(), 1..20),
    ) {
        let heard = runtime().block_on(live(&steps, Going::Quiet));
        let fired = |id: &str| heard.keys().any(|(_, status, heard)| status == "firing" && heard == id);
        // Summaries stand for several alerts; what they name is told by them.
        let summaries: String = heard.iter().filter(|((topic, _, id), _)| *topic == Topic::Events && id.starts_with("too-many")).flat_map(|(_, bodies)| bodies.clone()).collect();
        let mut world = World::new();
        let mut state: BTreeMap<(NaiveDate, u32, u32), bool> = BTreeMap::new();
        for step in &steps {
            let before = world.amount;
            world.apply(step);
            for month in [BillingPeriod::of(world.today).previous(), BillingPeriod::of(world.today)] {
                let spent: u32 = world.spent.iter().filter(|((day, _), _)| month.contains(*day)).map(|(_, spent)| *spent).sum();
                let crossed: Vec<u32> = [50, 80, 100].into_iter().filter(|percent| spent * 100 >= world.amount * percent).collect();
                let new: Vec<u32> = crossed.iter().copied().filter(|percent| !state.contains_key(&(month.first_day(), *percent, world.amount))).collect();
                if let Some(highest) = new.last() {
                    let id = format!("all:-:USD:{}:budget:{highest}:{}:1", month.first_day(), world.amount);
                    // A raised budget pages nobody for less than what is known of a smaller amount.
                    let is_less = |(known, percent, amount): &(NaiveDate, u32, u32)| *known == month.first_day() && percent > highest && *amount < world.amount;
                    let is_told = before >= world.amount || !state.keys().any(is_less);
                    prop_assert_eq!(fired(&id) || summaries.contains(&id), is_told, "{}", id);
                }
                for percent in new {
                    state.insert((month.first_day(), percent, world.amount), true);
                }
            }
        }
    }

    #[test]
    fn what_had_ended_at_the_first_run_is_never_told(
        steps in proptest::collection::vec(step(), 1..20),
    ) {
        let told = runtime().block_on(async {
            let (store, mut world, mut heard) = (MemoryStore::default(), World::new(), Heard::new());
            for step in &steps {
                world.apply(step);
            }
            // Nothing more is spent, and all of it had ended by the first run.
            world.today = "2027-01-10".parse().unwrap();
            for _ in 0..3 {
                hear(&mut heard, evaluate(&store, &world, world.now(), Crash::Never).await);
                world.today += TimeDelta::days(3);
            }
            heard
        });
        prop_assert!(told.is_empty(), "{:?}", told.keys());
    }
}
