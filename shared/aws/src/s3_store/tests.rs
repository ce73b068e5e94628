mod bucket;

use crate::s3_store::tests::bucket::{bucket, error, tag};
use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;

use super::*;
use crate::wire::{Reply, Wire, serve, serve_in_turn};

spend_ledger::store_contract!(over_the_wire, super::bucket::bucket().await);

fn store(wire: &Wire) -> S3Store {
    S3Store::new(&wire.config(), "bucket", "")
}

async fn in_turn(replies: impl IntoIterator<Item = Reply>) -> (S3Store, Wire) {
    let wire = serve_in_turn(replies.into_iter().map(Some).collect()).await;
    (store(&wire), wire)
}

fn object(bytes: &'static [u8]) -> Reply {
    Reply::new(200, bytes).with("etag", tag(bytes)).with("last-modified", "Fri, 20 Nov 2026 06:00:00 GMT")
}

fn written(bytes: &'static [u8]) -> Put {
    Put::Written(unquoted(&tag(bytes)))
}

/// Keys that some layer could take for something else.
const ODD_KEYS: [&str; 10] = [
    "a b/c+d.json",
    "period=2026-11/x%3Dy%20z",
    "arn:aws:iam::123456789012:role/x",
    "/begins/with/a/slash",
    "größe/\u{1f980}/e\u{301}",
    "a&b?c#d;e",
    "quo\"te'<tag>&amp;",
    "~tilde(1)!*$@,",
    "tab\tand\u{1}control",
    "2026-11-20T06:00:00Z",
];

#[tokio::test]
async fn odd_keys_survive_the_trip() {
    let (store, _wire) = bucket().await;
    for key in ODD_KEYS {
        assert!(matches!(store.put_if_absent(key, Bytes::from(key)).await, Ok(Put::Written(_))), "{key:?}");
    }
    for key in ODD_KEYS {
        let (bytes, etag) = store.get(key).await.unwrap().unwrap();
        assert_eq!(bytes, key.as_bytes());
        assert_eq!(store.get_range(key, 0..1, &etag).await.unwrap(), &key.as_bytes()[..1]);
        assert_eq!(store.head(key).await.unwrap().unwrap().etag, etag);
    }
    let listed: Vec<_> = store.list("").await.unwrap().into_iter().map(|found| found.key).collect();
    let mut sorted = ODD_KEYS;
    sorted.sort_unstable();
    assert_eq!(listed, sorted);
}

#[tokio::test]
async fn what_is_written_says_what_it_is() {
    let (store, wire) = bucket().await;
    let types = [
        ("pages/period=2026-11.html", "text/html; charset=utf-8"),
        ("chargeback/period=2026-11/showback.csv", "text/csv; charset=utf-8"),
        ("pages/period=2026-11.json", "application/json"),
        ("config/in-force.toml", "application/toml"),
        ("facts/facts.parquet", "application/vnd.apache.parquet"),
        ("state/period=2026-11.json.zst", "application/zstd"),
        ("a.b/none", "application/octet-stream"),
    ];
    for (key, expected) in types {
        let Put::Written(etag) = store.put_if_absent(key, Bytes::new()).await.unwrap() else { panic!("{key}") };
        assert!(matches!(store.put_if_match(key, Bytes::from(key), &etag).await, Ok(Put::Written(_))));
        for request in wire.requests().iter().rev().take(2) {
            assert_eq!(request.header("content-type"), Some(expected), "{key}");
        }
    }
}

#[tokio::test]
async fn a_prefix_stands_before_every_key_and_is_never_seen() {
    let (whole, wire) = bucket().await;
    let part = S3Store::new(&wire.config(), "bucket", "team a/");
    for key in ["x", "y/z"] {
        assert!(matches!(part.put_if_absent(key, Bytes::from(key)).await, Ok(Put::Written(_))));
    }
    // As the console makes a folder, and what is beside it.
    for key in ["team a-z", "other"] {
        assert!(matches!(whole.put_if_absent(key, Bytes::new()).await, Ok(Put::Written(_))));
    }
    let keys = async |store: &S3Store, prefix: &str| -> Vec<String> {
        store.list(prefix).await.unwrap().into_iter().map(|found| found.key).collect()
    };
    assert_eq!(keys(&part, "").await, ["x", "y/z"]);
    assert_eq!(keys(&part, "y").await, ["y/z"]);
    assert_eq!(keys(&whole, "team a/").await, ["team a/x", "team a/y/z"]);
    assert_eq!(part.head("x").await.unwrap().unwrap().key, "x");
    let long = part.get(&"k".repeat(MAX_KEY_BYTES)).await.unwrap_err();
    assert_eq!(long.kind(), "store.bad_key");
}

