use std::fs;
use std::path::Path;

use spend_core::errors::fault::Fault;
use tempfile::TempDir;

use super::*;
use crate::sample::{self, EXPORT_NAME, EXPORT_PREFIX, SampleOptions, sample_now};

/// What `doctor` says, and whether it ends well.
fn told(export: &Path, format: DoctorFormat) -> (String, Result<(), CommandError>) {
    told_at(sample_now(), export, format)
}

fn told_at(now: DateTime<Utc>, export: &Path, format: DoctorFormat) -> (String, Result<(), CommandError>) {
    let options = Doctor { export: Some(export.to_owned()), ledger: None, format, now: Some(now) };
    let mut out = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome = runtime.block_on(doctor(&options, sample_now(), &mut out));
    (String::from_utf8(out).unwrap(), outcome)
}

fn sample() -> TempDir {
    let dir = TempDir::new().unwrap();
    sample::write(&SampleOptions { rows: 3000, ..SampleOptions::into(dir.path().join("export")) }).unwrap();
    dir
}

/// Compares with a file beside this one; with `UPDATE_GOLDEN` set it writes the file.
fn assert_golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/doctor").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap(), "see {}", path.display());
}

fn assert_reads_well(text: &str) {
    for line in text.lines() {
        let is_one_word = line.trim().split(' ').count() == 1;
        assert!(columns(line) <= WIDTH || is_one_word, "{line}");
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn the_sample_is_well_but_for_its_gateway() {
    let dir = sample();
    let (text, outcome) = told(&dir.path().join("export"), DoctorFormat::Table);
    outcome.unwrap();
    assert_reads_well(&text);
    assert_golden("sample.txt", &text);
}

#[test]
fn a_sample_that_is_a_year_old_is_accepted_and_said_to_be_old() {
    let dir = sample();
    let now = sample_now() + chrono::TimeDelta::days(365);
    let (text, outcome) = told_at(now, &dir.path().join("export"), DoctorFormat::Table);
    outcome.unwrap();
    assert!(text.contains("notice delivery-late") && !text.contains("PROBLEM"), "{text}");
}

#[test]
fn a_sick_export_is_told_what_it_has() {
    let dir = sample();
    let export = dir.path().join("export");
    let root = export.join(EXPORT_PREFIX).join(EXPORT_NAME);
    let october = root.join("data/BILLING_PERIOD=2026-10");
    let folder = fs::read_dir(&october).unwrap().next().unwrap().unwrap().path();
    let chunk = |number: usize| folder.join(format!("{EXPORT_NAME}-{number:05}.snappy.parquet"));
    let bytes = fs::read(chunk(1)).unwrap();
    fs::write(chunk(1), bytes.get(..bytes.len() / 2).unwrap()).unwrap();
    fs::write(chunk(2), b"\x1f\x8bno parquet, that is certain").unwrap();
    fs::remove_file(chunk(3)).unwrap();
    fs::remove_dir_all(root.join("metadata/BILLING_PERIOD=2026-11")).unwrap();
    fs::write(export.join("aws-programmatic-access-test-object"), "").unwrap();
    let (text, outcome) = told(&export, DoctorFormat::Table);
    assert_eq!(outcome.unwrap_err().kind(), "export.unusable");
    assert_reads_well(&text);
    assert_golden("sick.txt", &text);
}

#[test]
fn json_has_the_same_findings() {
    let dir = sample();
    let (json, outcome) = told(&dir.path().join("export"), DoctorFormat::Json);
    outcome.unwrap();
    let findings: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    let rows = findings.iter().find(|finding| finding["id"] == "rows").unwrap();
    assert_eq!(rows["severity"], "ok");
    assert_eq!(rows["export"], format!("{EXPORT_PREFIX}/{EXPORT_NAME}"));
    assert_eq!(rows["period"], "2026-11");
    for finding in &findings {
        for field in ["id", "severity", "what", "why", "cure", "takes"] {
            assert!(finding[field].is_string(), "{finding}");
        }
    }
}

#[test]
fn no_folder_is_no_export() {
    let (text, outcome) = told(Path::new("/there/is/no/such/folder"), DoctorFormat::Table);
    assert_eq!((text.as_str(), outcome.unwrap_err().kind()), ("", "store.not_found"));
}

#[test]
fn a_tree_that_was_cut_off_is_examined_as_the_whole_one() {
    let dir = sample();
    let export = dir.path().join("export");
    let (whole, _) = told(&export, DoctorFormat::Json);
    let (cut, outcome) = told(&export.join(EXPORT_PREFIX).join(EXPORT_NAME), DoctorFormat::Json);
    outcome.unwrap();
    assert_eq!(cut, whole);
}
