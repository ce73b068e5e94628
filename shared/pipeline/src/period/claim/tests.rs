use spend_core::bill::line::{LineTable, ScanCounts};
use spend_core::errors::fault::Fault as _;
use spend_ledger::store::around::{Access, Around};
use spend_ledger::store::memory::MemoryStore;

use super::*;
use crate::fixtures::{
    Meddler, PAYER, at, by_hand, copy, counted, deliver, delivery, deployed, make_ready, objects, statement, usd,
};
use crate::period::aggregate::aggregate;

const OTHER: &str = "444455556666";
const NOW: &str = "2026-11-20T06:00:00Z";

/// An export delivers a month, with a row of 1 USD for each payer; what becomes of it.
async fn try_at(
    ledger: &MemoryStore,
    (export, period): (&str, &str),
    payers: &[&str],
    with: &Deriver,
    now: &str,
) -> Result<Aggregated, PipelineError> {
    let of = statement(export, period);
    let rows: Vec<_> = payers.iter().map(|payer| (*payer, "1")).collect();
    ledger.set_now(at(now));
    let id = format!("{export}-{now}");
    deliver(ledger, &delivery(&of, &id, now), &rows);
    aggregate(ledger, &of, &id, with, at(now)).await
}

async fn deliver_at(ledger: &MemoryStore, of: (&str, &str), payers: &[&str], with: &Deriver, now: &str) -> Aggregated {
    try_at(ledger, of, payers, with, now).await.unwrap()
}

/// A delivery of November by hand.
async fn november(ledger: &MemoryStore, export: &str, payers: &[&str], with: &Deriver) -> Aggregated {
    deliver_at(ledger, (export, "2026-11"), payers, with, NOW).await
}

fn overlapping(payer: &str, counted: &str) -> Aggregated {
    Aggregated::Overlapping { payer: payer.to_owned(), counted: counted.to_owned() }
}

async fn claims(ledger: &MemoryStore) -> Vec<(String, String)> {
    let mut claims = Vec::new();
    for found in all(ledger).await.unwrap() {
        let (export, _) = holder(ledger, &found.key).await.unwrap().unwrap();
        claims.push((format!("{}/{}", found.payer, found.period), export));
    }
    claims
}

const APPLIED: Aggregated = Aggregated::Applied { sequence: 1 };

#[tokio::test]
async fn a_payer_that_is_no_account_is_refused_before_anything_is_written() {
    for payer in ["11112222333", "1111222233334", "11112222333x", "../../state"] {
        let ledger = MemoryStore::default();
        let error = try_at(&ledger, ("a", "2026-11"), &[PAYER, payer], &by_hand(""), NOW).await.unwrap_err();
        assert_eq!(error.kind(), "export.payer", "{payer}");
        assert_eq!(claims(&ledger).await, [], "{payer}");
    }
}

#[tokio::test]
async fn a_payer_that_the_configuration_does_not_count_is_not_claimed() {
    let (ledger, with) = (MemoryStore::default(), by_hand(&format!("payers = [\"{PAYER}\"]")));
    let outcome = november(&ledger, "a", &[PAYER, OTHER], &with).await;
    assert_eq!(outcome, Aggregated::NotCounted { payer: Some(OTHER.to_owned()) });
    assert_eq!(claims(&ledger).await, []);
    assert_eq!(november(&ledger, "a", &[PAYER], &with).await, APPLIED);
}

#[tokio::test]
async fn the_export_that_comes_second_is_not_counted_and_claims_nothing() {
    let (ledger, with) = (MemoryStore::default(), by_hand(""));
    assert_eq!(november(&ledger, "a", &[PAYER], &with).await, APPLIED);
    assert_eq!(november(&ledger, "b", &[PAYER, OTHER], &with).await, overlapping(PAYER, "a"));
    assert_eq!(claims(&ledger).await, [(format!("{PAYER}/2026-11"), "a".to_owned())]);
    assert_eq!(november(&ledger, "b", &[OTHER], &with).await, APPLIED, "another payer's month is free");
    let december = deliver_at(&ledger, ("b", "2026-12"), &[PAYER], &with, NOW).await;
    assert_eq!(december, APPLIED, "and so is another month");
}

