//! What the tests of several steps need: a ledger in which deliveries are ready, and somebody who comes between two calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use chrono::{DateTime, NaiveTime, Utc};
use spend_core::bill::line::{KeptTags, LineField, LineKey, LineTable, ScanCounts};
use spend_core::money::decimal::Decimal;
use spend_core::table::measures::Measures;
use spend_ledger::config::{Config, Counting};
use spend_ledger::state::commit::{DeliveryOrder, OrderSource};
use spend_ledger::state::committed;
use spend_ledger::state::delivery::{PinnedChunk, ReadyDelivery, SealedDelivery};
use spend_ledger::state::document::encode;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::reduction::StoredReduction;
use spend_ledger::state::tabular;
use spend_ledger::store::around::{Access, Before};
use spend_ledger::store::memory::MemoryStore;
use spend_ledger::store::{ETag, Store as _, StoreError};

use crate::period::deriver::Deriver;

/// A payer's account.
pub(crate) const PAYER: &str = "111122223333";

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn statement(export: &str, period: &str) -> Statement {
    Statement { export_id: export.to_owned(), period: period.parse().unwrap() }
}

/// What somebody at a command line derives with, by the `[export]` of a configuration.
pub(crate) fn by_hand(export: &str) -> Deriver {
    Deriver::from(&Config::parse("ledger.toml", &format!("[export]\n{export}")).unwrap())
}

/// What a deployment derives with, by the same.
pub(crate) fn deployed(export: &str) -> Deriver {
    let config = Config::parse("ledger.toml", &format!("[export]\n{export}")).unwrap();
    Deriver::of_deployment(&config, &Counting::default())
}

/// A delivery with one file, made at `made`.
pub(crate) fn delivery(of: &Statement, id: &str, made: &str) -> SealedDelivery {
    let key = format!("{}/{id}.parquet", of.export_id);
    SealedDelivery {
        export_id: of.export_id.clone(),
        period: of.period,
        delivery_id: id.to_owned(),
        execution: id.to_owned(),
        order: DeliveryOrder { source: OrderSource::LastModified, at: at(made) },
        manifest: "manifest.json".to_owned(),
        unverified: false,
        chunks: vec![PinnedChunk { key, etag: ETag(id.to_owned()), size: 1, last_modified: at(made) }],
        earlier: Vec::new(),
        replaces: Vec::new(),
    }
}

/// What a chunk of usage comes to that ends on the first day of a month: a line for each payer, with its cost in USD.
pub(crate) fn lines(of: &Statement, payers: &[(&str, &str)]) -> LineTable {
    let line = |(payer, cost): &(&str, &str)| {
        let text = |field: LineField| match field {
            LineField::PayerAccountId => *payer,
            LineField::LineItemType => "Usage",
            LineField::ProductCode => "AmazonBedrock",
            LineField::UsageType => "USE1-Claude4.6Sonnet-input-tokens",
            LineField::Currency => "USD",
            _ => "",
        };
        let fields = LineField::ALL.map(|field| Arc::from(text(field)));
        let key = LineKey { usage_date: of.period.first_day(), fields, tags: Arc::default() };
        let cost = usd(cost);
        let measures =
            Measures { unblended_cost: cost, net_unblended_cost: cost, line_items: 1, ..Measures::default() };
        (key, measures)
    };
    LineTable::of(payers.iter().map(line)).unwrap()
}

/// Makes a delivery ready whose one file was reduced to these lines and counts.
pub(crate) fn make_ready(ledger: &MemoryStore, delivery: &SealedDelivery, lines: LineTable, counts: ScanCounts) {
    let (of, chunk) = (delivery.statement(), &delivery.chunks[0]);
    let stored = StoredReduction { chunk: chunk.key.clone(), etag: chunk.etag.clone(), counts, lines };
    let key = of.reduction_key(&chunk.key, &chunk.etag, &KeptTags::default());
    ledger.overwrite(&key, tabular::encode(&stored).unwrap()).unwrap();
    let ready = ReadyDelivery { delivery: delivery.clone() };
    ledger.overwrite(&of.ready_key(&delivery.delivery_id), encode(&ready).unwrap()).unwrap();
}

/// Makes a delivery ready that has a row of usage for each payer.
pub(crate) fn deliver(ledger: &MemoryStore, delivery: &SealedDelivery, payers: &[(&str, &str)]) {
    let end = delivery.statement().period.first_day().succ_opt().unwrap().and_time(NaiveTime::MIN).and_utc();
    let counts = ScanCounts { rows: 1, bedrock_rows: 1, latest_usage_end: Some(end), ..ScanCounts::default() };
    make_ready(ledger, delivery, lines(&delivery.statement(), payers), counts);
}

/// What is counted of a statement.
pub(crate) async fn counted(ledger: &MemoryStore, of: &Statement) -> Option<Decimal> {
    let (state, _) = committed::state(ledger, of).await.unwrap()?;
    Some(state.facts.rows().fold(Decimal::ZERO, |sum, fact| sum.checked_add(fact.unblended_cost()).unwrap()))
}

/// Every object, to see whether something was written.
pub(crate) async fn objects(ledger: &MemoryStore) -> Vec<(String, Bytes)> {
    let mut objects = Vec::new();
    for object in ledger.list("").await.unwrap() {
        let (bytes, _) = ledger.get(&object.key).await.unwrap().unwrap();
        objects.push((object.key, bytes));
    }
    objects
}

/// A ledger with the same objects.
pub(crate) async fn copy(ledger: &MemoryStore) -> MemoryStore {
    let copy = MemoryStore::default();
    for (key, bytes) in objects(ledger).await {
        copy.overwrite(&key, bytes).unwrap();
    }
    copy
}

/// Somebody who writes all that another ledger has, before the first call of a kind on a key; and who counts such calls.
pub(crate) struct Meddler<'a> {
    access: Access,
    key: String,
    ledger: &'a MemoryStore,
    other: Vec<(String, Bytes)>,
    calls: AtomicUsize,
}

impl<'a> Meddler<'a> {
    pub(crate) async fn before(access: Access, key: String, ledger: &'a MemoryStore, other: &MemoryStore) -> Self {
        Self { access, key, ledger, other: objects(other).await, calls: AtomicUsize::new(0) }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Before for Meddler<'_> {
    async fn before(&self, access: Access, key: &str) -> Result<(), StoreError> {
        if (access, key) == (self.access, self.key.as_str()) && self.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            for (key, bytes) in &self.other {
                self.ledger.overwrite(key, bytes.clone())?;
            }
        }
        Ok(())
    }
}
