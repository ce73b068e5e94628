//! What the files themselves say: where they lie, what manifests list, how old the newest delivery is.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use spend_core::text::{self, counted};
use spend_cur::error::CurError;

use super::tree::{ChunkFile, Delivered, ExportTree, PeriodTree, Tree};
use crate::examination::finding::{Examined, Finding, Remedy, Subject};
use crate::examination::words::{bytes, names};
use crate::ingest;

/// AWS refreshes an export at least once a day; half a day is left for the delivery itself.
/// Source: AWS Data Exports user guide, "Understanding export delivery".
const LATE_AFTER: TimeDelta = TimeDelta::hours(36);

/// Older copies are spoken of when they hold this many times the bytes of the newest.
const PILE: u64 = 3;

const COPYING: &str = "as long as copying takes";

/// What is no export's. Where there is no export at all, `refused` is what a look into one of the files said.
pub(super) fn of_tree(tree: &Tree, refused: Vec<Finding>) -> Vec<Finding> {
    let subject = Subject::default();
    let mut findings = refused;
    if !findings.is_empty() {
        return findings;
    }
    if tree.exports.is_empty() {
        findings.push(match tree.first_data_stranger() {
            None => subject.problem(
                "no-export",
                format!("there is no export here, among {}", counted(tree.strangers.len(), "file", "files")),
                Remedy {
                    why: "an export's files lie at [PREFIX/]EXPORT/data/BILLING_PERIOD=YYYY-MM/",
                    cure: "point --export at what the bucket holds below its root: aws s3 sync s3://BUCKET/ DIR",
                    takes: COPYING,
                },
            ),
            Some((object, _)) if looks_legacy(&object.key) => subject.problem(
                "legacy-report",
                format!("{} lies where a legacy Cost and Usage Report has its files", object.key),
                Remedy {
                    why: "the legacy report never names the caller of Amazon Bedrock",
                    cure: "create a CUR 2.0 export (AWS Data Exports, table COST_AND_USAGE_REPORT) with \
                           INCLUDE_IAM_PRINCIPAL_DATA = TRUE, beside the legacy report",
                    takes: "24 h until the first delivery; days before 8 April 2026 never name a caller",
                },
            ),
            Some((object, reason)) => subject.problem(
                "no-export",
                format!("there are data files here, but none of an export: {}: {reason}", object.key),
                Remedy {
                    why: "an export's files are found by their folders, \
                          [PREFIX/]EXPORT/data/BILLING_PERIOD=YYYY-MM/",
                    cure: "point --export at the folder above the export's own, and copy with the folders kept: \
                           aws s3 sync s3://BUCKET/ DIR",
                    takes: COPYING,
                },
            ),
        });
    } else if !tree.strangers.is_empty() {
        let names = names(tree.strangers.iter().map(|(object, _)| object.key.as_str()));
        let files = counted(tree.strangers.len(), "file is", "files are");
        findings.push(subject.ok("strangers", format!("{files} no part of an export and passed over: {names}")));
    }
    findings
}

/// Whether a key is of a legacy report: `PREFIX/REPORT/REPORT/year=2026/month=11/…` as its Parquet lies,
/// `PREFIX/REPORT/20261101-20261201/…` as its text does.
/// Source: AWS Cost and Usage Report user guide, "Understanding your report versions".
fn looks_legacy(key: &str) -> bool {
    key.split('/').any(|folder| {
        let digits = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        folder.starts_with("year=20") || folder.split_once('-').is_some_and(|(from, to)| digits(from) && digits(to))
    })
}

/// Age and copies, over all periods.
pub(super) fn of_export(export: &ExportTree, what: Examined, now: DateTime<Utc>) -> Vec<Finding> {
    let subject = Subject { export: Some(export.path.to_string()), period: None };
    let deliveries = export.periods.iter().filter_map(PeriodTree::newest);
    let newest = deliveries.filter(|delivery| delivery.at.is_some()).max_by_key(|delivery| delivery.at);
    let mut findings: Vec<_> = newest.and_then(|newest| age(&subject, &newest, what, now)).into_iter().collect();
    findings.extend(copies(&subject, export));
    findings
}

