//! Names that callers choose, from the bill to what people read: very many of them, and those that look like people.

use std::sync::Arc;

use bedrock_ledger::cli::{Check, Cli, Command, Explain, Report, ReportFormat, Run};
use bedrock_ledger::error::CommandError;
use chrono::{DateTime, Utc};
use spend_core::bill::line::KeptTags;
use spend_core::facts::derivation::Derivation;
use spend_core::facts::fact::{FactField, FactTable};
use spend_core::facts::folding::{Folded, Limits};
use spend_core::facts::spend::Basis;
use spend_core::messages::operations::deployed::Place;
use spend_core::money::decimal::Decimal;
use spend_core::reporting::report::Measure;
use spend_cur::write::Row;
use spend_ledger::alert::{self, Given};
use spend_ledger::config::{Config, Counting};
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::outputs::{Message, Notifier, PublishError, Topic};
use spend_ledger::state::{committed, keys, restated};
use spend_ledger::store::Store;
use spend_ledger::store::memory::MemoryStore;
use spend_pipeline::explain::{self, Caller, ExplainError, Explained, Question};
use spend_pipeline::ingest::{self, FileTimes};
use spend_pipeline::period::deriver::Deriver;
use spend_pipeline::period::rebuild::{self, Rebuilt};
use spend_pipeline::period::{aggregate, history, unusual};
use spend_pipeline::sweep::{self, Sweep};
use tempfile::TempDir;

use crate::bill::{session, usage};
use crate::bucket::{Export, Layout, parquet, statement, write_tree};
use crate::commands::block_on;

const TYPE: &str = "USE1-Claude4.6Sonnet-input-tokens";

fn now() -> DateTime<Utc> {
    "2026-11-20T06:00:00Z".parse().unwrap()
}

fn federated(name: &str) -> String {
    format!("arn:aws:sts::444455556666:federated-user/{name}")
}

/// Small limits, so that small bills reach them.
fn deriver() -> Deriver {
    let limits = Limits { identities: 4, sessions: 2, tag_sets: 100 };
    Deriver { derivation: Derivation { limits, ..Derivation::default() }, ..Deriver::default() }
}

/// Too many callers beside an honest one: a user who gives ten federated users names, and a role with ten sessions.
fn attack() -> Vec<Row> {
    let mut rows = vec![usage("2026-11-01", &session("honest", "pod"), TYPE, 64.0)];
    for index in 0..10_u32 {
        let cost = 1.0 + f64::from(index) / 8.0;
        rows.push(usage("2026-11-01", &federated(&format!("f{index}")), TYPE, cost));
        rows.push(usage("2026-11-02", &session("agent", &format!("u{index}@a.bc")), TYPE, cost));
    }
    rows
}

/// An export, and a ledger that its deliveries were counted in.
#[derive(Default)]
struct Counted {
    export: Export,
    ledger: MemoryStore,
}

impl Counted {
    /// Delivers `rows` as one chunk, and counts them.
    async fn deliver(&self, rows: &[Row], id: &str, second: i64) {
        for key in [self.export.write_chunk(1, rows, second), self.export.write_manifest(Some(id), 1, second + 1)] {
            let (times, kept) = (FileTimes::Delivered, KeptTags::default());
            let bucket = &self.export.bucket;
            ingest::object_created(bucket, &self.ledger, Some("acme"), &key, times, &kept).await.unwrap();
        }
        let outcome = aggregate::aggregate(&self.ledger, &statement(), id, &deriver(), now()).await.unwrap();
        sweep::unusual(&self.ledger, &statement(), id, &outcome, now()).await.unwrap();
    }

    async fn facts(&self) -> FactTable {
        let (state, _) = committed::state(&self.ledger, &statement()).await.unwrap().unwrap();
        state.facts
    }

