//! How much memory the functions take that read facts, each in a process of its own: `aggregate` of a month, `alert` and
//! `digest` over three. `make bench-memory` runs it. `IDENTITIES` is how many callers a month has, `FACTS` how many facts,
//! `CHUNKS` over how many files the newest month is spread.
//!
//! The bill is the worst that callers can make with their names: each caller has a name of 32 characters and a tag of its
//! own. docs/decisions/memory-of-functions.md has what was measured.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench is a test: it prints, and what fails it panics"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use spend_core::bill::line::{Interner, KeptTags, LineField, LineKey, LineTable, ScanCounts};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::Decimal;
use spend_core::table::measures::Measures;
use spend_core::table::tags::Tags;
use spend_ledger::alert::{self, Given};
use spend_ledger::config::Config;
use spend_ledger::digest;
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Message, Notifier, PublishError};
use spend_ledger::state::commit::{DeliveryOrder, OrderSource};
use spend_ledger::state::committed;
use spend_ledger::state::delivery::{PinnedChunk, ReadyDelivery, SealedDelivery};
use spend_ledger::state::document::encode;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::reduction::StoredReduction;
use spend_ledger::state::tabular;
use spend_ledger::store::directory::DirectoryStore;
use spend_ledger::store::{ETag, Put, Store};
use spend_pipeline::period::aggregate;
use spend_pipeline::period::deriver::Deriver;

const MONTHS: [&str; 3] = ["2026-09", "2026-10", "2026-11"];
/// What is measured, in the order in which it happens; the first makes the bills.
const STEPS: [&str; 4] = ["bills", "aggregate", "alert", "digest"];

/// Takes every message.
struct Taken;

impl Notifier for Taken {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        message.check()
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number in the environment"))
}

fn now() -> DateTime<Utc> {
    "2026-11-30T06:00:00Z".parse().unwrap()
}

fn statement(month: &str) -> Statement {
    Statement { export_id: "cur".to_owned(), period: month.parse().unwrap() }
}

/// The most bytes that the process ever had in memory, in MB of a million.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024 / 1_000_000
}

/// Lines of a month, each a fact of its own.
fn lines(period: BillingPeriod, identities: usize, facts: usize) -> Vec<(LineKey, Measures)> {
    let mut interner = Interner::default();
    let usages = ["USE1-Claude4.6Sonnet-input-tokens", "USE1-Claude4.6Sonnet-output-tokens"];
    let days = usize::try_from(period.end().date_naive().signed_duration_since(period.first_day()).num_days()).unwrap();
    let mut callers: Vec<(Arc<str>, Arc<Tags>)> = Vec::new();
    for index in 0..identities {
        let arn =
            interner.intern(&format!("arn:aws:sts::111122223333:federated-user/invented-by-somebody-{index:011}"));
        let tags: Tags = BTreeMap::from([(Arc::from("iamPrincipal/team"), Arc::from(format!("team-{index}")))]);
        callers.push((arn, Arc::new(tags)));
    }
    let mut lines = Vec::with_capacity(facts);
    for index in 0..facts {
        let (arn, tags) = callers.get(index % identities).unwrap();
        let turn = index / identities;
        let day: NaiveDate = period.first_day() + chrono::Days::new(u64::try_from(turn % days).unwrap());
        let usage = usages.get(turn / days % usages.len()).unwrap();
        let model = format!("model-{}", turn / days / usages.len());
        let fields = LineField::ALL.map(|field| match field {
            LineField::Principal => Arc::clone(arn),
            LineField::PayerAccountId | LineField::AccountId => interner.intern("111122223333"),
            LineField::LineItemType => interner.intern("Usage"),
            LineField::ProductCode => interner.intern("AmazonBedrock"),
            LineField::UsageType => interner.intern(usage),
            LineField::Operation => interner.intern("InvokeModelInference"),
            LineField::Region => interner.intern(&model),
            LineField::PricingUnit => interner.intern("1K tokens"),
            LineField::Currency => interner.intern("USD"),
            _ => interner.intern(""),
        });
        let cost = Decimal::from_units(10_i128.pow(15) * i128::try_from(1 + index % 977).unwrap()).unwrap();
        let measures = Measures {
            usage_amount: cost,
            unblended_cost: cost,
            net_unblended_cost: cost,
            line_items: 1,
            ..Measures::default()
        };
        lines.push((LineKey { usage_date: day, fields, tags: Arc::clone(tags) }, measures));
    }
    lines
}

