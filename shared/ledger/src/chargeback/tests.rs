use super::*;
use crate::reaction_fixtures::{at, book, fact, period, rows, table};
use crate::state::document::decode;
use crate::state::keys::NOTES_PREFIX;
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;

const NOW: &str = "2026-11-21T06:00:00Z";
const HEADER: &str = "date,gateway,tenant,amount\n";

fn config() -> Config {
    let split = "[[split]]\nwhat = { identity = \"role/gw@1\" }\nby = \"file\"\n";
    Config::parse("ledger.toml", split).unwrap()
}

fn two_months() -> Book {
    let spent = |day: &str, identity: &str| {
        let fields = [
            ("identity", identity),
            ("identity_kind", "role"),
            ("owner", "search"),
            ("owner_source", "tag"),
            ("model", "m"),
            ("tier", "batch"),
        ];
        fact(day, "12.5", &fields)
    };
    let october = period("2026-10", vec![spent("2026-10-05", "role/app@1")]);
    let november = period("2026-11", vec![spent("2026-11-05", "role/app@1"), spent("2026-11-06", "role/gw@1")]);
    book(vec![october, november])
}

fn put(store: &MemoryStore, key: &str, text: impl Into<Bytes>) {
    store.overwrite(key, text.into()).unwrap();
}

async fn stored(store: &MemoryStore, month: &str, name: &str) -> Bytes {
    store.get(&chargeback_key(month.parse().unwrap(), name)).await.unwrap().unwrap().0
}

async fn about(store: &MemoryStore, month: &str) -> About {
    decode("about", &stored(store, month, ABOUT).await).unwrap()
}

async fn objects(store: &MemoryStore) -> Vec<(String, Bytes)> {
    let mut objects = Vec::new();
    for object in store.list("chargeback/").await.unwrap() {
        let (bytes, _) = store.get(&object.key).await.unwrap().unwrap();
        objects.push((object.key, bytes));
    }
    objects
}