#[tokio::test]
async fn rows_without_a_payer_may_be_of_any_and_overlap_with_all() {
    let (ledger, with) = (MemoryStore::default(), by_hand(""));
    assert_eq!(november(&ledger, "a", &[PAYER], &with).await, APPLIED);
    assert_eq!(november(&ledger, "b", &[""], &with).await, overlapping("", "a"));
    let (ledger, with) = (MemoryStore::default(), by_hand(""));
    assert_eq!(november(&ledger, "a", &[""], &with).await, APPLIED);
    assert_eq!(november(&ledger, "b", &[PAYER], &with).await, overlapping("", "a"));
    assert_eq!(november(&ledger, "b", &[], &with).await, APPLIED, "without any row there is nothing to overlap");
    let again = deliver_at(&ledger, ("a", "2026-11"), &["", PAYER], &with, "2026-11-21T06:00:00Z").await;
    assert_eq!(again, Aggregated::Applied { sequence: 2 }, "its own claim stands in nobody's way");
}

#[tokio::test]
async fn the_chosen_export_takes_the_month_and_the_others_facts_leave_it_first() {
    let ledger = MemoryStore::default();
    november(&ledger, "a", &[PAYER, OTHER], &by_hand("")).await;
    let chosen = by_hand(&format!("claims = {{ \"{PAYER}/2026-11\" = \"b\" }}"));
    // As long as the chosen export has delivered nothing, choosing it would leave the month empty.
    let again = deliver_at(&ledger, ("a", "2026-11"), &[PAYER, OTHER], &chosen, "2026-11-21T06:00:00Z").await;
    assert_eq!(again, Aggregated::Applied { sequence: 2 });
    assert_eq!(november(&ledger, "b", &[PAYER], &chosen).await, APPLIED);
    assert_eq!(counted(&ledger, &statement("a", "2026-11")).await, Some(usd("1")), "the other payer stays");
    assert_eq!(counted(&ledger, &statement("b", "2026-11")).await, Some(usd("1")));
    let third = deliver_at(&ledger, ("a", "2026-11"), &[PAYER], &chosen, "2026-11-22T06:00:00Z").await;
    assert_eq!(third, overlapping(PAYER, "b"));
    // Chosen for one payer alone: another's claim does not give way.
    let error = deliver_at(&ledger, ("b", "2026-11"), &[PAYER, OTHER], &chosen, "2026-11-22T06:00:00Z").await;
    assert_eq!(error, overlapping(OTHER, "a"));
}

#[tokio::test]
async fn a_claim_without_a_payer_gives_way_to_an_export_that_was_given_one() {
    let ledger = MemoryStore::default();
    november(&ledger, "a", &[""], &by_hand("")).await;
    let chosen = by_hand(&format!("claims = {{ \"{PAYER}/2026-11\" = \"b\" }}"));
    assert_eq!(november(&ledger, "b", &[OTHER], &chosen).await, overlapping("", "a"), "it was not given this one");
    assert_eq!(november(&ledger, "b", &[PAYER], &chosen).await, APPLIED);
    assert_eq!(counted(&ledger, &statement("a", "2026-11")).await, Some(usd("0")));
}

#[tokio::test]
async fn a_claim_of_an_export_that_does_not_count_gives_way() {
    let ledger = MemoryStore::default();
    november(&ledger, "a", &[PAYER], &by_hand("")).await;
    assert_eq!(november(&ledger, "b", &[PAYER], &by_hand("count = [\"a\", \"b\"]")).await, overlapping(PAYER, "a"));
    assert_eq!(november(&ledger, "b", &[PAYER], &by_hand("count = [\"b\"]")).await, APPLIED);
    assert_eq!(claims(&ledger).await, [(format!("{PAYER}/2026-11"), "b".to_owned())]);
    assert_eq!(counted(&ledger, &statement("a", "2026-11")).await, Some(usd("0")));
}