fn age(subject: &Subject, newest: &Delivered<'_>, examined: Examined, now: DateTime<Utc>) -> Option<Finding> {
    let at = newest.at?;
    let age = now.signed_duration_since(at).max(TimeDelta::zero());
    let by = if newest.is_certain { "" } else { ", by the time of its file" };
    let what = format!("the newest delivery is of {}, {} h old{by}", text::instant(at), age.num_hours());
    if age <= LATE_AFTER {
        return Some(subject.ok("delivery-age", what));
    }
    if examined == Examined::Copy {
        let remedy = Remedy {
            why: "what is here can be used; spend since then is in no number and raises no alert",
            cure: "copy the export again to have what came later; if nothing newer is in its bucket, look at the export's \
                   health (aws bcm-data-exports list-executions)",
            takes: COPYING,
        };
        return Some(subject.notice("delivery-late", what, remedy));
    }
    let remedy = Remedy {
        why: "AWS delivers at least once a day: spend of the last days is in no number and raises no alert",
        cure: "look at the export's health (aws bcm-data-exports list-executions): the bucket's policy may refuse the \
               delivery; where the bucket is a replica, look at its replication rule",
        takes: "24 h until the next delivery, which brings the days that are missing",
    };
    Some(subject.notice("delivery-late", what, remedy))
}

fn copies(subject: &Subject, export: &ExportTree) -> Option<Finding> {
    let (mut kept, mut older, mut newest_bytes) = (0, 0, 0);
    for period in &export.periods {
        let Some(newest) = period.newest() else { continue };
        let newest: BTreeSet<&str> = newest.keys.into_iter().filter_map(|key| period.find(key)).collect();
        let is_newest = |chunk: &ChunkFile| newest.contains(chunk.summary.key.as_str());
        newest_bytes += period.bytes(is_newest);
        older += period.bytes(|chunk| chunk.folder.is_some() && !is_newest(chunk));
        kept += period.folders().len();
    }
    if older == 0 {
        return None;
    }
    let what = format!(
        "{}; {} of {} are older copies",
        counted(kept, "delivery is kept in a folder of its own", "deliveries are kept in folders of their own"),
        bytes(older),
        bytes(older + newest_bytes)
    );
    if older <= newest_bytes.saturating_mul(PILE) {
        return Some(subject.ok("copies", what));
    }
    let remedy = Remedy {
        why: "every delivery is a full copy of its month; only the newest counts, the others feed the history alone \
              and are paid for",
        cure: "let a lifecycle rule of the bucket expire what is older than 90 days, or let the export overwrite \
               (OVERWRITE_REPORT)",
        takes: "48 h until a new lifecycle rule has run",
    };
    Some(subject.notice("copies-pile-up", what, remedy))
}

/// Manifests against files.
pub(super) fn of_period(export: &ExportTree, period: &PeriodTree) -> Vec<Finding> {
    let subject = Subject { export: Some(export.path.to_string()), period: Some(period.period) };
    let mut findings = unusable_manifests(&subject, period);
    if period.manifests.is_empty() {
        let unlisted = period.unlisted(&export.path);
        findings.extend(unlisted.iter().filter_map(|delivery| ingest::check(delivery).err()).map(|error| {
            let remedy = Remedy {
                why: "without a manifest only the numbers in the files' names tell a delivery, and these are not \
                     one whole delivery: their sum would be wrong",
                cure: "copy the folder metadata/ too, so that a manifest says which files make up the delivery; or leave \
                       the files of one delivery alone here",
                takes: COPYING,
            };
            subject.problem("files-of-no-whole-delivery", error.to_string(), remedy)
        }));
        if findings.len() == unlisted.len() {
            return findings;
        }
        findings.push(subject.notice(
            "manifest-missing",
            format!("there is no manifest for {}", counted(period.chunks.len(), "file", "files")),
            Remedy {
                why: "the manifest alone says which files belong to a delivery and that it is whole; without one the \
                      files are taken as found, and the month is marked unverified",
                cure: "copy the folder metadata/ too; where a replication rule leaves it out, extend the rule",
                takes: COPYING,
            },
        ));
        return findings;
    }
    let whole = findings.is_empty();
    findings.extend(missing_files(&subject, period));
    if whole {
        findings.extend(unlisted_files(&subject, period));
    }
    if findings.is_empty() {
        let manifests = counted(period.manifests.len(), "manifest lists", "manifests list");
        let files = counted(period.chunks.len(), "file that is there", "files that are there");
        findings.push(subject.ok("manifests", format!("{manifests} {files}, and nothing else")));
    }
    findings
}

