//! What is said to whoever names the wrong file, folder or number.

use std::fs;

use crate::bill::{session, usage};
use crate::bucket::{Layout, parquet};
use bedrock_ledger::cli::{Cli, Command, Run};
use bytes::Bytes;
use clap::Parser as _;

use super::copy::{Copy, execute};

#[test]
fn a_configuration_that_is_none_makes_no_ledger() {
    let copy = Copy::of(&Layout::default().files([parquet(&[usage(
        "2026-11-02",
        &session("app", "pod"),
        "USE1-Claude4.6Sonnet-input-tokens",
        1.0,
    )])]));
    let config = copy.export.with_file_name("ledger.toml");
    fs::write(&config, "[metrics]\ntop = 0\n").unwrap();
    let (export, ledger) = (copy.export.clone(), copy.ledger.clone());
    let error = execute(Command::Run(Run { export, ledger, config: Some(config), now: None })).unwrap_err();
    assert!(error.contains("`top` is 0"), "{error}");
    assert!(!copy.ledger.exists());
}

#[test]
fn a_file_where_a_folder_is_needed_is_called_one() {
    let copy = Copy::of(&Layout::default().files([Bytes::new()]));
    let file = copy.export.with_file_name("f.txt");
    fs::write(&file, "").unwrap();
    let name = file.display();
    let run = |export, ledger| execute(Command::Run(Run { export, ledger, config: None, now: None })).unwrap_err();
    let error = run(file.clone(), copy.ledger.clone());
    assert_eq!(error, format!("{name} is a file, and --export needs a folder: name the one that the export lies in"));
    let ledger = format!("{name} is a file, and --ledger needs a folder: name the one that holds the ledger, or is to");
    assert_eq!(run(copy.export.clone(), file.clone()), ledger);
    let report = ["bedrock-ledger", "report", "--by", "day", "--ledger", file.to_str().unwrap()];
    let report: Cli = Cli::try_parse_from(report).unwrap();
    assert_eq!(execute(report.command).unwrap_err(), ledger);
}

#[test]
fn a_folder_of_other_things_is_no_ledger_and_becomes_none() {
    let copy = Copy::of(&Layout::default().files([Bytes::new()]));
    let folder = copy.export.to_str().unwrap();
    for command in [&["report", "--by", "day"][..], &["history"], &["digest"], &["test-alert"], &["rebuild"]] {
        let all = [&["bedrock-ledger"], command, &["--ledger", folder]].concat();
        let parsed: Cli = Cli::try_parse_from(all).unwrap();
        let error = execute(parsed.command).unwrap_err();
        assert!(error.contains("holds no ledger: make one with bedrock-ledger run"), "{command:?}: {error}");
        assert!(!copy.export.join(".store").exists(), "{command:?}");
    }
}

#[test]
fn options_that_are_wrong_are_wrong_usage() {
    let parse = |options: &str| {
        let all = ["bedrock-ledger"].into_iter().chain(options.split(' '));
        Cli::try_parse_from(all).map(drop)
    };
    for options in
        ["--deliveries 0", "--deliveries 20", "--bedrock-share 2", "--bedrock-share nan", "--rows 9", "--rows x"]
    {
        let error = parse(&format!("sample --out x {options}")).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{options}");
    }
    parse("sample --out x --deliveries 19 --bedrock-share 0 --rows 10 --principals 0").unwrap();
}