#[tokio::test]
async fn who_is_faster_has_the_claim() {
    let ledger = MemoryStore::default();
    let one = delivery(&statement("a", "2026-11"), "one", NOW);
    deliver(&ledger, &one, &[(PAYER, "1")]);
    for (faster, outcome) in [("b", overlapping(PAYER, "b")), ("a", APPLIED)] {
        let (ledger, twin) = (copy(&ledger).await, MemoryStore::default());
        let key = keys::claim_key(PAYER, one.period);
        twin.overwrite(&key, encode(&Claim { export_id: faster.to_owned() }).unwrap()).unwrap();
        let before = Meddler::before(Access::PutIfAbsent, key, &ledger, &twin).await;
        let store = Around { inner: &ledger, before };
        assert_eq!(aggregate(&store, &one.statement(), "one", &by_hand(""), at(NOW)).await.unwrap(), outcome);
    }
}

#[tokio::test]
async fn a_claim_that_changes_while_it_is_moved_is_not_moved() {
    let ledger = MemoryStore::default();
    november(&ledger, "a", &[PAYER], &by_hand("")).await;
    let one = delivery(&statement("b", "2026-11"), "one", NOW);
    deliver(&ledger, &one, &[(PAYER, "1")]);
    let (key, twin) = (keys::claim_key(PAYER, one.period), MemoryStore::default());
    twin.overwrite(&key, encode(&Claim { export_id: "c".to_owned() }).unwrap()).unwrap();
    let before = Meddler::before(Access::PutIfMatch, key, &ledger, &twin).await;
    let (store, with) = (Around { inner: &ledger, before }, by_hand("count = [\"b\", \"c\"]"));
    let error = aggregate(&store, &one.statement(), "one", &with, at(NOW)).await.unwrap_err();
    assert_eq!(error.kind(), "store.conflict");
    assert_eq!(counted(&ledger, &one.statement()).await, None);
}

/// In a deployment `a` has October, delivered on the last of the month at noon.
async fn october() -> MemoryStore {
    let ledger = MemoryStore::default();
    deliver_at(&ledger, ("a", "2026-10"), &[PAYER], &deployed(""), "2026-10-31T12:00:00Z").await;
    ledger
}

/// What becomes of November from `b`: the error's kind, or the outcome's name.
async fn newcomer(ledger: &MemoryStore, with: &Deriver, now: &str) -> String {
    match try_at(ledger, ("b", "2026-11"), &[PAYER], with, now).await {
        Ok(outcome) => outcome.as_str().to_owned(),
        Err(error) => error.kind().to_owned(),
    }
}

#[tokio::test]
async fn a_new_month_belongs_to_the_export_of_the_last_until_it_is_quiet_for_two_days() {
    let (still, quiet) = ("2026-11-02T11:59:59Z", "2026-11-02T12:00:00Z");
    assert_eq!(newcomer(&october().await, &deployed(""), still).await, "export.incumbent");
    assert_eq!(newcomer(&october().await, &deployed(""), quiet).await, "applied");
    assert_eq!(newcomer(&october().await, &by_hand(""), still).await, "applied", "a person names the files");
    assert_eq!(newcomer(&october().await, &deployed("retired = [\"a\"]"), still).await, "applied");
    assert_eq!(newcomer(&october().await, &deployed("count = [\"b\"]"), still).await, "applied");
    let chosen = format!("claims = {{ \"{PAYER}/2026-11\" = \"b\" }}");
    assert_eq!(newcomer(&october().await, &deployed(&chosen), still).await, "applied");
    let own = deliver_at(&october().await, ("a", "2026-11"), &[PAYER], &deployed(""), still).await;
    assert_eq!(own, APPLIED);
}

#[tokio::test]
async fn an_export_that_has_claimed_its_month_already_asks_nobody() {
    let ledger = october().await;
    let key = keys::claim_key(PAYER, "2026-11".parse().unwrap());
    ledger.overwrite(&key, encode(&Claim { export_id: "b".to_owned() }).unwrap()).unwrap();
    assert_eq!(newcomer(&ledger, &deployed(""), "2026-11-01T12:00:00Z").await, "applied");
}

