//! The command line as a process: what it does when nobody reads what it says.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use bedrock_ledger::sample::{self, SampleOptions};
use spend_ledger::store::directory::DirectoryStore;

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-ledger"));
    command.current_dir(folder);
    command
}

#[test]
fn nobody_reading_neither_stops_a_run_nor_fails_a_report() {
    let bench = tempfile::tempdir().unwrap();
    let options = SampleOptions { rows: 2_700, ..SampleOptions::into(bench.path().join("export")) };
    sample::write(&options).unwrap();
    std::fs::write(bench.path().join("ledger.toml"), sample::SAMPLE_CONFIG).unwrap();
    let run = "run --export export --ledger ledger --config ledger.toml --now 2026-11-20T06:00:00Z";
    let mut running = command(bench.path()).args(run.split(' ')).stderr(Stdio::piped()).spawn().unwrap();
    drop(running.stderr.take());
    assert!(running.wait().unwrap().success());
    let messages = std::fs::read_to_string(bench.path().join("ledger/out/messages.jsonl")).unwrap();
    assert!(messages.contains(r#""topic":"alerts""#) && messages.contains(r#""topic":"digest""#), "all is done");

    for format in ["csv", "json", "table"] {
        let report = "report --ledger ledger --by day,principal,usage_type,owner,region --format";
        let mut reporting = command(bench.path())
            .args(report.split(' '))
            .arg(format)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(reporting.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ended = reporting.wait_with_output().unwrap();
        let notes = String::from_utf8(ended.stderr.clone()).unwrap();
        let has_failed = notes.lines().any(|line| !line.starts_with("note: "));
        assert!(ended.status.success() && !has_failed, "{format}: {ended:?}");
    }
}

#[test]
fn a_run_waits_for_another_on_the_same_ledger_and_says_so() {
    let bench = tempfile::tempdir().unwrap();
    sample::write(&SampleOptions { rows: 500, ..SampleOptions::into(bench.path().join("export")) }).unwrap();
    let ledger = DirectoryStore::open(bench.path().join("ledger")).unwrap();
    let turn = ledger.take_turn(|| panic!("nobody else is there")).unwrap();
    let run = "run --export export --ledger ledger --now 2026-11-20T06:00:00Z";
    let mut running = command(bench.path()).args(run.split(' ')).stderr(Stdio::piped()).spawn().unwrap();
    let mut notes = BufReader::new(running.stderr.take().unwrap());
    let mut line = String::new();
    notes.read_line(&mut line).unwrap();
    assert_eq!(line, "another run is at work on ledger, waiting\n");
    assert!(!bench.path().join("ledger/state").exists(), "nothing is written meanwhile");
    drop(turn);
    let mut rest = String::new();
    notes.read_to_string(&mut rest).unwrap();
    assert!(running.wait().unwrap().success(), "{rest}");
    assert!(bench.path().join("ledger/state").exists());
}

#[test]
fn a_disk_that_is_full_leaves_every_file_whole_or_absent() {
    let bench = tempfile::tempdir().unwrap();
    sample::write(&SampleOptions { rows: 500, ..SampleOptions::into(bench.path().join("export")) }).unwrap();
    let now = "--now 2026-11-20T06:00:00Z";
    let run = format!("run --export export --ledger ledger {now}");
    assert!(command(bench.path()).args(run.split(' ')).status().unwrap().success());
    for (written, file) in [
        ("page --ledger ledger --out out/page.html", "out/page.html"),
        ("digest --ledger ledger --out out", "out/digest.txt"),
        ("chargeback --ledger ledger --period 2026-11 --out out", "out/showback.csv"),
    ] {
        std::fs::create_dir_all(bench.path().join("out")).unwrap();
        std::fs::write(bench.path().join(file), "of yesterday").unwrap();
        // No file may be larger than one block, as where the disk is full.
        let limited = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
        let mut shell = Command::new("sh");
        shell.current_dir(bench.path()).args(["-c", limited, "sh", env!("CARGO_BIN_EXE_bedrock-ledger")]);
        let ended = shell.args(format!("{written} {now}").split(' ')).output().unwrap();
        assert!(!ended.status.success(), "{written}: {ended:?}");
        assert_eq!(std::fs::read_to_string(bench.path().join(file)).unwrap(), "of yesterday", "{written}");
        assert_eq!(std::fs::read_dir(bench.path().join("out")).unwrap().count(), 1, "{written} leaves nothing else");
        std::fs::remove_dir_all(bench.path().join("out")).unwrap();
    }
}

#[test]
fn runs_at_once_on_one_ledger_end_well_and_tell_everybody_once() {
    let bench = tempfile::tempdir().unwrap();
    let options = SampleOptions { rows: 2_700, ..SampleOptions::into(bench.path().join("export")) };
    sample::write(&options).unwrap();
    std::fs::write(bench.path().join("ledger.toml"), sample::SAMPLE_CONFIG).unwrap();
    let run = "run --export export --ledger ledger --config ledger.toml --now 2026-11-20T06:00:00Z";
    let start = |_| command(bench.path()).args(run.split(' ')).stderr(Stdio::piped()).spawn().unwrap();
    let running: Vec<_> = (0..4).map(start).collect();
    for run in running {
        let ended = run.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let messages = std::fs::read_to_string(bench.path().join("ledger/out/messages.jsonl")).unwrap();
    let mut lines: Vec<_> = messages.lines().collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert!(all >= 4 && lines.len() == all, "{all} messages, {} different ones", lines.len());
}
