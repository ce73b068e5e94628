//! A bucket behind the wire, with S3's conditions, ranges and pages.

use std::collections::BTreeMap;
use std::sync::Mutex;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::s3_store::S3Store;
use crate::wire::{self, Reply, Request, Wire, decoded};

/// How many keys a page of a listing has.
const PAGE: usize = 3;

#[derive(Default)]
pub(super) struct Bucket(Mutex<BTreeMap<String, Vec<u8>>>);

pub(super) async fn bucket() -> (S3Store, Wire) {
    let bucket = Bucket::default();
    let wire = wire::serve(move |request| Some(bucket.answer(request))).await;
    (S3Store::new(&wire.config(), "bucket", ""), wire)
}

/// An error as S3 writes it.
pub(super) fn error(status: u16, code: &str) -> Reply {
    let body = format!("<Error><Code>{code}</Code><Message>as {code} says</Message><RequestId>R1</RequestId></Error>");
    Reply::new(status, body).with("x-amz-request-id", "R1")
}

/// Not S3's, but with its property: equal bytes have equal tags.
pub(super) fn tag(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(14_695_981_039_346_656_037_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211));
    format!("\"{hash:x}\"")
}

impl Bucket {
    pub(super) fn answer(&self, request: &Request) -> Reply {
        let key = decoded(request.path.strip_prefix("/bucket").unwrap());
        match (request.method.as_str(), key.strip_prefix('/').unwrap_or_default()) {
            ("GET", "") => self.list(request),
            ("GET" | "HEAD", key) => self.get(request, key),
            ("PUT", key) => self.put(request, key),
            other => panic!("{other:?}"),
        }
    }

    fn get(&self, request: &Request, key: &str) -> Reply {
        let objects = self.0.lock().unwrap();
        let Some(bytes) = objects.get(key) else { return error(404, "NoSuchKey") };
        let tag = tag(bytes);
        if request.header("if-match").is_some_and(|wanted| wanted != tag) {
            return error(412, "PreconditionFailed");
        }
        let reply = match request.header("range") {
            None => Reply::new(200, bytes.clone()),
            Some(range) => {
                let (start, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
                let (start, last): (usize, usize) = (start.parse().unwrap(), last.parse().unwrap());
                if start >= bytes.len() {
                    return error(416, "InvalidRange");
                }
                Reply::new(206, &bytes[start..bytes.len().min(last.saturating_add(1))])
            }
        };
        reply.with("etag", tag).with("last-modified", "Fri, 20 Nov 2026 06:00:00 GMT")
    }

    fn put(&self, request: &Request, key: &str) -> Reply {
        let mut objects = self.0.lock().unwrap();
        let before = objects.get(key).map(|bytes| tag(bytes));
        match (request.header("if-none-match"), request.header("if-match"), before) {
            (Some("*"), None, None) => {}
            (None, Some(wanted), Some(before)) if wanted == before => {}
            (None, Some(_), None) => return error(404, "NoSuchKey"),
            (Some("*"), None, Some(_)) | (None, Some(_), Some(_)) => return error(412, "PreconditionFailed"),
            other => panic!("a write that is not conditional: {other:?}"),
        }
        objects.insert(key.to_owned(), request.body.clone());
        Reply::new(200, "").with("etag", tag(&request.body))
    }

    fn list(&self, request: &Request) -> Reply {
        let value = |name| request.query.get(name).map(String::as_str);
        assert_eq!(value("list-type"), Some("2"));
        let (prefix, after) =
            (value("prefix").unwrap_or_default(), decoded(value("continuation-token").unwrap_or_default()));
        let objects = self.0.lock().unwrap();
        let found: Vec<_> = objects.iter().filter(|(key, _)| key.starts_with(prefix) && **key > after).collect();
        let mut body = String::from("<ListBucketResult><EncodingType>url</EncodingType>");
        for (key, bytes) in found.iter().take(PAGE) {
            // As a form: a blank is a plus.
            let key = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string().replace("%20", "+");
            body.extend(["<Contents><Key>", &key, "</Key><Size>", &bytes.len().to_string(), "</Size>"]);
            body.push_str("<LastModified>2026-11-20T06:00:00.000Z</LastModified></Contents>");
        }
        if found.len() > PAGE {
            let last = utf8_percent_encode(found[PAGE - 1].0, NON_ALPHANUMERIC);
            body.push_str("<IsTruncated>true</IsTruncated>");
            body.extend(["<NextContinuationToken>", &last.to_string(), "</NextContinuationToken>"]);
        }
        Reply::new(200, body + "</ListBucketResult>")
    }
}
