//! The command line as a process: what it does when nobody reads what it says.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use bedrock_ledger::sample::{self, SampleOptions};

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-ledger"));
    command.current_dir(folder);
    command
}

#[test]
fn nobody_reading_neither_stops_a_run_nor_fails_a_report() {
    let bench = tempfile::tempdir().unwrap();
    let options = SampleOptions { rows: 1500, ..SampleOptions::into(bench.path().join("export")) };
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
        assert!(ended.status.success() && ended.stderr.is_empty(), "{format}: {ended:?}");
    }
}
