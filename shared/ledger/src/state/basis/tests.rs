use super::*;
use crate::reaction_fixtures::{at, book, period};
use crate::state::commit::{DeliveryOrder, OrderSource};
use crate::state::document::{Document, decode, encode};

const NOW: &str = "2026-11-21T06:00:00Z";

fn applied(sequence: u64, delivery_id: &str, revision: u64) -> AppliedDelivery {
    AppliedDelivery {
        sequence,
        delivery_id: delivery_id.to_owned(),
        revision,
        moved: String::new(),
        order: DeliveryOrder { source: OrderSource::LastModified, at: at(NOW) },
        applied_at: at(NOW),
        data_as_of: None,
        unverified: false,
    }
}

/// A month with these commits, by delivery.
fn committed(month: &str, deliveries: &[&str]) -> BookPeriod {
    let commits = deliveries.iter().zip(1..).map(|(delivery, sequence)| applied(sequence, delivery, 0)).collect();
    BookPeriod { commits, ..period(month, Vec::new()) }
}

fn missing(of: Vec<BookPeriod>, from: Vec<BookPeriod>) -> Vec<String> {
    let missing = Basis::of(&book(of), "").missing_from(&book(from), at(NOW));
    missing.iter().map(SetBack::to_string).collect()
}

const KEY: &str = "state/export=finops/period=2026-11.json.zst";

#[test]
fn a_book_with_the_same_or_more_commits_is_not_older() {
    assert_eq!(missing(vec![committed("2026-11", &["a"])], vec![committed("2026-11", &["a"])]), [""; 0]);
    assert_eq!(missing(vec![committed("2026-11", &["a"])], vec![committed("2026-11", &["a", "b"])]), [""; 0]);
    assert_eq!(missing(vec![], vec![committed("2026-11", &["a"])]), [""; 0], "what says nothing knows of none");
}

#[test]
fn a_book_that_lacks_the_newest_commit_is_older_and_both_are_named() {
    let newer = committed("2026-11", &["a", "b"]);
    let expected = format!("{KEY} was put back from commit 2 (delivery b) to commit 1 (delivery a)");
    assert_eq!(missing(vec![newer.clone()], vec![committed("2026-11", &["a"])]), [expected]);
    let expected = format!("{KEY} was put back from commit 2 (delivery b) to commit 3 (delivery d)");
    assert_eq!(missing(vec![newer], vec![committed("2026-11", &["a", "c", "d"])]), [expected], "however many follow");
}

#[test]
fn a_delivery_that_was_derived_again_is_another_commit() {
    let again = |revision| {
        let commits = vec![applied(1, "a", 0), applied(2, "a", revision)];
        BookPeriod { commits, ..period("2026-11", Vec::new()) }
    };
    assert_eq!(missing(vec![again(1)], vec![again(1)]), [""; 0]);
    assert_eq!(missing(vec![again(2)], vec![again(1)]).len(), 1);
}

#[test]
fn a_state_that_is_gone_is_named_and_a_month_that_nobody_looks_at_is_not() {
    let months = |names: &[&str]| names.iter().map(|name| committed(name, &["a"])).collect::<Vec<_>>();
    let gone = missing(months(&["2026-10", "2026-11"]), months(&["2026-10"]));
    assert_eq!(
        gone,
        [format!("{KEY} was removed, or put back to before its first commit; it was at commit 1 (delivery a)")]
    );
    assert_eq!(missing(months(&["2026-08", "2026-11"]), months(&["2026-11"])), [""; 0], "it has left the book");
    assert_eq!(
        missing(months(&["2026-11", "2026-12"]), months(&["2026-11"])),
        [""; 0],
        "it has not begun by this clock"
    );
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    from: Basis,
}

impl Document for Kept {
    const FORMAT: &'static str = "kept";
    const VERSION: u32 = 1;
}

#[test]
fn it_is_stored_sorted_and_a_state_that_lacks_it_says_nothing() {
    let from = Basis::of(&book(vec![committed("2026-11", &["a", "b"]), committed("2026-10", &["z"])]), "hash");
    let bytes = encode(&Kept { from: from.clone() }).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let commit = |period: &str, sequence: u64, delivery_id: &str| {
        serde_json::json!({ "export_id": "finops", "period": period,
                            "commit": { "sequence": sequence, "delivery_id": delivery_id, "revision": 0 } })
    };
    let commits = [commit("2026-10", 1, "z"), commit("2026-11", 2, "b")];
    assert_eq!(document["from"], serde_json::json!({ "configuration": "hash", "commits": commits }));
    assert_eq!(decode::<Kept>("k", &bytes).unwrap(), Kept { from });
    let old: Kept = decode("k", &bytes::Bytes::from_static(b"{\"format\": \"kept/1\"}")).unwrap();
    assert_eq!(old.from, Basis::default());
}