#[tokio::test]
async fn reads_are_pinned_and_writes_are_conditional_on_the_wire() {
    let (store, wire) = bucket().await;
    let Put::Written(etag) = store.put_if_absent("k", Bytes::from_static(b"0123")).await.unwrap() else { panic!() };
    store.get_range("k", 1..3, &etag).await.unwrap();
    assert!(matches!(store.put_if_match("k", Bytes::from_static(b"x"), &etag).await, Ok(Put::Written(_))));
    let conditions = ["if-none-match", "if-match", "range"];
    let seen: Vec<_> =
        wire.requests().iter().map(|request| conditions.map(|name| request.header(name).map(str::to_owned))).collect();
    let quoted = Some(format!("\"{etag}\""));
    let expected = [
        [Some("*".to_owned()), None, None],
        [None, quoted.clone(), Some("bytes=1-2".to_owned())],
        [None, quoted, None],
    ];
    assert_eq!(seen, expected);
    assert!(wire.requests().iter().all(|request| request.path == "/bucket/k"));
}

#[tokio::test]
async fn an_object_says_which_build_wrote_it_beside_its_bytes() {
    let (store, wire) = bucket().await;
    let Put::Written(etag) = store.put_if_absent("k", Bytes::from_static(b"0")).await.unwrap() else { panic!() };
    let (Put::Written(_) | Put::Lost) = store.put_if_match("k", Bytes::from_static(b"1"), &etag).await.unwrap();
    let said: Vec<_> =
        wire.requests().iter().map(|it| it.header("x-amz-meta-written-by").unwrap_or_default().to_owned()).collect();
    assert_eq!(said, [build::name(); 2]);
    assert_eq!(store.get("k").await.unwrap().unwrap().0, Bytes::from_static(b"1"));
}

#[tokio::test]
async fn a_conflict_is_tried_again() {
    let conflict = || error(409, "ConditionalRequestConflict");
    let (store, wire) = in_turn([conflict(), conflict(), object(b"x")]).await;
    assert_eq!(store.put_if_absent("k", Bytes::from_static(b"x")).await.unwrap(), written(b"x"));
    assert_eq!(wire.requests().len(), 3);
}

#[tokio::test]
async fn what_fails_before_412_may_have_been_our_own_write() {
    for doubtful in [None, Some(Reply::new(500, "")), Some(error(503, "SlowDown"))] {
        let met = Some(error(412, "PreconditionFailed"));
        let ours = serve_in_turn(vec![doubtful.clone(), met.clone(), Some(object(b"ours"))]).await;
        let put = store(&ours).put_if_absent("k", Bytes::from_static(b"ours")).await.unwrap();
        assert_eq!(put, written(b"ours"), "{doubtful:?}");
        let methods: Vec<_> = ours.requests().into_iter().map(|request| request.method).collect();
        assert_eq!(methods, ["PUT", "PUT", "GET"]);

        let theirs = serve_in_turn(vec![doubtful, met, Some(object(b"theirs"))]).await;
        let put = store(&theirs).put_if_match("k", Bytes::from_static(b"ours"), &ETag("1".to_owned())).await.unwrap();
        assert_eq!(put, Put::Lost);
    }
}

#[tokio::test]
async fn a_412_after_clear_answers_alone_is_a_lost_race_even_against_the_same_bytes() {
    let (store, wire) = in_turn([error(409, "ConditionalRequestConflict"), error(412, "PreconditionFailed")]).await;
    assert_eq!(store.put_if_absent("k", Bytes::from_static(b"x")).await.unwrap(), Put::Lost);
    assert_eq!(wire.requests().len(), 2);
}

