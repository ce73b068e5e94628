//! Every finding of an export's examination: made by one thing that is wrong, and by nothing in a healthy export. The
//! whole messages stand in `findings.txt`.

mod ledger;
mod trees;

use std::fmt::Write as _;

use crate::bill::{session, usage};
use crate::commands::call;
use spend_cur::write::{self, FileShape};
use spend_pipeline::examination::{Examined, Finding, Severity, Step};

use self::trees::{EXPORT, MODEL, Tree, as_text, bytes_of, cases, healthy, keeping_every_delivery, legacy, rows};

#[test]
fn every_finding_has_its_cause_and_its_message() {
    let well: Vec<_> = healthy().examine();
    let mut found = String::new();
    for (cause, tree, id, severity) in cases() {
        let findings = tree.examine();
        let finding = findings.iter().find(|finding| finding.id == id && finding.severity != Severity::Ok);
        let finding = finding.unwrap_or_else(|| panic!("{cause}: no {id} in {findings:#?}"));
        assert_eq!(finding.severity, severity, "{cause}");
        let is_well = |id| well.iter().any(|finding| finding.id == id && finding.severity != Severity::Ok);
        assert!(!is_well(id), "{id} in a healthy export");
        for text in [&finding.what, &finding.why, &finding.cure, &finding.takes] {
            assert!(!text.is_empty(), "{cause}: {finding:?}");
        }
        let Finding { export, period, what, why, cure, takes, .. } = finding;
        let (export, period) = (export.as_deref().unwrap_or("-"), period.map_or("-".to_owned(), |it| it.to_string()));
        write!(
            found,
            "{cause}\n  {id} ({severity:?}) of {export} {period}\n  what: {what}\n  why: {why}\n  cure: {cure}\n  \
             takes: {takes}\n\n"
        )
        .unwrap();
    }
    assert_golden(&found);
}

#[test]
fn what_run_refuses_is_a_problem_and_nothing_else_is() {
    for (cause, tree, _, severity) in cases().into_iter().chain([
        ("a healthy export", healthy(), "", Severity::Ok),
        ("an older month with a torn file", trees::with_an_older_month_torn(), "", Severity::Problem),
        ("two deliveries kept", keeping_every_delivery(2), "", Severity::Ok),
    ]) {
        let folder = tempfile::tempdir().unwrap();
        let (export, ledger) = (folder.path().join("export"), folder.path().join("ledger"));
        tree.write(&export);
        let (export, ledger) = (export.to_str().unwrap(), ledger.to_str().unwrap());
        // The call itself holds what `doctor` says against what `run` does.
        let outcome = call(&["run", "--export", export, "--ledger", ledger, "--now", "2026-11-20T12:00:00Z"]);
        assert_eq!(outcome.result.is_err(), severity == Severity::Problem, "{cause}: {}", outcome.notes);
    }
}

fn assert_golden(found: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/doctor/findings.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (found, expected) in found.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
}

#[test]
fn a_healthy_export_has_only_what_is_well() {
    let findings = healthy().examine();
    let ids: Vec<_> = findings.iter().map(|finding| finding.id).collect();
    assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:#?}");
    let expected = [
        "delivery-age",
        "manifests",
        "rows",
        "columns",
        "columns-unread",
        "principals",
        "sessions",
        "tags",
        "granularity",
        "currency",
        "net-cost-missing",
        "accounts",
    ];
    assert_eq!(ids, expected);
}

#[test]
fn a_healthy_export_of_text_has_only_what_is_well() {
    let findings = as_text(write::csv_gz(&rows(), &FileShape::default()).unwrap()).examine();
    assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:#?}");
    let rows = findings.iter().find(|finding| finding.id == "rows").unwrap();
    assert_eq!(rows.what, "CUR 2.0: 57 rows in 1 file, 57 of Amazon Bedrock");
    let unread = findings.iter().find(|finding| finding.id == "columns-unread");
    assert_eq!(unread, None, "columns of text do not lie apart");
}

#[test]
fn the_newest_of_several_kept_deliveries_is_read() {
    let tree = keeping_every_delivery(2);
    let mut steps = Vec::new();
    let findings = tree.examine_telling(&mut steps);
    assert!(findings.iter().all(|finding| finding.severity == Severity::Ok), "{findings:#?}");
    let rows = findings.iter().find(|finding| finding.id == "rows").unwrap();
    assert_eq!(rows.what, "CUR 2.0: 57 rows in 1 file, 57 of Amazon Bedrock");
    let period = "2026-11".parse().unwrap();
    assert_eq!(steps, [Step { export: EXPORT.to_owned(), period, chunk: 1, chunks: 1, rows: 0 }]);
}