/// A delivery of a month that is ready, with its reductions.
async fn deliver(store: &DirectoryStore, month: &str, identities: usize, facts: usize, count: usize) {
    let statement = statement(month);
    let etag = ETag("1".to_owned());
    let at = statement.period.end().min(now());
    let lines = lines(statement.period, identities, facts);
    let mut chunks = Vec::new();
    // Days come one after the other in files, as AWS writes them.
    for (number, lines) in lines.chunks(facts.div_ceil(count)).enumerate() {
        let chunk = format!("cur/data/x-{number:05}.snappy.parquet");
        let rows = u64::try_from(lines.len()).unwrap();
        let counts = ScanCounts { rows, bedrock_rows: rows, latest_usage_end: Some(at), ..ScanCounts::default() };
        let lines = LineTable::of(lines.iter().cloned()).unwrap();
        let key = statement.reduction_key(&chunk, &etag, &KeptTags::default());
        let reduction = StoredReduction { chunk: chunk.clone(), etag: etag.clone(), counts, lines };
        let bytes = tabular::encode(&reduction).unwrap();
        let (Put::Written(_) | Put::Lost) = store.put_if_absent(&key, bytes).await.unwrap();
        chunks.push(PinnedChunk { key: chunk, etag: etag.clone(), size: 1, last_modified: at });
    }
    let delivery = SealedDelivery {
        export_id: statement.export_id.clone(),
        period: statement.period,
        delivery_id: "one".to_owned(),
        execution: "one".to_owned(),
        order: DeliveryOrder { source: OrderSource::LastModified, at },
        manifest: String::new(),
        unverified: false,
        chunks,
        earlier: Vec::new(),
        replaces: Vec::new(),
    };
    let (Put::Written(_) | Put::Lost) =
        store.put_if_absent(&statement.ready_key("one"), encode(&ReadyDelivery { delivery }).unwrap()).await.unwrap();
}

async fn step(step: &str, dir: &Path) -> String {
    let store = DirectoryStore::open(dir.to_owned()).unwrap();
    let config = Config::parse("ledger.toml", include_str!("../../../infra/ledger.toml")).unwrap();
    let with = Deriver::from(&config);
    let [earlier @ .., newest] = MONTHS;
    match step {
        "bills" => {
            let (identities, facts) = (setting("IDENTITIES", 50_000), setting("FACTS", 200_000));
            for month in earlier {
                deliver(&store, month, identities, facts, 1).await;
            }
            deliver(&store, newest, identities, facts, setting("CHUNKS", 1)).await;
            for month in earlier {
                aggregate::aggregate(&store, &statement(month), "one", &with, now()).await.unwrap();
            }
            format!("{identities} callers and {facts} facts a month")
        }
        "aggregate" => aggregate::aggregate(&store, &statement(newest), "one", &with, now()).await.unwrap().to_string(),
        "alert" => {
            let book = committed::book(&store, now()).await.unwrap();
            let given = Given { config: &config, book: &book };
            let summary = alert::react(&store, &Taken, &given, Lease::Alone, now()).await.unwrap();
            format!("{} facts, {} members measured", book.facts().count(), summary.measured)
        }
        _ => {
            let book = committed::book(&store, now()).await.unwrap();
            let told = digest::react(&store, &Taken, &config, &book, Lease::Alone, now()).await.unwrap();
            format!("{} facts, {told:?}", book.facts().count())
        }
    }
}

fn main() {
    let begun = Instant::now();
    if let (Ok(name), Ok(dir)) = (std::env::var("STEP"), std::env::var("DIR")) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let done = runtime.block_on(step(&name, &PathBuf::from(dir)));
        let seconds = begun.elapsed().as_millis() / 1000;
        println!("{name:10} {:5} MB at most, {seconds} s: {done}", peak());
        return;
    }
    let dir = std::env::temp_dir().join(format!("bedrock-ledger-memory-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for name in STEPS {
        let this = std::env::current_exe().unwrap();
        let status = Command::new(this).env("STEP", name).env("DIR", &dir).status().unwrap();
        assert!(status.success(), "{name} failed");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