    /// Whom facts name in `field`, each once.
    async fn named(&self, field: FactField) -> Vec<String> {
        let mut names: Vec<_> = self.facts().await.rows().map(|fact| fact.get(field).to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The principals of the bill's lines that a caller's number is made of, and both sums.
    async fn explain(&self, caller: Caller) -> Result<(Vec<String>, Explained), ExplainError> {
        let question = Question { caller, day: None };
        let mut principals = Vec::new();
        let mut take = |row: explain::ExplainedRow| {
            principals.push(row.row.key.get(spend_core::bill::line::LineField::Principal).to_owned());
        };
        let statements = [statement()];
        let explained =
            explain::explain(&self.export.bucket, &self.ledger, &statements, &question, &deriver(), &mut take).await?;
        Ok((principals, explained))
    }

    /// The subjects of notes to operations.
    async fn notes(&self) -> Vec<String> {
        notes(&self.ledger).await.into_iter().map(|(subject, _)| subject).collect()
    }
}

/// Notes to operations: subjects and bodies.
async fn notes(ledger: &MemoryStore) -> Vec<(String, String)> {
    let mut notes = Vec::new();
    for object in ledger.list(keys::NOTES_PREFIX).await.unwrap() {
        let (bytes, _) = ledger.get(&object.key).await.unwrap().unwrap();
        let note: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let text = |name: &str| note[name].as_str().unwrap().to_owned();
        notes.push((text("subject"), text("body")));
    }
    notes
}

#[test]
fn callers_that_are_too_many_are_one_in_the_ledger_and_operations_is_told_once_a_month() {
    let counted = Counted::default();
    block_on(async {
        counted.deliver(&attack(), "one", 100).await;
        let identities = counted.named(FactField::Identity).await;
        let expected = [
            "(other)",
            "federated/f8@444455556666",
            "federated/f9@444455556666",
            "role/agent@444455556666",
            "role/honest@444455556666",
        ];
        assert_eq!(identities, expected);
        let principals = counted.named(FactField::Principal).await;
        assert_eq!(principals.len(), 1 + 2 + (2 + 1) + 1, "{principals:?}");
        let (state, _) = committed::state(&counted.ledger, &statement()).await.unwrap().unwrap();
        assert_eq!(state.folded, Folded { identities: 8, sessions: 8, tag_sets: 0 });
        assert_eq!(unusual::of(&counted.ledger, &statement(), &state).await.unwrap().len(), 1);
        let total = counted
            .facts()
            .await
            .rows()
            .fold(Decimal::ZERO, |sum, fact| sum.checked_add(fact.unblended_cost()).unwrap());
        assert_eq!(total.to_string(), "95.25");

        let more: Vec<_> = attack().into_iter().chain([usage("2026-11-03", &federated("g"), TYPE, 1.0)]).collect();
        counted.deliver(&more, "two", 200).await;
        assert_eq!(counted.notes().await, ["Too many callers: cur 2026-11"]);
    });
}

#[test]
fn a_fleet_with_new_names_for_each_task_alarms_nobody() {
    let counted = Counted::default();
    let rows: Vec<_> =
        (0..10).map(|task| usage("2026-11-01", &session("ecs", &format!("t{task}")), TYPE, 1.0)).collect();
    block_on(async {
        counted.deliver(&rows, "one", 100).await;
        assert_eq!(counted.named(FactField::Principal).await.len(), 3);
        assert_eq!(counted.notes().await, [""; 0]);
    });
}

#[test]
fn a_caller_that_comes_out_of_the_rest_restates_nothing() {
    let counted = Counted::default();
    let later = |principal: &str| usage("2026-11-19", principal, TYPE, 32.0);
    // Later spend brings one of the small callers, and one of the small sessions, among the largest, and others out.
    let second: Vec<_> =
        attack().into_iter().chain([later(&federated("f0")), later(&session("agent", "u0@a.bc"))]).collect();
    block_on(async {
        counted.deliver(&attack(), "one", 100).await;
        counted.deliver(&second, "two", 200).await;
        assert!(counted.named(FactField::Identity).await.contains(&"federated/f0@444455556666".to_owned()));
        let (state, _) = committed::state(&counted.ledger, &statement()).await.unwrap().unwrap();
        let entries = history::read(&counted.ledger, &statement(), &state).await.unwrap();
        let moved = &entries[1].moved;
        let days: Vec<_> = moved.iter().map(|moved| moved.day.unwrap().to_string()).collect();
        assert_eq!(days, ["2026-11-19", "2026-11-19"], "{moved:?}");
        let commits: Vec<_> = state.deliveries.iter().map(|commit| (statement().period, commit)).collect();
        assert_eq!(restated::of(&entries[1], commits), []);
    });
}

#[test]
fn the_rest_is_explained_down_to_the_names_on_the_bill() {
    let counted = Counted::default();
    block_on(async {
        counted.deliver(&attack(), "one", 100).await;
        let other = session("agent", "(other)");
        for (caller, count, sum) in [
            (Caller::Identity("(other)".to_owned()), 8, "11.5"),
            (Caller::Principal("(other)".to_owned()), 8, "11.5"),
            (Caller::Principal(other.clone()), 8, "11.5"),
            (Caller::Principal(session("agent", "u9@a.bc")), 1, "2.125"),
            (Caller::Identity("role/agent@444455556666".to_owned()), 10, "15.625"),
        ] {
            let (principals, explained) = counted.explain(caller.clone()).await.unwrap();
            assert_eq!(principals.len(), count, "{caller:?}");
            assert!(principals.iter().all(|principal| !principal.contains("(other)")), "{principals:?}");
            assert_eq!(explained.sums["USD"].0.cost.to_string(), sum, "{caller:?}");
            assert_eq!(explained.disagreements().count(), 0);
        }
        let folded = counted.explain(Caller::Principal(session("agent", "u0@a.bc"))).await.unwrap_err();
        assert!(matches!(&folded, ExplainError::Folded { other: found, .. } if *found == other), "{folded}");
        let folded = counted.explain(Caller::Identity("federated/f0@444455556666".to_owned())).await.unwrap_err();
        assert!(matches!(&folded, ExplainError::Folded { other, .. } if other == "(other)"), "{folded}");
        let unknown = counted.explain(Caller::Principal(session("honest", "x"))).await.unwrap_err();
        assert!(matches!(&unknown, ExplainError::Folded { other, .. } if other == "(other)"), "{unknown}");
    });
}

#[test]
fn a_rebuild_folds_what_an_earlier_release_kept_apart_and_moves_no_money() {
    let counted = Counted::default();
    let all = Deriver::default();
    block_on(async {
        counted.deliver(&attack(), "one", 100).await;
        // As a release did that knew no limits.
        rebuild::rebuild(&counted.ledger, &statement(), &all, now()).await.unwrap();
        let apart = counted.facts().await.len();
        let rebuilt = rebuild::rebuild(&counted.ledger, &statement(), &deriver(), now()).await.unwrap();
        assert!(matches!(rebuilt, Rebuilt::Applied { sequence: 3, .. }), "{rebuilt:?}");
        assert!(counted.facts().await.len() < apart);
        let (state, _) = committed::state(&counted.ledger, &statement()).await.unwrap().unwrap();
        let last = history::read(&counted.ledger, &statement(), &state).await.unwrap().pop().unwrap();
        assert_eq!(last.moved, [], "nothing moved but names");
        assert_eq!(
            rebuild::rebuild(&counted.ledger, &statement(), &deriver(), now()).await.unwrap(),
            Rebuilt::Unchanged
        );
    });
}

#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<Message>>);

impl Notifier for Heard {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        self.0.lock().unwrap().push(message.clone());
        Ok(())
    }
}

#[test]
fn inventing_callers_hides_nobody_from_a_budget_of_each_caller() {
    let counted = Counted::default();
    let config = "[alerts]\nfirst_run = \"send\"\n[[budget]]\nname = \"each\"\neach = \"identity\"\nwindow = \"month\"\n\
                  amount = \"11\"\ncurrency = \"USD\"\nthresholds = [100]\n\
                  [[mute]]\nrule = \"each\"\nmember = \"*agent*\"\nuntil = 2026-12-31\nreason = \"a person called agent\"\n";
    let config = Config::parse("ledger.toml", config).unwrap();
    block_on(async {
        counted.deliver(&attack(), "one", 100).await;
        let book = committed::book(&counted.ledger, now()).await.unwrap();
        let (heard, given) = (Heard::default(), Given { config: &config, book: &book });
        alert::react(&counted.ledger, &heard, &given, Lease::Alone, now()).await.unwrap();
        let heard = heard.0.into_inner().unwrap();
        let mut told: Vec<_> = heard.iter().filter(|message| message.topic == Topic::Alerts).collect();
        told.sort_by_key(|message| message.attributes["member"].clone());
        let members: Vec<_> = told.iter().map(|message| message.attributes["member"].as_str()).collect();
        assert_eq!(members, ["(other)", "role/agent@444455556666", "role/honest@444455556666"]);
        let said = told[0].body.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("Note Identity (other) stands for 8 identities beyond"), "{}", told[0].body);
    });
}