#[test]
fn older_months_are_looked_at_by_their_footers_alone() {
    let tree = Tree { shape: FileShape::default().without(&["line_item_iam_principal"]), ..Tree::empty() };
    for (period, day) in [("2026-07", "2026-07-01"), ("2026-08", "2026-08-01")] {
        tree.deliver(period, &[usage(day, "", MODEL, 1.0)]);
    }
    let tree = Tree { shape: FileShape::default(), ..tree };
    for (period, day) in [("2026-09", "2026-09-01"), ("2026-10", "2026-10-01")] {
        tree.deliver(period, &[usage(day, &session("app", "app-handler"), MODEL, 1.0)]);
    }
    tree.deliver("2026-11", &rows());
    let mut steps = Vec::new();
    let findings = tree.examine_telling(&mut steps);
    let since = findings.iter().find(|finding| finding.id == "principal-column-since").unwrap();
    assert_eq!(since.severity, Severity::Notice);
    assert_eq!(since.what, "files of 2026-08 have no column line_item_iam_principal; later ones do");
    assert_eq!(since.cure, "nothing is to be done: AWS fills in no caller that was not recorded");
    let read: Vec<_> = steps.iter().map(|step| step.period.to_string()).collect();
    assert_eq!(read, ["2026-11", "2026-10"]);
}

#[test]
fn every_bad_file_is_named_and_the_others_are_read() {
    let tree = healthy();
    let keys: Vec<_> = (1..=4).map(|number| Tree::data("2026-11", number)).collect();
    for key in &keys[1..3] {
        tree.put(key, "PAR1 and no more");
    }
    tree.put(&keys[3], write::parquet(&rows(), &FileShape::default()).unwrap());
    tree.list(EXPORT, "2026-11", &keys);
    let findings = tree.examine();
    let damaged: Vec<_> = findings.iter().filter(|finding| finding.id == "file-damaged").collect();
    assert_eq!(damaged.len(), 2, "{findings:#?}");
    assert!(damaged[0].what.contains(&keys[1]) && damaged[1].what.contains(&keys[2]));
    let rows = findings.iter().find(|finding| finding.id == "rows").unwrap();
    assert_eq!(rows.what, "CUR 2.0: 114 rows in 2 files, 114 of Amazon Bedrock");
}

#[test]
fn a_legacy_export_of_many_files_is_told_once() {
    let tree = legacy();
    let keys: Vec<_> = (1..=3).map(|number| Tree::data("2026-11", number)).collect();
    let bytes = bytes_of(&tree, &keys[0]);
    for key in &keys {
        tree.put(key, bytes.clone());
    }
    tree.list(EXPORT, "2026-11", &keys);
    let findings = tree.examine();
    let legacy: Vec<_> = findings.iter().filter(|finding| finding.id == "legacy-report").collect();
    assert_eq!(legacy.len(), 1);
    assert!(legacy[0].what.ends_with("; 2 more files of the delivery are of the same kind"), "{}", legacy[0].what);
}

#[test]
fn a_copy_may_be_old_and_is_said_to_be() {
    for (hours, is_told) in [(35, false), (37, true), (49, true), (10_000, true)] {
        let findings = trees::delivered_before(hours).examine_as(Examined::Copy, &mut Vec::new());
        assert!(findings.iter().all(|finding| finding.severity != Severity::Problem), "{findings:#?}");
        let late = findings.iter().find(|finding| finding.id == "delivery-late");
        assert_eq!(late.is_some(), is_told);
        if let Some(late) = late {
            assert!(late.why.starts_with("what is here can be used;"), "{}", late.why);
            assert!(late.cure.starts_with("copy the export again"), "{}", late.cure);
        }
    }
}

#[test]
fn a_month_before_the_caller_option_is_no_problem() {
    let tree = Tree { shape: FileShape::default().without(&["line_item_iam_principal"]), ..Tree::empty() };
    let mut rows = Vec::new();
    for day in 1..=9 {
        rows.push(usage(&format!("2026-10-0{day}"), "", MODEL, 1.0));
    }
    tree.deliver("2026-10", &rows);
    let tree = Tree { shape: FileShape::default(), ..tree };
    tree.deliver("2026-11", &trees::rows());
    let findings = tree.examine();
    let missing = findings.iter().find(|finding| finding.id == "principal-column-missing").unwrap();
    assert_eq!((missing.severity, missing.period), (Severity::Notice, Some("2026-10".parse().unwrap())));
    assert!(findings.iter().all(|finding| finding.severity != Severity::Problem), "{findings:#?}");
}
