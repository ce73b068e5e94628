//! What says that there is something to read: manifests, keys and events.

use spend_aws::event::{self, Trigger};
use spend_core::calendar::period::BillingPeriod;
use spend_cur::delivery::layout::{ExportPath, ObjectKind, classify_key, is_data_file, numbered, period_of_folder};
use spend_cur::delivery::manifest::{self, MOST_FILES};
use spend_ledger::state::objects::Kind;
use spend_ledger::store::MAX_KEY_BYTES;

use crate::text;

const MANIFEST: &str = "cur/bill/metadata/BILLING_PERIOD=2026-11/bill-Manifest.json";

/// A manifest: at most so many files, and none of them outside of the export.
pub fn manifest(input: &[u8]) {
    let read = manifest::parse_manifest(MANIFEST, Some("bucket"), input);
    let copied = manifest::parse_copied_manifest(MANIFEST, input);
    for manifest in read.into_iter().chain(copied) {
        assert!(manifest.chunks.len() <= MOST_FILES, "{} files of one manifest", manifest.chunks.len());
        for chunk in &manifest.chunks {
            assert!(is_data_file(chunk), "{chunk:?} is no file of data");
            assert!(!chunk.split('/').any(|part| part == ".."), "{chunk:?} leads out of the export");
        }
    }
    let _ = manifest::origin(input);
}

/// An object's key.
pub fn key(input: &[u8]) {
    let key = text(input);
    match classify_key(key) {
        ObjectKind::Chunk { export, period, .. } | ObjectKind::Manifest { export, period, .. } => {
            assert!(key.starts_with(&export.prefix), "{key:?} is of another prefix: {:?}", export.prefix);
            assert!(key.contains(&BillingPeriod::to_string(&period)), "{key:?} is of another period: {period}");
        }
        ObjectKind::Ignored { .. } => {}
    }
    let _ = (numbered(key), period_of_folder(key), Kind::of(key));
    if let Some(path) = ExportPath::parse(key) {
        assert!(!path.export_id().is_empty(), "{key:?} is an export without an id");
    }
}

/// An event, as a function is invoked with it: nothing is an error, and no key is longer than S3 has them.
pub fn event(input: &[u8]) {
    let Ok(event) = serde_json::from_slice(input) else { return };
    let read = event::read(&event);
    assert!(read.queued || read.items.len() == 1, "an event that is no queue's is one item");
    for trigger in read.items.iter().flat_map(|item| &item.triggers) {
        match trigger {
            Trigger::Created { key, .. } => assert!(key.len() <= MAX_KEY_BYTES, "a key of {} bytes", key.len()),
            Trigger::Ignored { reason } => assert!(!reason.is_empty(), "an event is ignored without a reason"),
            Trigger::Sweep | Trigger::Digest | Trigger::TestAlert | Trigger::S3Test => {}
        }
    }
}