#[test]
fn the_first_message_names_roles_whose_sessions_look_like_people_with_the_cure() {
    let rows: Vec<_> = ["ana@example.com", "bo@example.com", "cyd@example.com"]
        .iter()
        .map(|person| usage("2026-11-02", &session("OktaDevelopers", person), TYPE, 2.0))
        .collect();
    let (bucket, ledger) = (MemoryStore::default(), MemoryStore::default());
    bucket.set_now(now());
    for (key, bytes) in (Layout { root: "fin/e", ..Layout::default() }).files([parquet(&rows)]) {
        bucket.overwrite(&key, bytes).unwrap();
    }
    block_on(async {
        let (export, kept) = (Arc::new(bucket), KeptTags::default());
        let place = Place { bucket: "acme", prefix: "" };
        let (times, counting, now) = (FileTimes::Delivered, Counting::default(), now());
        let sweep = Sweep { export: &export, ledger: &ledger, place, times, kept: &kept, counting: &counting, now };
        sweep.deliveries(|| std::time::Duration::from_hours(1)).await.unwrap();
        let (subject, body) = notes(&ledger).await.remove(0);
        assert!(subject.starts_with("Deployed: 1 export"), "{subject}");
        let said = body.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("OktaDevelopers: 3 sessions look like people"), "{body}");
        assert!(said.contains("list the roles in keep_sessions of [identity]: OktaDevelopers"), "{body}");
    });
}

