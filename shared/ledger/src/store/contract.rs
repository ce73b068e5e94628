//! What every store must do: one set of tests, run against each implementation, in this package and (by the feature
//! `contract`) in others, by [`store_contract!`](crate::store_contract!).

#![expect(missing_docs, reason = "the names of the cases are sentences")]
#![expect(clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used, reason = "a test that panics has failed")]
#![expect(clippy::indexing_slicing, reason = "a test that panics has failed")]

use bytes::Bytes;
use spend_core::errors::fault::Fault as _;

use crate::store::{ETag, Put, Store, StoreError};

async fn put<S: Store>(store: &S, key: &str, text: &str) -> ETag {
    match store.put_if_absent(key, Bytes::copy_from_slice(text.as_bytes())).await.unwrap() {
        Put::Written(etag) => etag,
        Put::Lost => panic!("{key} is there"),
    }
}

async fn text<S: Store>(store: &S, key: &str) -> Option<String> {
    store.get(key).await.unwrap().map(|(bytes, _)| String::from_utf8(bytes.to_vec()).unwrap())
}

async fn keys<S: Store>(store: &S, prefix: &str) -> Vec<String> {
    store.list(prefix).await.unwrap().into_iter().map(|found| found.key).collect()
}

pub async fn what_is_written_is_read_back<S: Store>(store: &S) {
    let etag = put(store, "a/b.json", "text").await;
    assert_eq!(store.get("a/b.json").await.unwrap(), Some((Bytes::from_static(b"text"), etag.clone())));
    let head = store.head("a/b.json").await.unwrap().unwrap();
    assert_eq!((head.key.as_str(), head.size, &head.etag), ("a/b.json", 4, &etag));
    let listed = store.list("").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].key.as_str(), listed[0].size), ("a/b.json", 4));
    assert_eq!(listed[0].last_modified, head.last_modified);
    assert_eq!(head.last_modified.timestamp_subsec_nanos(), 0);
}

pub async fn an_empty_object_is_an_object<S: Store>(store: &S) {
    let etag = put(store, "empty", "").await;
    assert_eq!(store.get("empty").await.unwrap(), Some((Bytes::new(), etag.clone())));
    assert_eq!(store.get_range("empty", 0..0, &etag).await.unwrap(), Bytes::new());
    assert_eq!(store.put_if_absent("empty", Bytes::from_static(b"x")).await.unwrap(), Put::Lost);
}

pub async fn what_is_not_there_is_none<S: Store>(store: &S) {
    put(store, "folder/object", "x").await;
    for key in ["none", "folder", "folder/none", "folder/object/none", "none/none"] {
        assert_eq!(store.get(key).await.unwrap(), None, "{key}");
        assert_eq!(store.head(key).await.unwrap(), None, "{key}");
        let error = store.get_range(key, 0..1, &ETag("x".to_owned())).await.unwrap_err();
        assert_eq!(error.kind(), "store.not_found", "{key}");
        assert_eq!(keys(store, &format!("{key}0")).await, Vec::<String>::new(), "{key}");
    }
}

pub async fn put_if_absent_writes_once<S: Store>(store: &S) {
    put(store, "once", "first").await;
    assert_eq!(store.put_if_absent("once", Bytes::from_static(b"second")).await.unwrap(), Put::Lost);
    assert_eq!(store.put_if_absent("once", Bytes::from_static(b"first")).await.unwrap(), Put::Lost);
    assert_eq!(text(store, "once").await.as_deref(), Some("first"));
}

pub async fn put_if_match_replaces_that_version_alone<S: Store>(store: &S) {
    let missing = store.put_if_match("state", Bytes::from_static(b"x"), &ETag("x".to_owned())).await;
    assert_eq!(missing.unwrap(), Put::Lost);
    assert_eq!(text(store, "state").await, None);
    let first = put(store, "state", "1").await;
    let Put::Written(second) = store.put_if_match("state", Bytes::from_static(b"2"), &first).await.unwrap() else {
        panic!("the version was current");
    };
    assert_ne!(first, second);
    assert_eq!(store.put_if_match("state", Bytes::from_static(b"3"), &first).await.unwrap(), Put::Lost);
    assert_eq!(store.get("state").await.unwrap(), Some((Bytes::from_static(b"2"), second)));
}

pub async fn a_range_is_pinned_to_its_version<S: Store>(store: &S) {
    let first = put(store, "chunk", "0123456789").await;
    assert_eq!(store.get_range("chunk", 2..5, &first).await.unwrap(), Bytes::from_static(b"234"));
    assert_eq!(store.get_range("chunk", 0..10, &first).await.unwrap(), Bytes::from_static(b"0123456789"));
    assert!(matches!(
        store.put_if_match("chunk", Bytes::from_static(b"9876543210"), &first).await.unwrap(),
        Put::Written(_)
    ));
    let error = store.get_range("chunk", 2..5, &first).await.unwrap_err();
    assert!(matches!(&error, StoreError::Replaced { key, etag } if key == "chunk" && *etag == first), "{error}");
}