fn unusable_manifests(subject: &Subject, period: &PeriodTree) -> Vec<Finding> {
    let errors = period.manifests.iter().filter_map(|file| file.read.as_ref().err());
    let finding = |error: &CurError| {
        match error {
        CurError::ManifestScope { .. } => subject.problem(
            "manifest-names-foreign-files",
            error.to_string(),
            Remedy {
                why: "files of another export, month or bucket would be counted as this one's",
                cure: "copy the export's folders as they are, both data/ and metadata/, and point --export at what stands \
                       for the bucket's root",
                takes: COPYING,
            },
        ),
        _ => subject.problem(
            "manifest-unreadable",
            error.to_string(),
            Remedy {
                why: "without its manifest nothing says whether a delivery is whole, so it is not published",
                cure: "copy the manifest again, or wait for the next delivery",
                takes: "as long as copying takes, or 24 h until the next delivery",
            },
        ),
    }
    };
    errors.map(finding).collect()
}

fn missing_files(subject: &Subject, period: &PeriodTree) -> Vec<Finding> {
    let newest = period.newest().and_then(|newest| newest.manifest).map(|file| file.key.as_str());
    let mut findings = Vec::new();
    for (file, manifest) in period.usable() {
        let missing: Vec<_> = manifest.chunks.iter().filter(|key| !period.has(key)).collect();
        if missing.is_empty() {
            continue;
        }
        let (listed, count) = (manifest.chunks.len(), missing.len());
        let is_newest = newest == Some(file.key.as_str());
        let remedy = Remedy {
            why: if is_newest {
                "a delivery that is not whole is not published: its month would be incomplete"
            } else {
                "this older delivery is not published either, and is missing in the history; the newest is what counts"
            },
            cure: "copy the whole export again, data/ and metadata/; if the next delivery was just being written, \
                   copy once more when its manifest is there",
            takes: COPYING,
        };
        let (id, what) = if count == listed {
            let files = counted(listed, "file", "files");
            ("manifest-without-files", format!("{} lists {files}, and none is there", file.key))
        } else {
            let names = names(missing.into_iter().map(String::as_str));
            let id = "manifest-names-missing-files";
            let are = counted(count, "is", "are");
            (id, format!("{} lists {listed} files, and {are} not there: {names}", file.key))
        };
        findings.push(subject.problem(id, what, remedy));
    }
    findings
}

fn unlisted_files(subject: &Subject, period: &PeriodTree) -> Option<Finding> {
    let listed = period.counted();
    let is_unlisted = |chunk: &ChunkFile| !listed.contains(chunk.summary.key.as_str());
    let unlisted: Vec<_> = period.chunks.iter().filter(|chunk| is_unlisted(chunk)).collect();
    if unlisted.is_empty() {
        return None;
    }
    let files = counted(unlisted.len(), "file is listed by no manifest", "files are listed by no manifest");
    let size = bytes(period.bytes(is_unlisted));
    let names = names(unlisted.iter().map(|chunk| chunk.summary.key.as_str()));
    Some(subject.notice(
        "files-no-manifest-names",
        format!("{files} ({size}) and not read: {names}"),
        Remedy {
            why: "when a delivery has fewer files than the one before, the surplus files stay, emptied; a query \
                 over the whole folder would count what is left in them",
            cure: "nothing is to be done for this ledger; if they should count, their manifest is missing: copy \
                   metadata/ again",
            takes: "at once",
        },
    ))
}
