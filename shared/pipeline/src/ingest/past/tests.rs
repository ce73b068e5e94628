use spend_ledger::store::ETag;

use super::*;
use crate::fixtures::{at, statement};

const T1: &str = "2026-11-10T00:00:00Z";
const T2: &str = "2026-11-11T00:00:00Z";
const T3: &str = "2026-11-12T00:00:00Z";

/// A delivery of an execution, with its manifest's time, and its files: key, version and time.
fn delivery(execution: &str, made: &str, files: &[(&str, &str, &str)]) -> SealedDelivery {
    let chunk = |(key, etag, modified): &(&str, &str, &str)| PinnedChunk {
        key: (*key).to_owned(),
        etag: ETag((*etag).to_owned()),
        size: 1,
        last_modified: at(modified),
    };
    SealedDelivery {
        execution: execution.to_owned(),
        chunks: files.iter().map(chunk).collect(),
        ..crate::fixtures::delivery(&statement("e", "2026-11"), execution, made)
    }
}

fn past(stored: Vec<SealedDelivery>) -> Past {
    let stored = stored.into_iter().map(|delivery| Stored { delivery, is_ready: false }).collect();
    Past { stored, seen: Vec::new() }
}

#[test]
fn a_version_that_another_delivery_pinned_is_that_deliverys() {
    let other = || past(vec![delivery("1", T1, &[("a", "1", T1), ("b", "1", T1)])]);
    let next = delivery("2", T3, &[("a", "1", T1), ("b", "2", T3)]);
    for times in [FileTimes::Delivered, FileTimes::Arriving, FileTimes::Copied] {
        assert_eq!(other().earlier(&next, times), ["a"], "{times:?}");
    }
    let own = SealedDelivery { execution: "1".to_owned(), ..next };
    assert_eq!(other().earlier(&own, FileTimes::Delivered), [""; 0], "of its own manifest");
}

#[test]
fn a_file_that_is_no_newer_than_an_earlier_manifest_is_that_deliverys() {
    let other = || past(vec![delivery("1", T2, &[("same", "1", T1)])]);
    let files = [("old", "x", T1), ("same", "2", T2), ("second", "x", T2), ("young", "x", T3)];
    let next = delivery("2", T3, &files);
    assert_eq!(other().earlier(&next, FileTimes::Delivered), ["old", "second"], "of `same` it had another version");
    assert_eq!(other().earlier(&next, FileTimes::Arriving), [""; 0], "in a replica times say nothing");
    // A manifest that came at the same time, or later, is no earlier one.
    for made in [T3, "2026-11-13T00:00:00Z"] {
        assert_eq!(past(vec![delivery("1", made, &[])]).earlier(&next, FileTimes::Delivered), [""; 0], "{made}");
    }
    // Nor is one in a folder of its own, or one before that.
    let mut folder = delivery("1", T2, &[]);
    folder.order.source = OrderSource::Folder;
    assert_eq!(past(vec![folder]).earlier(&next, FileTimes::Delivered), [""; 0]);
    let mut in_folder = next;
    in_folder.order.source = OrderSource::Folder;
    assert_eq!(other().earlier(&in_folder, FileTimes::Delivered), [""; 0]);
}

#[test]
fn of_several_earlier_manifests_the_last_tells_whose_a_file_of_its_second_is() {
    let first = delivery("1", T1, &[("a", "1", T1), ("b", "1", T1)]);
    let second = delivery("2", T2, &[("b", "2", T2)]);
    let next = delivery("3", T3, &[("a", "3", T2), ("b", "3", T2)]);
    assert_eq!(past(vec![first, second]).earlier(&next, FileTimes::Delivered), ["a"]);
}

#[test]
fn a_manifest_that_was_seen_tells_too_unless_it_is_the_deliverys_own() {
    let next = delivery("2", T3, &[("old", "x", T1), ("young", "x", T3)]);
    for (execution, earlier) in [("1", vec!["old".to_owned()]), ("2", vec![])] {
        let SealedDelivery { export_id, period, order, manifest, .. } = delivery(execution, T2, &[]);
        let seen = SeenManifest { export_id, period, execution: execution.to_owned(), order, manifest };
        let past = Past { stored: Vec::new(), seen: vec![seen] };
        assert_eq!(past.earlier(&next, FileTimes::Delivered), earlier, "{execution}");
    }
}

#[test]
fn files_that_were_taken_as_found_are_the_delivery_that_their_manifest_names() {
    let files = [("a", "1", T1), ("b", "1", T1)];
    let next = delivery("2", T3, &files);
    let earlier = |found: SealedDelivery| past(vec![found]).earlier(&next, FileTimes::Arriving).len();
    let found = |files: &[(&str, &str, &str)], manifest: &str| SealedDelivery {
        unverified: true,
        manifest: manifest.to_owned(),
        ..delivery("1", T1, files)
    };
    assert_eq!(earlier(found(&files, "m")), 0);
    assert_eq!(earlier(found(&files[..1], "")), 0, "without a manifest, those that were there by then");
    assert_eq!(earlier(found(&files[..1], "m")), 1, "a manifest names all of a delivery's");
    assert_eq!(earlier(found(&[("a", "1", T1), ("c", "1", T1)], "")), 1);
    assert_eq!(earlier(SealedDelivery { unverified: false, ..found(&files, "") }), 2);
    assert_eq!(earlier(SealedDelivery { earlier: vec!["a".to_owned()], ..found(&files, "") }), 2);
}

#[test]
fn what_was_sealed_of_a_manifest_comes_in_the_order_in_which_it_was() {
    let named = |id: &str, made: &str, replaces: &[&str]| SealedDelivery {
        delivery_id: id.to_owned(),
        replaces: replaces.iter().map(|id| (*id).to_owned()).collect(),
        ..delivery("1", made, &[])
    };
    let other = delivery("2", T1, &[]);
    let stored = past(vec![named("c", T2, &[]), named("b", T1, &["a"]), other, named("a", T1, &[])]);
    let own: Vec<_> = stored.own(&delivery("1", T3, &[])).iter().map(|own| own.delivery.delivery_id.clone()).collect();
    assert_eq!(own, ["a", "b", "c"]);
}