#[tokio::test]
async fn a_write_whose_every_attempt_is_unanswered_may_have_had_its_effect() {
    let wire = serve(|_| None).await;
    let failed = store(&wire).put_if_absent("k", Bytes::from_static(b"x")).await.unwrap_err();
    assert_eq!(failed.kind(), "store.unavailable");
    assert_eq!(wire.requests().len(), 4);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_again_and_never_taken_for_the_whole() {
    let broken = || Reply { broken_off: Some(2), ..object(b"0123456789") };
    let (mended, wire) = in_turn([broken(), object(b"0123456789")]).await;
    assert_eq!(mended.get("k").await.unwrap().unwrap().0, Bytes::from_static(b"0123456789"));
    assert_eq!(wire.requests().len(), 2);
    let (store, wire) = in_turn([broken()]).await;
    assert_eq!(store.get("k").await.unwrap_err().kind(), "store.unavailable");
    let etag = unquoted(&tag(b"0123456789"));
    assert_eq!(store.get_range("k", 0..10, &etag).await.unwrap_err().kind(), "store.unavailable");
    assert_eq!(wire.requests().len(), 2 * BODIES);
}

#[tokio::test]
async fn a_part_of_another_length_than_asked_for_is_not_taken() {
    // A range that the server did not understand is answered with everything.
    let (store, _wire) = in_turn([object(b"0123456789")]).await;
    let error = store.get_range("k", 0..3, &unquoted(&tag(b"0123456789"))).await.unwrap_err();
    assert_eq!(error.kind(), "store.unavailable");
}

#[tokio::test]
async fn a_wrong_checksum_is_no_content() {
    let wrong = || object(b"text").with("x-amz-checksum-crc32", "AAAAAA==");
    let (store, wire) = in_turn([wrong()]).await;
    assert_eq!(store.get("k").await.unwrap_err().kind(), "store.unavailable");
    assert_eq!(wire.requests()[0].header("x-amz-checksum-mode"), Some("ENABLED"));
}

#[tokio::test]
async fn what_is_written_carries_a_checksum() {
    let (store, wire) = bucket().await;
    assert!(matches!(store.put_if_absent("k", Bytes::from_static(b"123456789")).await, Ok(Put::Written(_))));
    // CRC-32's check value, cbf43926.
    assert_eq!(wire.requests()[0].header("x-amz-checksum-crc32"), Some("y/Q5Jg=="));
}

#[tokio::test]
async fn a_404_under_a_condition_is_asked_again_once() {
    let etag = unquoted(&tag(b"text"));
    let (found, _wire) = in_turn([error(404, "NoSuchKey"), object(b"text")]).await;
    assert_eq!(found.get_range("k", 0..4, &etag).await.unwrap(), Bytes::from_static(b"text"));
    let (gone, wire) = in_turn([error(404, "NoSuchKey")]).await;
    assert_eq!(gone.get_range("k", 0..4, &etag).await.unwrap_err().kind(), "store.not_found");
    assert_eq!(wire.requests().len(), 2);
}

#[tokio::test]
async fn whoever_is_denied_reads_what_to_allow_and_where() {
    let (store, wire) = in_turn([error(403, "AccessDenied")]).await;
    let etag = ETag("1".to_owned());
    let errors = [
        store.get("a/b").await.unwrap_err(),
        store.get_range("a/b", 0..1, &etag).await.unwrap_err(),
        store.head("a/b").await.unwrap_err(),
        store.list("a/").await.unwrap_err(),
        store.put_if_absent("a/b", Bytes::new()).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == "store.denied"), "{errors:?}");
    assert_eq!(
        errors[0].to_string(),
        "not allowed to read a/b: s3:GetObject in the bucket bucket (S3 says this also of an object that does not \
         exist, to whoever lacks s3:ListBucket): 403 AccessDenied: as AccessDenied says (request R1); grant this \
         program access"
    );
    assert_eq!(
        errors[3].to_string(),
        "not allowed to list a/: s3:ListBucket in the bucket bucket: 403 AccessDenied: as AccessDenied says (request \
         R1); grant this program access"
    );
    assert_eq!(wire.requests().len(), errors.len());
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_says_so() {
    let (store, _wire) = in_turn([Reply::new(200, "<ListBucketResult><Contents>")]).await;
    let error = store.list("").await.unwrap_err();
    assert_eq!(error.kind(), "store.unavailable");
    assert!(error.to_string().len() > "failed to list : s3:ListBucket in the bucket bucket: 200 ".len(), "{error}");
}

#[tokio::test]
async fn no_bucket_is_no_missing_object_and_nothing_that_passes() {
    let (store, wire) = in_turn([error(404, "NoSuchBucket")]).await;
    let errors = [
        store.list("").await.unwrap_err(),
        store.get("k").await.unwrap_err(),
        store.put_if_match("k", Bytes::new(), &ETag(String::new())).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == "store.no_bucket"), "{errors:?}");
    assert!(errors.iter().all(|error| error.class() == Class::Operator), "{errors:?}");
    assert_eq!(
        errors[0].to_string(),
        "failed to list all objects: there is no bucket bucket; see that its name is spelt right, and that nobody has \
         deleted it (s3:ListBucket in the bucket bucket: 404 NoSuchBucket: as NoSuchBucket says (request R1))"
    );
    assert_eq!(wire.requests().len(), errors.len(), "none is tried again");
}