#[expect(clippy::reversed_empty_ranges, reason = "a caller may compute one from a damaged index")]
pub async fn a_range_outside_the_object_is_an_error<S: Store>(store: &S) {
    let etag = put(store, "chunk", "0123456789").await;
    for range in [9..11, 10..11, 7..3, 0..u64::MAX, u64::MAX..u64::MAX] {
        let error = store.get_range("chunk", range.clone(), &etag).await.unwrap_err();
        assert_eq!(error.kind(), "store.bad_range", "{range:?}");
    }
    assert_eq!(store.get_range("chunk", 10..10, &etag).await.unwrap(), Bytes::new());
}

pub async fn equal_contents_have_equal_tags<S: Store>(store: &S) {
    let one = put(store, "one", "same").await;
    let two = put(store, "two", "same").await;
    let three = put(store, "three", "other").await;
    assert_eq!(one, two);
    assert_ne!(one, three);
}

pub async fn a_listing_is_sorted_by_the_whole_key<S: Store>(store: &S) {
    let sorted = ["a.b/x", "a/b", "a/c/d", "a0", "ab/c", "b", "é", "\u{10ffff}"];
    for key in sorted.iter().rev() {
        put(store, key, key).await;
    }
    assert_eq!(keys(store, "").await, sorted);
}

pub async fn a_prefix_is_a_string_and_not_a_folder<S: Store>(store: &S) {
    for key in ["data/x-1", "data/x-2", "data/y/z", "database", "meta/x"] {
        put(store, key, "").await;
    }
    for (prefix, found) in [
        ("dat", vec!["data/x-1", "data/x-2", "data/y/z", "database"]),
        ("data/", vec!["data/x-1", "data/x-2", "data/y/z"]),
        ("data/x", vec!["data/x-1", "data/x-2"]),
        ("data/x-1", vec!["data/x-1"]),
        ("data/x-1/", vec![]),
        ("data/y", vec!["data/y/z"]),
        ("data/y/", vec!["data/y/z"]),
        ("data/n/", vec![]),
        ("z", vec![]),
        ("/", vec![]),
        ("data//", vec![]),
        ("./", vec![]),
        ("../", vec![]),
        ("data/../meta/", vec![]),
    ] {
        assert_eq!(keys(store, prefix).await, found, "{prefix}");
    }
}

pub async fn a_bad_key_is_refused_by_every_method<S: Store>(store: &S) {
    let long = "k".repeat(1025);
    let (bytes, etag) = (Bytes::from_static(b"x"), ETag("x".to_owned()));
    for key in ["", "//a", "/../a", "a//b", "a/", "/", ".", "..", "a/../b", "../a", "./a", "a\0b", &long] {
        let errors = [
            store.get(key).await.unwrap_err(),
            store.get_range(key, 0..1, &etag).await.unwrap_err(),
            store.head(key).await.unwrap_err(),
            store.put_if_absent(key, bytes.clone()).await.unwrap_err(),
            store.put_if_match(key, bytes.clone(), &etag).await.unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.kind() == "store.bad_key"), "{key:?}: {errors:?}");
    }
    assert_eq!(keys(store, "").await, Vec::<String>::new());
}

pub async fn a_key_may_begin_with_a_slash<S: Store>(store: &S) {
    let etag = put(store, "/fin/e", "text").await;
    assert_eq!(text(store, "/fin/e").await.as_deref(), Some("text"));
    let head = store.head("/fin/e").await.unwrap().unwrap();
    assert_eq!((head.key.as_str(), &head.etag), ("/fin/e", &etag));
    assert_eq!(store.get_range("/fin/e", 1..3, &etag).await.unwrap(), Bytes::from_static(b"ex"));
    assert_eq!(store.put_if_absent("/fin/e", Bytes::new()).await.unwrap(), Put::Lost);
    assert_eq!(store.list("").await.unwrap().len(), 1);
}

/// The contract for one implementation: tests in the module `$implementation`. `$new` makes an empty store and what must
/// outlive it; it may await.
#[macro_export]
macro_rules! store_contract {
    ($implementation:ident, $new:expr) => {
        $crate::store_contract!(@cases $implementation, $new,
            what_is_written_is_read_back,
            an_empty_object_is_an_object,
            what_is_not_there_is_none,
            put_if_absent_writes_once,
            put_if_match_replaces_that_version_alone,
            a_range_is_pinned_to_its_version,
            a_range_outside_the_object_is_an_error,
            equal_contents_have_equal_tags,
            a_listing_is_sorted_by_the_whole_key,
            a_prefix_is_a_string_and_not_a_folder,
            a_bad_key_is_refused_by_every_method,
            a_key_may_begin_with_a_slash);
    };
    (@cases $implementation:ident, $new:expr, $($case:ident),+) => {
        mod $implementation {
            $(#[tokio::test]
            async fn $case() {
                let (store, _kept) = $new;
                $crate::store::contract::$case(&store).await;
            })+
        }
    };
}

#[cfg(test)]
mod here;