struct Output {
    out: String,
}

fn execute(command: Command) -> Result<Output, CommandError> {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    block_on(bedrock_ledger::execute(&Cli { command }, &mut out, &mut notes))?;
    Ok(Output { out: String::from_utf8(out).unwrap() })
}

#[test]
fn a_role_with_more_sessions_than_are_kept_apart_is_reported_and_explained() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    // Of 514 the two that cost least are folded; those that cost the same, by name.
    let rows: Vec<_> = (0..514_u32)
        .map(|task| {
            usage("2026-11-02", &session("app", &format!("task-{task:03}")), TYPE, f64::from(1 + task.min(511)) / 4.0)
        })
        .collect();
    write_tree(&path("export"), &Layout::default().files([parquet(&rows)]));
    let (export, ledger) = (path("export"), path("ledger"));
    execute(Command::Run(Run { export: export.clone(), ledger: ledger.clone(), config: None, now: Some(now()) }))
        .unwrap();
    let report = |format| {
        let output = execute(Command::Report(Report {
            ledger: ledger.clone(),
            period: None,
            by: vec!["principal".parse().unwrap()],
            measure: vec![Measure::Cost],
            category: Vec::new(),
            matches: Vec::new(),
            from: None,
            to: None,
            basis: Basis::Unblended,
            export_id: None,
            top: None,
            format,
        }));
        output.unwrap().out
    };
    let csv = report(ReportFormat::Csv);
    assert_eq!(csv.lines().count(), 1 + 512 + 1);
    let other = session("app", "(other)");
    assert!(csv.contains(&format!("\n{other},USD,0.75\n")), "{csv}");
    let said =
        "Session (other) of a role stands for its sessions beyond the 512 largest of a month: 2 sessions in all.";
    assert!(report(ReportFormat::Table).contains(said));
    let explain = |principal: String| {
        execute(Command::Explain(Explain {
            export: export.clone(),
            ledger: ledger.clone(),
            period: "2026-11".parse().unwrap(),
            principal: Some(principal),
            identity: None,
            day: None,
            all: false,
            format: ReportFormat::Table,
        }))
    };
    let explained = explain(other.clone()).unwrap().out;
    assert!(explained.contains("app/task-000") && explained.contains("app/task-001"), "{explained}");
    assert!(explained.contains("the ledger says USD 0.75 in 2 lines: the same"), "{explained}");
    let error = explain(session("app", "task-001")).err().unwrap().to_string();
    assert!(error.contains(&format!("the spend of all others is in principal {other:?}")), "{error}");
}

#[test]
fn a_person_is_explained_with_the_roles_and_who_is_only_called_so_is_named_by_check() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let dana = |role: &str, cost| usage("2026-11-02", &session(role, "Dana@Example.com"), TYPE, cost);
    let rows = [
        dana("AWSReservedSSO_Dev_0123456789abcdef", 1.0),
        dana("AWSReservedSSO_Ops_0123456789abcdef", 2.0),
        dana("agent-exec", 4.0),
    ];
    write_tree(&path("export"), &Layout::default().files([parquet(&rows)]));
    let (export, ledger) = (path("export"), path("ledger"));
    execute(Command::Run(Run { export: export.clone(), ledger: ledger.clone(), config: None, now: Some(now()) }))
        .unwrap();
    std::fs::write(path("ledger.toml"), "").unwrap();
    let checked =
        execute(Command::Check(Check { config: path("ledger.toml"), ledger: Some(ledger.clone()), now: Some(now()) }));
    let checked = checked.unwrap().out;
    let cure =
        "agent-exec: 1 session looks like a person; if your identity provider sets it, add the role to keep_sessions";
    assert!(checked.contains(cure), "{checked}");
    let explained = execute(Command::Explain(Explain {
        export,
        ledger,
        period: "2026-11".parse().unwrap(),
        principal: None,
        identity: Some("dana@example.com".to_owned()),
        day: None,
        all: false,
        format: ReportFormat::Table,
    }));
    let explained = explained.unwrap().out.split_whitespace().collect::<Vec<_>>().join(" ");
    let roles = "dana@example.com came through AWSReservedSSO_Ops_0123456789abcdef@444455556666, \
                 AWSReservedSSO_Dev_0123456789abcdef@444455556666 ";
    assert!(explained.contains(roles), "{explained}");
}