#[tokio::test]
async fn a_delivery_without_a_row_shows_that_an_export_still_delivers() {
    let ledger = october().await;
    let of = statement("a", "2026-11");
    let empty = delivery(&of, "empty", "2026-11-02T00:00:00Z");
    make_ready(&ledger, &empty, LineTable::default(), ScanCounts::default());
    aggregate(&ledger, &of, "empty", &deployed(""), at("2026-11-02T00:00:00Z")).await.unwrap();
    assert_eq!(newcomer(&ledger, &deployed(""), "2026-11-03T23:59:59Z").await, "export.incumbent");
    assert_eq!(newcomer(&ledger, &deployed(""), "2026-11-04T00:00:00Z").await, "applied");
}

#[tokio::test]
async fn what_an_export_delivers_of_months_before_the_last_does_not_keep_it_in_office() {
    let ledger = october().await;
    // Another payer's month, delivered late.
    deliver_at(&ledger, ("a", "2026-09"), &[OTHER], &deployed(""), "2026-11-03T00:00:00Z").await;
    // And another export's, just now.
    deliver_at(&ledger, ("c", "2026-11"), &[OTHER], &deployed(""), "2026-11-10T00:00:00Z").await;
    assert_eq!(newcomer(&ledger, &deployed(""), "2026-11-03T01:00:00Z").await, "applied");
}

#[tokio::test]
async fn the_times_of_copied_files_keep_nobody_in_office() {
    let (ledger, of) = (MemoryStore::default(), statement("a", "2026-10"));
    let mut copied = delivery(&of, "copied", "2026-10-31T12:00:00Z");
    copied.order.source = OrderSource::Arrival;
    deliver(&ledger, &copied, &[(PAYER, "1")]);
    aggregate(&ledger, &of, "copied", &deployed(""), at("2026-10-31T12:00:00Z")).await.unwrap();
    assert_eq!(newcomer(&ledger, &deployed(""), "2026-10-31T13:00:00Z").await, "applied");
}

#[tokio::test]
async fn the_last_month_before_says_whose_the_next_is() {
    let (ledger, with) = (MemoryStore::default(), deployed(""));
    deliver_at(&ledger, ("b", "2026-09"), &[PAYER], &by_hand(""), "2026-10-30T00:00:00Z").await;
    deliver_at(&ledger, ("a", "2026-10"), &[PAYER], &by_hand(""), "2026-10-31T12:00:00Z").await;
    assert_eq!(newcomer(&ledger, &with, "2026-11-01T12:00:00Z").await, "export.incumbent");
    // A later month, or the same month of nobody yet, is no month before.
    let ledger = MemoryStore::default();
    deliver_at(&ledger, ("a", "2026-12"), &[PAYER], &by_hand(""), "2026-10-31T12:00:00Z").await;
    assert_eq!(newcomer(&ledger, &with, "2026-11-01T12:00:00Z").await, "applied");
}

/// The ids of the notes that were left.
async fn notes(ledger: &MemoryStore) -> usize {
    let objects = objects(ledger).await;
    objects.iter().filter(|(key, _)| key.starts_with("operations/notes/")).count()
}

#[tokio::test]
async fn operations_is_told_of_a_new_payer_but_on_the_first_day() {
    let with = deployed("");
    for (now, told) in [("2026-11-02T00:00:00Z", 0), ("2026-11-02T00:00:01Z", 1)] {
        let ledger = MemoryStore::default();
        deliver_at(&ledger, ("a", "2026-11"), &[PAYER], &with, "2026-11-01T00:00:00Z").await;
        let by_person = copy(&ledger).await;
        assert_eq!(deliver_at(&ledger, ("b", "2026-11"), &[OTHER], &with, now).await, APPLIED);
        assert_eq!(notes(&ledger).await, told, "{now}");
        let again = deliver_at(&ledger, ("b", "2026-12"), &[OTHER], &with, "2026-12-02T00:00:00Z").await;
        assert_eq!((again, notes(&ledger).await), (APPLIED, told), "it is known by then");
        deliver_at(&by_person, ("b", "2026-11"), &[OTHER], &by_hand(""), "2026-11-09T00:00:00Z").await;
        assert_eq!(notes(&by_person).await, 0, "who names the files knows the payer");
    }
}