/// The refusals that tell the bucket's region, `us-east-1`.
fn elsewhere() -> [Reply; 4] {
    let told = |refusal: Reply| refusal.with("x-amz-bucket-region", "us-east-1");
    let malformed = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>The region is wrong</Message>\
                     <Region>us-east-1</Region></Error>";
    [
        told(error(301, "PermanentRedirect")),
        told(error(307, "TemporaryRedirect")),
        // Of a bucket that another region's endpoint knows, with a signature for that region.
        Reply::new(400, malformed),
        told(error(403, "AccessDenied")),
    ]
}

#[tokio::test]
async fn a_bucket_in_another_region_is_told_with_both_regions_and_the_cure() {
    for refusal in elsewhere() {
        let status = refusal.status;
        let (store, wire) = in_turn([refusal]).await;
        let etag = ETag("1".to_owned());
        for error in [
            store.list("fin/").await.unwrap_err(),
            store.get("k").await.unwrap_err(),
            store.get_range("k", 0..1, &etag).await.unwrap_err(),
            store.head("k").await.unwrap_err(),
            store.put_if_absent("k", Bytes::new()).await.unwrap_err(),
        ] {
            // An answer to HEAD has no body that could tell.
            if status == 400 && error.to_string().starts_with("failed to look") {
                continue;
            }
            assert_eq!((error.kind(), error.class()), ("store.other_region", Class::Operator), "{status}: {error}");
            let text = error.to_string();
            for words in [
                "the bucket bucket is in the region us-east-1, and this program works in eu-central-1",
                "deploy the stack in us-east-1, or on your own machine set AWS_REGION to it; or replicate the bucket to \
                 eu-central-1, and name the replica",
            ] {
                assert!(text.contains(words), "{status}: {text}");
            }
        }
        assert_eq!(wire.requests().len(), 5, "{status}: none is tried again");
    }
}

#[tokio::test]
async fn whoever_is_denied_in_the_buckets_own_region_is_only_denied() {
    let (store, _wire) = in_turn([error(403, "AccessDenied").with("x-amz-bucket-region", "eu-central-1")]).await;
    assert_eq!(store.list("").await.unwrap_err().kind(), "store.denied");
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again() {
    let (store, wire) = in_turn([Reply::new(500, ""), error(503, "SlowDown"), object(b"text")]).await;
    assert_eq!(store.get("k").await.unwrap().unwrap().0, Bytes::from_static(b"text"));
    assert_eq!(wire.requests().len(), 3);
}

#[tokio::test]
async fn of_many_at_once_one_wins_and_no_increment_is_lost() {
    let (store, _wire) = bucket().await;
    let tasks: Vec<_> = (0..8)
        .map(|number: u8| {
            let store = store.clone();
            tokio::spawn(async move {
                let won = store.put_if_absent("ready", Bytes::from(vec![number])).await.unwrap();
                u32::from(matches!(won, Put::Written(_)))
            })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += task.await.unwrap();
    }
    assert_eq!(winners, 1);
}