#[tokio::test]
async fn the_files_of_each_month_are_of_one_state_which_each_row_and_the_file_beside_them_names() {
    let store = MemoryStore::default();
    put(&store, "metering/gw.csv", format!("{HEADER}2026-11-06,role/gw@1,growth,1\n2025-01-01,role/gw@1,growth,1\n"));
    assert_eq!(write(&store, &config(), &two_months(), at(NOW)).await.unwrap(), 2);
    let mut states = Vec::new();
    for (month, extent, records) in [("2026-10", "not-closed", 0), ("2026-11", "month-to-date", 1)] {
        let about = about(&store, month).await;
        let names: Vec<_> = about.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["showback.csv", "chargeback.csv", "unit_costs.csv", "tiers.csv", "cache.csv"]);
        for file in &about.files {
            let bytes = stored(&store, month, &file.name).await;
            assert_eq!(file.sha256, sha256(&bytes), "{}", file.name);
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let mut lines = text.lines();
            assert!(lines.next().unwrap().ends_with(",state"), "{text}");
            assert_eq!(lines.clone().count(), file.rows);
            assert!(lines.all(|line| line.ends_with(&format!(",{}", about.state))), "{text}");
        }
        assert_eq!((about.extent.as_str(), about.basis.as_str()), (extent, "unblended"));
        assert_eq!(about.deliveries[0].delivery_id, format!("delivery-of-{month}"));
        assert_eq!((about.metering[0].file.as_str(), about.metering[0].records), ("metering/gw.csv", records));
        states.push(about.state);
    }
    assert_ne!(states[0], states[1]);
    let charged = String::from_utf8(stored(&store, "2026-11", "chargeback.csv").await.to_vec()).unwrap();
    assert!(
        charged.contains("2026-11,USD,growth,split,,role/gw@1,m,0,12.5,0,0,0,0,0,0,12.5,0,12.5,12.5,"),
        "{charged}"
    );
    assert_eq!(objects(&store).await.len(), 12, "nothing else is written");
    assert!(store.list(NOTES_PREFIX).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_has_not_changed_is_not_written_again_and_what_has_is_of_another_state() {
    let store = MemoryStore::default();
    write(&store, &config(), &two_months(), at(NOW)).await.unwrap();
    let before = objects(&store).await;
    let faulty = FaultyStore::failing(&store, []);
    assert_eq!(write(&faulty, &config(), &two_months(), at("2026-11-22T06:00:00Z")).await.unwrap(), 0);
    assert_eq!(objects(&store).await, before);
    let state = about(&store, "2026-11").await.state;
    let mut rebuilt = two_months();
    rebuilt.periods[1].revision = 1;
    assert_eq!(write(&store, &config(), &rebuilt, at(NOW)).await.unwrap(), 1, "October is as it was");
    let revised = about(&store, "2026-11").await;
    assert_ne!(revised.state, state, "the same rows of another revision");
    rebuilt.periods[1].closed = true;
    assert_eq!(write(&store, &config(), &rebuilt, at("2026-12-03T06:00:00Z")).await.unwrap(), 1);
    let closed = about(&store, "2026-11").await;
    assert_ne!(closed.state, revised.state);
    assert_eq!(closed.extent, "closed");
}

#[tokio::test]
async fn a_crash_at_any_call_of_the_store_is_mended_by_the_next_morning() {
    let bare = MemoryStore::default();
    let damaged = || Bytes::from_static(b"date\n");
    put(&bare, "metering/bad.csv", damaged());
    let dry = FaultyStore::failing(&bare, []);
    write(&dry, &config(), &two_months(), at(NOW)).await.unwrap();
    for call in 1..=dry.calls() {
        for fault in [Fault::Before, Fault::After] {
            let store = MemoryStore::default();
            put(&store, "metering/bad.csv", damaged());
            let crashing = FaultyStore::crashing(&store, call, fault);
            write(&crashing, &config(), &two_months(), at(NOW)).await.unwrap_err();
            write(&store, &config(), &two_months(), at(NOW)).await.unwrap();
            assert_eq!(objects(&store).await, objects(&bare).await, "{call}");
            assert_eq!(store.list(NOTES_PREFIX).await.unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn who_loses_leaves_everything_that_follows_to_the_other() {
    let store = MemoryStore::default();
    let (book, month) = (two_months(), "2026-11".parse().unwrap());
    let found: Vec<_> = book.of(month).collect();
    let files = make(month, &found, &config(), Basis::Unblended, &MeteringFiles::default(), at(NOW)).unwrap();
    let planned = look(&store, &files).await.unwrap();
    put(&store, &chargeback_key(month, "chargeback.csv"), "another's");
    assert!(replace(&store, planned).await.unwrap());
    assert_eq!(stored(&store, "2026-11", "chargeback.csv").await, "another's");
    assert_eq!(objects(&store).await.len(), 2, "neither the other files nor what they rest on");
}

#[tokio::test]
async fn metering_files_that_cannot_be_used_hold_up_nothing_and_are_told_once_for_each_version() {
    let store = MemoryStore::default();
    put(&store, "metering/a.csv", format!("{HEADER}2026-11-06,role/gw@1,growth,-1\n"));
    put(&store, "metering/b.parquet", "PAR1");
    put(&store, "metering/c.CSV", "PAR1");
    put(&store, "metering/good.csv", format!("{HEADER}2026-11-06,role/gw@1,legal,1\n"));
    put(&store, "metering/readme.txt", "hello");
    for _ in 0..2 {
        write(&store, &config(), &two_months(), at(NOW)).await.unwrap();
    }
    let about = about(&store, "2026-11").await;
    let found: Vec<_> = about.metering.iter().map(|file| (file.file.as_str(), file.records)).collect();
    assert_eq!(
        found,
        [
            ("metering/a.csv", 0),
            ("metering/b.parquet", 0),
            ("metering/c.CSV", 0),
            ("metering/good.csv", 1),
            ("metering/readme.txt", 0)
        ]
    );
    for told in [
        "split identity = role/gw@1 by file: $12.50 of $12.50 divided",
        "warning: metering: metering/a.csv is not used: line 2: the amount is below zero",
        "warning: metering: metering/b.parquet is not used: it is Parquet",
        "warning: metering: metering/c.CSV is not used: it is Parquet",
        "warning: metering: metering/readme.txt is not used: its name does not end in .csv",
    ] {
        assert!(about.notes.iter().any(|note| note.starts_with(told)), "{told}\n{:#?}", about.notes);
    }
    assert_eq!(store.list(NOTES_PREFIX).await.unwrap().len(), 4, "one for each that cannot be used");
    put(&store, "metering/a.csv", "still not one");
    write(&store, &config(), &two_months(), at(NOW)).await.unwrap();
    assert_eq!(store.list(NOTES_PREFIX).await.unwrap().len(), 5);
}

#[tokio::test]
async fn spend_that_no_record_divides_is_told() {
    let store = MemoryStore::default();
    write(&store, &config(), &two_months(), at(NOW)).await.unwrap();
    let about = about(&store, "2026-11").await;
    let told = "no metering records of role/gw@1 for m on 2026-11-06: $12.50 left where it was billed";
    assert!(about.notes.iter().any(|note| note.ends_with(told)), "{:#?}", about.notes);
    let [total] = &about.totals[..] else { panic!() };
    let sum: Decimal = "25".parse().unwrap();
    assert_eq!([total.billed, total.charged, total.invoices], [sum; 3]);
}

#[tokio::test]
async fn at_net_cost_what_is_invoiced_is_told_beside_it() {
    let store = MemoryStore::default();
    let config = Config::parse("ledger.toml", "[cost]\nbasis = \"net-unblended\"\ncount = [\"usage\"]\n").unwrap();
    let mut book = two_months();
    for period in &mut book.periods {
        let mut facts = rows(&period.facts);
        for fact in &mut facts {
            fact.measures.net_unblended_cost = "10".parse().unwrap();
        }
        period.facts = table(facts);
        period.unverified = true;
    }
    write(&store, &config, &book, at(NOW)).await.unwrap();
    let about = about(&store, "2026-11").await;
    assert_eq!((about.basis.as_str(), about.totals[0].billed.to_string().as_str()), ("net-unblended", "20"));
    let invoiced = "note: at net cost, after discounts; invoiced is the unblended cost: 25 USD";
    let unverified = "warning: finops 2026-11: taken as found, nothing says that it is complete";
    for told in [invoiced, unverified] {
        assert!(about.notes.iter().any(|note| note == told), "{:#?}", about.notes);
    }
}
