//! `rebuild` and `history` on the command line, over the sample.

use std::path::Path;

use bedrock_ledger::cli::{Cli, Command, History, Rebuild, ReportFormat, Run};
use bedrock_ledger::sample::{self, SAMPLE_CONFIG, SampleOptions};

use super::block_on;

async fn execute(command: Command) -> (String, String) {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    bedrock_ledger::execute(&Cli { command }, &mut out, &mut notes).await.unwrap();
    (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap())
}

fn lines(ledger: &Path, file: &str) -> usize {
    std::fs::read_to_string(ledger.join("out").join(file)).unwrap().lines().count()
}

#[test]
fn after_a_rebuild_gauges_follow_and_nobody_is_told_twice() {
    let dir = tempfile::tempdir().unwrap();
    let [export, ledger, config] = ["export", "ledger", "ledger.toml"].map(|name| dir.path().join(name));
    sample::write(&SampleOptions { rows: 2_700, ..SampleOptions::into(&export) }).unwrap();
    let now = Some(sample::sample_now());
    let run = |config| Run { export: export.clone(), ledger: ledger.clone(), config, now };
    let rebuild = |config| Rebuild { ledger: ledger.clone(), period: None, config, now };
    block_on(async {
        std::fs::write(&config, SAMPLE_CONFIG).unwrap();
        execute(Command::Run(run(Some(config.clone())))).await;
        let (messages, metrics) = (lines(&ledger, "messages.jsonl"), lines(&ledger, "metrics.jsonl"));
        assert!(messages > 0 && metrics > 0);

        std::fs::write(&config, SAMPLE_CONFIG.replace("OktaDevelopers", "NoSuchRole")).unwrap();
        let (_, notes) = execute(Command::Rebuild(rebuild(Some(config.clone())))).await;
        assert!(notes.contains("2026-10: delivery") && notes.contains("2026-11: delivery"), "{notes}");
        assert_eq!(lines(&ledger, "messages.jsonl"), messages);
        let put_again = lines(&ledger, "metrics.jsonl");
        assert!(put_again > metrics);

        // The configuration is in force now: neither a rebuild nor a run without one goes back.
        let (_, notes) = execute(Command::Rebuild(rebuild(None))).await;
        assert_eq!(notes.matches("nothing differs, nothing written").count(), 2, "{notes}");
        let (_, notes) = execute(Command::Run(run(None))).await;
        assert!(!notes.contains("another configuration"), "{notes}");
        assert_eq!((lines(&ledger, "messages.jsonl"), lines(&ledger, "metrics.jsonl")), (messages, put_again));

        let history = |format| {
            let period = Some("2026-11".parse().unwrap());
            Command::History(History { ledger: ledger.clone(), period, format })
        };
        let (table, _) = execute(history(ReportFormat::Table)).await;
        assert!(table.contains("#2: delivery") && table.contains("#3: rebuild"), "{table}");
        assert!(table.contains("restated"), "{table}");
        let (json, _) = execute(history(ReportFormat::Json)).await;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let kinds: Vec<_> = json.as_array().unwrap().iter().map(|commit| commit["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["delivery", "delivery", "rebuild"]);
        assert_eq!(json[0]["totals"][0]["after"], json[1]["totals"][0]["before"]);
        assert_eq!(json[2]["totals"][0]["moved"], "0");
        let (csv, _) = execute(history(ReportFormat::Csv)).await;
        let moved = json.as_array().unwrap().iter().map(|commit| {
            let rows = |name: &str| commit[name].as_array().unwrap().len();
            rows("totals") + rows("moved")
        });
        assert_eq!(csv.lines().count(), 1 + moved.sum::<usize>());

        let folder = ledger.join("history/export=bedrock-by-caller--cf527689/period=2026-11");
        let entry = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        std::fs::remove_file(entry).unwrap();
        let command = history(ReportFormat::Table);
        let error = bedrock_ledger::execute(&Cli { command }, &mut Vec::new(), &mut Vec::new()).await.unwrap_err();
        assert!(error.to_string().contains("restore it from an earlier version"), "{error}");
    });
}
