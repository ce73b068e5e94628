//! From which export a bill is counted, where somebody puts another export beside it; and how that is decided.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;
use spend_core::messages::operations::deployed::Place;
use spend_core::money::decimal::Decimal;
use spend_cur::write;
use spend_ledger::config::{Config, Counting};
use spend_ledger::metrics;
use spend_ledger::outputs::{Datum, Metrics, PublishError, Series};
use spend_ledger::state::committed;
use spend_ledger::state::keys::{self, Statement};
use spend_ledger::store::Store;
use spend_ledger::store::memory::MemoryStore;
use spend_pipeline::ingest::{self, FileTimes};
use spend_pipeline::period::aggregated::Aggregated;
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::{aggregate, counting};
use spend_pipeline::sweep::{self, Sweep};

use crate::bill::{PAYER, session, usage};
use crate::bucket::{Layout, parquet, write_tree};
use crate::commands::{block_on, call};

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}

fn usd(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A `CloudWatch` that remembers how old deliveries are, by export.
#[derive(Default)]
struct Ages(Mutex<Vec<(String, Decimal)>>);

impl Metrics for Ages {
    async fn put(&self, _: &str, data: &[Datum]) -> Result<(), PublishError> {
        let ages = data.iter().filter(|datum| datum.name == "DeliveryAgeHours");
        self.0.lock().unwrap().extend(ages.map(|datum| (datum.dimensions["Export"].clone(), datum.value)));
        Ok(())
    }

    async fn daily_sums(
        &self,
        _: &str,
        series: &[Series],
        _: RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError> {
        Ok(vec![BTreeMap::new(); series.len()])
    }
}

/// What a deployment derives with, by the `[export]` of its configuration.
fn by(export: &str) -> Deriver {
    let config = Config::parse("ledger.toml", &format!("[export]\n{export}")).unwrap();
    Deriver::of_deployment(&config, &Counting::default())
}

/// A bucket, and the ledger of a deployment that is told of every object.
#[derive(Default)]
struct World {
    bucket: Arc<MemoryStore>,
    ledger: MemoryStore,
}

impl World {
    /// A delivery of an export arrives: one row of the payer's, on the first of the month.
    async fn deliver(&self, export: &str, period: &str, cost: f64, now: DateTime<Utc>) {
        self.deliver_of(export, period, &[(PAYER, cost)], now).await;
    }

    /// A delivery with a row for each payer.
    async fn deliver_of(&self, export: &str, period: &str, payers: &[(&str, f64)], now: DateTime<Utc>) {
        self.bucket.set_now(now);
        self.ledger.set_now(now);
        let key = format!("{export}/data/BILLING_PERIOD={period}/{export}-00001.snappy.parquet");
        let manifest = format!("{export}/metadata/BILLING_PERIOD={period}/{export}-Manifest.json");
        let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
        let (day, caller) = (format!("{period}-01"), session("app", "pod"));
        let rows = payers.iter().map(|(payer, cost)| {
            let mut row = usage(&day, &caller, "USE1-Claude4.6Sonnet-input-tokens", *cost);
            row.insert("bill_payer_account_id", (*payer).into());
            row
        });
        let id = format!("{export}-{}", now.timestamp());
        let listed = [key.clone()];
        let bytes = write::manifest(arn, export, Some(&id), &[], "acme", &listed, period.parse().unwrap());
        self.bucket.overwrite(&key, parquet(&rows.collect::<Vec<_>>())).unwrap();
        self.bucket.overwrite(&manifest, bytes.into()).unwrap();
        let kept = KeptTags::default();
        for key in [&key, &manifest] {
            let times = FileTimes::Delivered;
            ingest::object_created(&self.bucket, &self.ledger, Some("acme"), key, times, &kept).await.unwrap();
        }
    }

    async fn sweep(&self, with: &Deriver, now: DateTime<Utc>) -> sweep::Counted {
        self.ledger.set_now(now);
        sweep::ready(&self.ledger, with, now, || Duration::from_hours(1)).await.unwrap()
    }

    /// What is counted of a month, all exports together.
    async fn total(&self, period: &str) -> Decimal {
        let mut total = Decimal::ZERO;
        for statement in committed::statements(&self.ledger).await.unwrap() {
            let (state, _) = committed::state(&self.ledger, &statement).await.unwrap().unwrap();
            for fact in &state.facts {
                if statement.period.to_string() == period {
                    total = total.checked_add(fact.unblended_cost()).unwrap();
                }
            }
        }
        total
    }

    /// How many hours ago exports delivered, as health says it under this `[export]`.
    async fn ages(&self, export: &str, now: DateTime<Utc>) -> Vec<(String, Decimal)> {
        self.ledger.set_now(now);
        let (ages, config) = (Ages::default(), Config::parse("ledger.toml", &format!("[export]\n{export}")).unwrap());
        let published = metrics::publish(&self.ledger, &ages, &config, now, || Duration::MAX).await;
        assert!(published.failures.is_empty(), "{published:?}");
        ages.0.into_inner().unwrap()
    }

    async fn holder(&self, period: &str) -> Option<String> {
        let key = keys::claim_key(PAYER, period.parse().unwrap());
        let (bytes, _) = self.ledger.get(&key).await.unwrap()?;
        let claim: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        Some(claim["export_id"].as_str().unwrap().to_owned())
    }

    async fn notes(&self, subject: &str) -> Vec<String> {
        let mut notes = Vec::new();
        for object in self.ledger.list(keys::NOTES_PREFIX).await.unwrap() {
            let (bytes, _) = self.ledger.get(&object.key).await.unwrap().unwrap();
            let note: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            if note["subject"].as_str().unwrap().starts_with(subject) {
                notes.push(note["body"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
        notes
    }
}

#[test]
fn an_export_that_delivers_months_that_have_not_begun_does_not_take_the_bill_from_the_one_that_delivers_it() {
    block_on(async {
        let (world, with) = (World::default(), by(""));
        world.deliver("cur", "2026-11", 100.0, at("2026-11-20T06:00")).await;
        for period in ["2026-12", "2027-01", "2099-01"] {
            world.deliver("evil", period, 0.01, at("2026-11-20T07:00")).await;
        }
        let counted = world.sweep(&with, at("2026-11-20T08:00")).await;
        assert_eq!((counted.applied, counted.waiting), (1, 3), "{counted:?}");
        assert_eq!((world.holder("2026-12").await, world.total("2026-12").await), (None, Decimal::ZERO));
        // The month begins; the bill of the new one comes a day later, as AWS does it.
        world.deliver("cur", "2026-11", 150.0, at("2026-12-01T06:00")).await;
        for hour in ["2026-11-30T06:00", "2026-12-01T07:00"] {
            world.sweep(&with, at(hour)).await;
            assert_eq!(world.holder("2026-12").await, None, "{hour}");
        }
        world.deliver("cur", "2026-12", 7.0, at("2026-12-02T06:00")).await;
        world.sweep(&with, at("2026-12-02T06:15")).await;
        assert_eq!((world.holder("2026-12").await.as_deref(), world.total("2026-12").await), (Some("cur"), usd("7")));
        assert_eq!(world.total("2026-11").await, usd("150"));
        let told = world.notes("Not counted: evil 2026-12").await;
        assert!(matches!(&told[..], [one] if one.contains("count = [...]")), "{told:?}");
    });
}

#[test]
fn an_export_that_takes_the_place_of_one_that_is_quiet_for_two_days_is_counted_from_the_next_month_on() {
    block_on(async {
        let (world, with) = (World::default(), by(""));
        world.deliver("old", "2026-11", 100.0, at("2026-12-01T06:00")).await;
        world.sweep(&with, at("2026-12-01T06:15")).await;
        world.deliver("new", "2026-12", 5.0, at("2026-12-02T06:00")).await;
        world.sweep(&with, at("2026-12-02T06:15")).await;
        assert_eq!(world.total("2026-12").await, Decimal::ZERO);
        world.sweep(&with, at("2026-12-03T06:15")).await;
        assert_eq!((world.holder("2026-12").await.as_deref(), world.total("2026-12").await), (Some("new"), usd("5")));
    });
}

#[test]
fn an_export_that_was_replaced_is_quiet_and_one_that_is_retired_makes_no_other_wait() {
    block_on(async {
        let (world, with) = (World::default(), by(""));
        world.deliver("old", "2026-11", 100.0, at("2026-12-01T06:00")).await;
        world.sweep(&with, at("2026-12-01T06:15")).await;
        assert_eq!(world.ages("", at("2026-12-01T18:00")).await, [("old".to_owned(), usd("12"))]);
        world.deliver("new", "2026-12", 5.0, at("2026-12-02T06:00")).await;
        world.sweep(&with, at("2026-12-02T06:15")).await;
        assert_eq!(world.ages("", at("2026-12-02T18:00")).await, [("old".to_owned(), usd("36"))], "nobody said why");
        // Whoever replaced it says so: the other need not wait, and months stay as they are.
        let said = "retired = [\"old\"]";
        world.sweep(&by(said), at("2026-12-02T18:15")).await;
        assert_eq!(
            (world.holder("2026-11").await.as_deref(), world.holder("2026-12").await.as_deref()),
            (Some("old"), Some("new"))
        );
        assert_eq!((world.total("2026-11").await, world.total("2026-12").await), (usd("100"), usd("5")));
        // Weeks later its months are still in the book, whether it is named or not.
        world.deliver("new", "2026-12", 6.0, at("2026-12-28T06:00")).await;
        for (export, hour, age) in [(said, "08", "2"), ("", "09", "3")] {
            let now = at(&format!("2026-12-28T{hour}:00"));
            world.sweep(&by(export), now).await;
            assert_eq!(world.ages(export, now).await, [("new".to_owned(), usd(age))], "{export}");
        }
    });
}

#[test]
fn a_month_that_has_not_begun_is_refused_with_an_error_that_says_when_it_does() {
    block_on(async {
        let world = World::default();
        world.deliver("cur", "2026-12", 1.0, at("2026-11-20T06:00")).await;
        let statement = Statement { export_id: "cur".to_owned(), period: "2026-12".parse().unwrap() };
        let ready = world.ledger.list(&statement.deliveries_prefix()).await.unwrap();
        let id = ready.iter().find_map(|object| Statement::from_ready_key(&object.key)).unwrap().1;
        let aggregate =
            async |with: &Deriver, now| aggregate::aggregate(&world.ledger, &statement, &id, with, now).await;
        let error = aggregate(&by(""), at("2026-11-29T23:59")).await.unwrap_err();
        assert_eq!((error.kind(), error.class()), ("export.not_begun", Class::Wait));
        assert!(error.to_string().contains("1 Dec 2026"), "{error}");
        assert!(matches!(aggregate(&by(""), at("2026-11-30T00:00")).await.unwrap(), Aggregated::Applied { .. }));
    });
}

#[test]
fn the_next_month_of_a_bill_waits_for_the_export_that_is_counted_and_says_so() {
    block_on(async {
        let world = World::default();
        world.deliver("old", "2026-11", 5.0, at("2026-11-30T20:00")).await;
        world.sweep(&by(""), at("2026-11-30T20:15")).await;
        world.deliver("new", "2026-12", 1.0, at("2026-12-01T06:00")).await;
        let statement = Statement { export_id: "new".to_owned(), period: "2026-12".parse().unwrap() };
        let ready = world.ledger.list(&statement.deliveries_prefix()).await.unwrap();
        let id = ready.iter().find_map(|object| Statement::from_ready_key(&object.key)).unwrap().1;
        let aggregated = aggregate::aggregate(&world.ledger, &statement, &id, &by(""), at("2026-12-01T06:15")).await;
        let error = aggregated.unwrap_err();
        assert_eq!((error.kind(), error.class()), ("export.incumbent", Class::Wait));
    });
}

#[test]
fn a_claim_that_has_gone_quiet_is_told_of_every_day_until_somebody_decides() {
    block_on(async {
        let (world, with) = (World::default(), by(""));
        world.deliver("evil", "2026-11", 0.01, at("2026-11-10T06:00")).await;
        world.sweep(&with, at("2026-11-10T06:15")).await;
        world.deliver("cur", "2026-11", 100.0, at("2026-11-10T07:00")).await;
        world.sweep(&with, at("2026-11-10T07:15")).await;
        assert_eq!((world.total("2026-11").await, world.notes("Decide").await.len()), (usd("0.01"), 0));
        for (day, told) in [(11, 0), (12, 1), (13, 2), (14, 3)] {
            let now = at(&format!("2026-11-{day}T07:00"));
            world.deliver("cur", "2026-11", 100.0 + f64::from(day), now).await;
            for minutes in [15, 30, 45] {
                world.sweep(&with, now + TimeDelta::minutes(minutes)).await;
            }
            assert_eq!(world.notes("Decide: evil is counted and quiet, cur delivers").await.len(), told, "{day}");
        }
        let note = world.notes("Decide").await.remove(0);
        for part in ["evil, which last delivered 10 Nov", "--payer 111122223333 --period 2026-11 --export-id cur"] {
            assert!(note.contains(part), "{note}");
        }
        // Somebody decides, in the configuration.
        let decided = by(&format!("claims = {{ \"{PAYER}/2026-11\" = \"cur\" }}"));
        let counted = world.sweep(&decided, at("2026-11-15T06:00")).await;
        assert_eq!(counted.failures.len() + counted.troubles.len(), 0, "{counted:?}");
        assert_eq!((world.holder("2026-11").await.as_deref(), world.total("2026-11").await), (Some("cur"), usd("114")));
        let again = world.sweep(&decided, at("2026-11-16T06:00")).await;
        assert_eq!((again.known, again.applied), (again.found, 0));
        // What comes of the other later is not counted.
        world.deliver("evil", "2026-11", 0.02, at("2026-11-16T07:00")).await;
        world.sweep(&decided, at("2026-11-16T07:15")).await;
        assert_eq!((world.total("2026-11").await, world.notes("Decide").await.len()), (usd("114"), 3));
        let book = committed::book(&world.ledger, at("2026-11-16T08:00")).await.unwrap();
        let status = book.status("2026-11".parse().unwrap());
        assert_eq!(status.as_of, Some(at("2026-11-01T11:00")), "nothing of the other says how far the month is known");
    });
}

#[test]
fn exports_and_payers_that_do_not_count_are_told_of_once_and_leave_what_they_had_claimed() {
    block_on(async {
        let world = World::default();
        world.deliver("evil", "2026-11", 0.01, at("2026-11-10T06:00")).await;
        world.sweep(&by(""), at("2026-11-10T06:15")).await;
        world.deliver("cur", "2026-11", 100.0, at("2026-11-10T07:00")).await;
        world.sweep(&by(""), at("2026-11-10T07:15")).await;
        let only = by("count = [\"cur\"]");
        for minutes in [30, 45] {
            world.sweep(&only, at("2026-11-10T07:00") + TimeDelta::minutes(minutes)).await;
        }
        assert_eq!((world.holder("2026-11").await.as_deref(), world.total("2026-11").await), (Some("cur"), usd("100")));
        assert_eq!(world.notes("Not counted: evil").await.len(), 1);
        // And back: nothing is lost.
        let both = by(&format!("claims = {{ \"{PAYER}/2026-11\" = \"evil\" }}"));
        world.sweep(&both, at("2026-11-10T08:00")).await;
        assert_eq!(world.total("2026-11").await, usd("0.01"));
        let counted = world.sweep(&only, at("2026-11-10T08:15")).await;
        assert_eq!(counted.troubles.len() + counted.failures.len(), 0, "{counted:?}");
        assert_eq!(world.total("2026-11").await, usd("100"));
        let other = by("payers = [\"999999999999\"]");
        world.sweep(&other, at("2026-11-10T08:30")).await;
        assert_eq!(world.total("2026-11").await, Decimal::ZERO);
        let told = world.notes("Not counted: cur").await;
        assert!(told.iter().any(|note| note.contains("payer 111122223333")), "{told:?}");
    });
}

/// A ledger that has counted November of `cur`, and its sweep's memory of that.
async fn counted() -> World {
    let world = World::default();
    world.deliver("cur", "2026-11", 100.0, at("2026-11-10T07:00")).await;
    world.sweep(&by(""), at("2026-11-10T07:15")).await;
    assert_eq!(world.total("2026-11").await, usd("100"));
    world
}

#[test]
fn what_a_sweep_that_died_took_out_comes_back_once_the_configuration_counts_it_again() {
    use spend_ledger::store::faulty::{Fault, FaultyStore};
    block_on(async {
        for fault in [Fault::Before, Fault::After] {
            for call in 1.. {
                let world = counted().await;
                let now = at("2026-11-10T07:30");
                let store = FaultyStore::crashing(&world.ledger, call, fault);
                let died = sweep::ready(&store, &by("count = [\"two\"]"), now, || Duration::from_hours(1)).await;
                let calls = store.calls();
                world.sweep(&by(""), at("2026-11-10T07:45")).await;
                assert_eq!(world.total("2026-11").await, usd("100"), "call {call} of {calls}: {died:?}");
                if calls < call {
                    break;
                }
            }
        }
    });
}

#[test]
fn what_a_sweep_with_an_older_configuration_took_out_meanwhile_comes_back_by_the_next() {
    block_on(async {
        let world = counted().await;
        let (memory, _) = world.ledger.get(keys::SWEPT_READY).await.unwrap().unwrap();
        world.sweep(&by("count = [\"two\"]"), at("2026-11-10T07:30")).await;
        assert_eq!(world.total("2026-11").await, Decimal::ZERO);
        // The one with the newer configuration was faster, and wrote this after it.
        world.ledger.overwrite(keys::SWEPT_READY, memory).unwrap();
        world.sweep(&by(""), at("2026-11-10T07:45")).await;
        assert_eq!(world.total("2026-11").await, usd("100"));
    });
}

#[test]
fn what_a_sweep_took_out_that_could_not_finish_comes_back_once_the_configuration_counts_it_again() {
    block_on(async {
        let world = counted().await;
        // A month that cannot be read keeps the sweep from following all of the configuration.
        let broken = Statement { export_id: "cur".to_owned(), period: "2026-10".parse().unwrap() };
        world.ledger.overwrite(&broken.state_key(), "damaged".into()).unwrap();
        for minutes in [30, 45] {
            world.sweep(&by("count = [\"two\"]"), at("2026-11-10T07:00") + TimeDelta::minutes(minutes)).await;
        }
        world.ledger.remove(&broken.state_key());
        world.sweep(&by(""), at("2026-11-10T08:00")).await;
        assert_eq!(world.total("2026-11").await, usd("100"));
    });
}

#[test]
fn a_claim_that_is_moved_moves_the_whole_bill_however_often_and_with_a_crash_anywhere() {
    use spend_ledger::store::faulty::{Fault, FaultyStore};
    block_on(async {
        let moved = async |calls: Option<(u64, Fault)>| {
            let world = World::default();
            world.deliver("evil", "2026-11", 0.01, at("2026-11-10T06:00")).await;
            world.deliver("cur", "2026-11", 100.0, at("2026-11-10T07:00")).await;
            world.sweep(&by(""), at("2026-11-10T07:15")).await;
            assert_eq!(world.total("2026-11").await, usd("0.01"));
            let (period, now) = ("2026-11".parse().unwrap(), at("2026-11-11T06:00"));
            let statement = Statement { export_id: "cur".to_owned(), period };
            let store = match calls {
                None => FaultyStore::failing(&world.ledger, []),
                Some((call, fault)) => FaultyStore::crashing(&world.ledger, call, fault),
            };
            let died = async {
                counting::move_claim(&store, PAYER, period, "cur", now).await?;
                counting::recount(&store, &statement, &Deriver::default(), now).await
            };
            let died = died.await.is_err();
            let calls = store.calls();
            assert!(world.total("2026-11").await <= usd("100"), "never both: {calls}");
            for _ in 0..2 {
                counting::move_claim(&world.ledger, PAYER, period, "cur", now).await.unwrap();
                counting::recount(&world.ledger, &statement, &Deriver::default(), now).await.unwrap();
            }
            assert_eq!(world.total("2026-11").await, usd("100"));
            assert_eq!(world.holder("2026-11").await.as_deref(), Some("cur"));
            (died, calls)
        };
        let (died, calls) = moved(None).await;
        assert!(!died && calls > 8, "{calls}");
        for call in 1..=calls {
            for fault in [Fault::Before, Fault::After] {
                moved(Some((call, fault))).await;
            }
        }
    });
}

#[test]
fn a_choice_of_an_export_that_delivers_nothing_leaves_the_month_as_it_is_until_it_delivers() {
    block_on(async {
        let world = World::default();
        world.deliver("cur", "2026-11", 5.0, at("2026-11-20T06:00")).await;
        world.sweep(&by(""), at("2026-11-20T06:15")).await;
        let with = by("claims = { \"111122223333/2026-11\" = \"next\" }");
        world.sweep(&with, at("2026-11-20T06:30")).await;
        assert_eq!(world.total("2026-11").await, usd("5"));
        world.deliver("cur", "2026-11", 6.0, at("2026-11-20T07:00")).await;
        world.sweep(&with, at("2026-11-20T07:15")).await;
        assert_eq!(world.total("2026-11").await, usd("6"), "the honest export goes on being counted");
        world.deliver("next", "2026-11", 7.0, at("2026-11-20T08:00")).await;
        world.sweep(&with, at("2026-11-20T08:15")).await;
        assert_eq!((world.holder("2026-11").await.as_deref(), world.total("2026-11").await), (Some("next"), usd("7")));
    });
}

#[test]
fn of_two_payers_one_is_moved_and_comes_back_and_the_other_stays() {
    block_on(async {
        let (world, other) = (World::default(), "999988887777");
        world.deliver_of("both", "2026-11", &[(PAYER, 5.0), (other, 3.0)], at("2026-11-20T06:00")).await;
        world.sweep(&by(""), at("2026-11-20T06:15")).await;
        world.deliver_of("one", "2026-11", &[(other, 2.0)], at("2026-11-20T07:00")).await;
        for (export_id, total) in [("one", "7"), ("both", "8"), ("one", "7"), ("both", "8")] {
            let with = by(&format!("claims = {{ \"{other}/2026-11\" = \"{export_id}\" }}"));
            world.sweep(&with, at("2026-11-20T07:15")).await;
            assert_eq!(world.total("2026-11").await, usd(total), "{export_id}");
        }
    });
}

#[test]
fn a_month_that_cannot_be_read_keeps_no_delivery_waiting_where_others_count_than_before() {
    block_on(async {
        let (world, other) = (World::default(), "999988887777");
        world.deliver("cur", "2026-11", 5.0, at("2026-11-20T06:00")).await;
        world.deliver_of("odd", "2026-10", &[(other, 2.0)], at("2026-11-20T06:00")).await;
        world.sweep(&by(""), at("2026-11-20T06:15")).await;
        let damaged = Statement { export_id: "odd".to_owned(), period: "2026-10".parse().unwrap() };
        world.ledger.overwrite(&damaged.state_key(), "damaged".into()).unwrap();
        world.deliver("cur", "2026-11", 6.0, at("2026-11-20T07:00")).await;
        let counted = world.sweep(&by("payers = [\"111122223333\"]"), at("2026-11-20T07:15")).await;
        assert!(counted.applied == 1 && !counted.failures.is_empty(), "{counted:?}");
        let cur = Statement { export_id: "cur".to_owned(), period: "2026-11".parse().unwrap() };
        let (state, _) = committed::state(&world.ledger, &cur).await.unwrap().unwrap();
        assert_eq!(state.facts.row(0).unblended_cost(), usd("6"));
    });
}

#[test]
fn a_payer_that_is_no_account_claims_nothing_and_a_new_one_is_told_of() {
    block_on(async {
        let (world, with) = (World::default(), by(""));
        let (long, now) = ("1".repeat(2048), at("2026-11-20T06:00"));
        world.deliver_of("evil", "2026-11", &[(PAYER, 0.01), (&long, 0.01)], now).await;
        let counted = world.sweep(&with, now).await;
        let told: Vec<_> = counted.troubles.iter().map(|error| (error.kind(), error.to_string().len() < 400)).collect();
        assert_eq!((told, world.holder("2026-11").await), (vec![("export.payer", true)], None));
        world.deliver("cur", "2026-11", 5.0, at("2026-11-20T07:00")).await;
        world.sweep(&with, at("2026-11-20T07:15")).await;
        assert_eq!((world.total("2026-11").await, world.notes("New payer").await.len()), (usd("5"), 0));
        world.deliver_of("many", "2026-11", &[("222233334444", 0.0)], at("2026-11-20T07:30")).await;
        world.sweep(&with, at("2026-11-20T07:45")).await;
        assert_eq!(world.notes("New payer").await.len(), 0, "the ledger is new itself");
        world.deliver_of("evil", "2026-11", &[("999988887777", -900.0)], at("2026-11-22T08:00")).await;
        for minute in ["15", "30"] {
            world.sweep(&with, at(&format!("2026-11-22T08:{minute}"))).await;
        }
        let told = world.notes("New payer: payer 999988887777 is counted, from evil").await;
        assert!(matches!(&told[..], [one] if one.contains("CountedPayers")), "{told:?}");
        world.sweep(&by("payers = [\"111122223333\"]"), at("2026-11-22T08:45")).await;
        assert_eq!(world.total("2026-11").await, usd("5"), "named payers alone are counted");
    });
}

#[test]
fn exports_that_do_not_count_are_not_read() {
    block_on(async {
        let (world, now) = (World::default(), at("2026-11-10T07:00"));
        world.deliver("cur", "2026-11", 100.0, now).await;
        world.deliver("evil", "2026-11", 100.0, now).await;
        let ledger = MemoryStore::default();
        let (counting, kept) = (Counting::only(&["cur".to_owned()], &[]), KeptTags::default());
        let (place, times) = (Place { bucket: "acme", prefix: "" }, FileTimes::Delivered);
        let sweep =
            Sweep { export: &world.bucket, ledger: &ledger, place, times, kept: &kept, counting: &counting, now };
        let swept = sweep.deliveries(|| Duration::from_hours(1)).await.unwrap();
        assert_eq!((swept.ready, swept.uncounted), (1, 1));
        assert_eq!(ledger.list("reductions/").await.unwrap().len(), 1);
        assert!(ledger.list(keys::NOTES_PREFIX).await.unwrap().len() == 2, "deployed, and not counted");
    });
}

#[test]
fn a_month_that_is_too_old_to_be_derived_leaves_quietly_and_keeps_no_other_from_coming_back() {
    block_on(async {
        let world = counted().await;
        world.deliver("cur", "2026-10", 50.0, at("2026-11-10T07:20")).await;
        world.sweep(&by(""), at("2026-11-10T07:25")).await;
        let october = Statement { export_id: "cur".to_owned(), period: "2026-10".parse().unwrap() };
        for object in world.ledger.list(&october.deliveries_prefix()).await.unwrap() {
            world.ledger.remove(&object.key);
        }
        for minutes in [30, 45] {
            let now = at("2026-11-10T07:00") + TimeDelta::minutes(minutes);
            let swept = world.sweep(&by("count = [\"two\"]"), now).await;
            assert_eq!((swept.failures.len(), swept.troubles.len()), (0, 0), "{swept:?}");
        }
        let swept = world.sweep(&by(""), at("2026-11-10T08:00")).await;
        assert_eq!(swept.failures.len(), 1, "{swept:?}");
        assert_eq!((world.total("2026-10").await, world.total("2026-11").await), (Decimal::ZERO, usd("100")));
    });
}

#[test]
fn what_the_command_took_out_comes_back_once_the_configuration_counts_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (export, ledger) = (path("export"), path("ledger"));
    let row = usage("2026-11-02", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", 5.0);
    write_tree(&dir.path().join("export"), &Layout { root: "fin/a", ..Layout::default() }.files([parquet(&[row])]));
    let total_with = |text: &str| {
        std::fs::write(path("ledger.toml"), text).unwrap();
        let (config, now) = (path("ledger.toml"), "2026-11-20T06:00:00Z");
        let run = ["run", "--export", &export, "--ledger", &ledger, "--config", &config, "--now", now];
        call(&run).result.unwrap();
        let report = call(&["report", "--ledger", &ledger, "--by", "currency", "--format", "csv"]);
        report.out.lines().nth(1).map(str::to_owned)
    };
    let all = total_with("");
    assert!(all.as_ref().is_some_and(|line| line.contains('5')), "{all:?}");
    for not_all in ["[export]\ncount = [\"other\"]", "[export]\npayers = [\"999999999999\"]"] {
        assert_eq!(total_with(not_all), None, "{not_all}");
        assert_eq!(total_with(""), all, "{not_all}");
    }
}

#[test]
fn the_command_moves_a_claim_says_what_was_and_is_and_can_be_undone() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (export, ledger) = (path("export"), path("ledger"));
    let chunk =
        |cost| parquet(&[usage("2026-11-02", &session("app", "pod"), "USE1-Claude4.6Sonnet-input-tokens", cost)]);
    let mut files = Layout { root: "fin/a", ..Layout::default() }.files([chunk(5.0)]);
    files.extend(Layout { root: "fin/b", ..Layout::default() }.files([chunk(7.0)]));
    write_tree(&dir.path().join("export"), &files);
    let now = ["--now", "2026-11-20T06:00:00Z"];
    let run = |notes: &str| {
        let run = call(&[&["run", "--export", &export, "--ledger", &ledger][..], &now].concat());
        run.result.unwrap();
        assert!(run.notes.contains(notes), "{}", run.notes);
    };
    run("bedrock-ledger claim --ledger DIR --payer 111122223333 --period 2026-11 --export-id b--19793dcb");
    let claim = |export_id: &str| {
        let of = ["claim", "--ledger", &ledger, "--payer", PAYER, "--period", "2026-11", "--export-id", export_id];
        call(&[&of[..], &now].concat())
    };
    let total = || {
        let report = call(&["report", "--ledger", &ledger, "--by", "currency", "--format", "csv"]);
        report.result.unwrap();
        report.out.lines().nth(1).unwrap().to_owned()
    };
    let said = claim("b--19793dcb").notes;
    assert!(said.contains("it was counted from a--4df9993a, and is from b--19793dcb now"), "{said}");
    assert!(said.contains("a--4df9993a 2026-11: the spend of payer 111122223333 has left the month"), "{said}");
    assert!(total().contains('7'), "{}", total());
    assert!(claim("b--19793dcb").notes.contains("it was counted from b--19793dcb already"));
    run("b--19793dcb 2026-11: delivery one: already known");
    assert!(total().contains('7'), "{}", total());
    call(&["rebuild", "--ledger", &ledger, "--now", "2026-11-20T06:00:00Z"]).result.unwrap();
    assert!(total().contains('7'), "{}", total());
    let doctor = call(&["doctor", "--ledger", &ledger]);
    assert!(doctor.result.is_ok(), "{}", doctor.out);
    let explain = [
        "explain",
        "--export",
        &export,
        "--ledger",
        &ledger,
        "--period",
        "2026-11",
        "--identity",
        "role/app@444455556666",
    ];
    let explained = call(&explain);
    assert!(explained.result.is_ok() && explained.out.contains("in 1 line: the same"), "{}", explained.out);
    claim("a--4df9993a").result.unwrap();
    assert!(total().contains('5'), "{}", total());
    assert!(call(&explain).result.is_ok(), "rows of the export that is not counted are no part of the number");
    // The configuration decides in the same way, there and back.
    for (export_id, cost) in [("b--19793dcb", '7'), ("a--4df9993a", '5'), ("b--19793dcb", '7')] {
        let config = dir.path().join("ledger.toml");
        std::fs::write(&config, format!("[export]\nclaims = {{ \"{PAYER}/2026-11\" = \"{export_id}\" }}\n")).unwrap();
        let of = ["run", "--export", &export, "--ledger", &ledger, "--config", &path("ledger.toml")];
        call(&[&of[..], &now].concat()).result.unwrap();
        assert!(total().contains(cost), "{export_id}: {}", total());
    }
    let of = ["--period", "2026-11", "--export-id", "a--4df9993a"];
    let stranger = call(&[&["claim", "--ledger", &ledger, "--payer", "999988887777"][..], &of].concat());
    assert!(stranger.result.unwrap_err().to_string().contains("was ever counted: the ledger has 111122223333"));
    std::fs::remove_file(dir.path().join("ledger.toml")).unwrap();
    assert!(claim("c").result.unwrap_err().to_string().contains("no delivery of c for 2026-11"));
}
