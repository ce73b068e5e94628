//! A day that a later delivery changes is restated for everybody or for nobody: history, page, digest, metric and notes
//! judge it by what all months had said before that delivery.

use std::collections::BTreeSet;
use std::fs;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use spend_cur::write::{self, Row};
use spend_ledger::config::Config;
use spend_ledger::digest;
use spend_ledger::outputs::MessageFile;
use spend_ledger::outputs::outbox::Lease;
use spend_ledger::state::committed;
use spend_ledger::store::directory::DirectoryStore;
use tempfile::TempDir;

use crate::bill::{session, usage};
use crate::bucket::{Files, parquet, write_tree};
use crate::commands::{block_on, call, done};

/// The days at the end of October, and by how much the second delivery of October raises each: every sum is another set.
const LAST_DAYS: [(&str, f64); 4] =
    [("2026-10-28", 500.0), ("2026-10-29", 1000.0), ("2026-10-30", 2000.0), ("2026-10-31", 4000.0)];

/// An export that keeps every delivery, its ledger, and the times at which it is told of.
struct Ledger {
    folder: TempDir,
    /// What the run that read the second October said.
    notes: String,
}

/// What each surface says was restated, as days of October.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    history: BTreeSet<String>,
    page: BTreeSet<String>,
    page_json: BTreeSet<String>,
    digest: BTreeSet<String>,
    digest_event: BTreeSet<String>,
    metric: BTreeSet<String>,
}

impl Said {
    fn all(days: &BTreeSet<String>) -> Self {
        let [history, page, page_json, digest, digest_event, metric] = std::array::from_fn(|_| days.clone());
        Self { history, page, page_json, digest, digest_event, metric }
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A delivery of `month`, made at `made`.
fn delivery(month: &str, made: &str, rows: &[Row]) -> Files {
    let id = format!("{}{}", month.replace('-', ""), made.replace(['-', ':'], ""));
    let folder = format!("{}.826Z-{id}", made.trim_end_matches('Z'));
    let data = format!("cur/e/data/BILLING_PERIOD={month}/{folder}/e-00001.snappy.parquet");
    let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/e-0a1b";
    let keys = [data.clone()];
    let manifest = write::manifest(arn, "e", Some(&id), &[], "acme", &keys, month.parse().unwrap());
    let manifest_key = format!("cur/e/metadata/BILLING_PERIOD={month}/{folder}/e-Manifest.json");
    vec![(data, parquet(rows)), (manifest_key, Bytes::from(manifest))]
}

/// Ten dollars on every day from `first` on that has ended by `as_of`, up to its end.
fn daily(first: &str, as_of: &str) -> Vec<Row> {
    let (first, last) = (first.parse::<NaiveDate>().unwrap(), at(as_of).date_naive());
    let days = first.iter_days().take_while(|day| *day < last);
    days.map(|day| row(&day.to_string(), 10.0, "ana", 24)).collect()
}

/// A row of a day that ends at its hour `until`.
fn row(day: &str, cost: f64, name: &str, until: u32) -> Row {
    let mut row = usage(day, &session("app", name), "USE1-Claude4.6Sonnet-input-tokens", cost);
    let day: NaiveDate = day.parse().unwrap();
    let start = day.and_hms_opt(until - 1, 0, 0).unwrap().and_utc();
    row.insert("line_item_usage_start_date", write::Value::Time(start));
    row.insert("line_item_usage_end_date", write::Value::Time(start + TimeDelta::hours(1)));
    row
}

impl Ledger {
    /// October twice, with a first delivery of November between that speaks up to `november`. The second October is made
    /// at `second`, and read an hour later. Digests are sent at `told`, which is before it, and at `told_again`.
    fn of(november: &str, told: &str, second: &str, told_again: &str) -> Self {
        let mut ledger = Self { folder: tempfile::tempdir().unwrap(), notes: String::new() };
        let october = daily("2026-10-01", "2026-11-01T00:00:00Z");
        ledger.add(&delivery("2026-10", "2026-11-01T05:00:00Z", &october));
        ledger.add(&delivery("2026-11", november, &daily("2026-11-01", november)));
        ledger.run(told);
        ledger.digest(told);
        let raised = LAST_DAYS.map(|(day, by)| row(day, by, "bo", 12));
        let again: Vec<_> = october.into_iter().chain(raised).collect();
        ledger.add(&delivery("2026-10", second, &again));
        // The week's digest is of November, and wants news of it. What is delivered later is no word of what was known.
        let later = (at(second) + TimeDelta::minutes(30)).to_rfc3339_opts(SecondsFormat::Secs, true);
        ledger.add(&delivery("2026-11", &later, &daily("2026-11-01", second)));
        ledger.notes = ledger.run(&(at(second) + TimeDelta::hours(1)).to_rfc3339());
        ledger.digest(told_again);
        ledger
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn add(&self, files: &Files) {
        write_tree(&self.folder.path().join("export"), files);
    }

    fn run(&self, now: &str) -> String {
        let run = call(&["run", "--export", &self.path("export"), "--ledger", &self.path("ledger"), "--now", now]);
        run.result.unwrap();
        run.notes
    }

    fn digest(&self, now: &str) {
        let store = DirectoryStore::open(self.folder.path().join("ledger")).unwrap();
        let notifier = MessageFile::in_ledger(&self.folder.path().join("ledger"));
        block_on(async {
            let book = committed::book(&store, at(now)).await.unwrap();
            let config = Config::default();
            digest::react(&store, &notifier, &config, &book, Lease::INVOCATION, at(now)).await.unwrap();
        });
    }

    fn lines(&self, file: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("ledger/out").join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last message on a topic whose subject is a digest's.
    fn last_digest(&self, topic: &str) -> String {
        let messages = self.lines("messages.jsonl");
        let mut digests =
            messages.iter().filter(|message| message["topic"] == topic && message["attributes"]["kind"] == "digest");
        digests.next_back().unwrap()["body"].as_str().unwrap().to_owned()
    }

    fn history(&self, format: &str) -> String {
        done(&["history", "--ledger", &self.path("ledger"), "--period", "2026-10", "--format", format])
    }

    fn said(&self, now: &str) -> Said {
        let history: Value = serde_json::from_str(&self.history("json")).unwrap();
        let moved = history.as_array().unwrap().last().unwrap()["moved"].as_array().unwrap().clone();
        let moved = moved.into_iter().filter(|row| row["restated"] == true);
        let out = self.path("page.html");
        let ledger = self.path("ledger");
        done(&["page", "--ledger", &ledger, "--period", "2026-10", "--out", &out, "--now", now]);
        let html = fs::read_to_string(&out).unwrap();
        let section = html.split("<section id=\"restated\"").nth(1).unwrap().split("</section>").next().unwrap();
        let page: Value = serde_json::from_slice(&fs::read(self.path("page.json")).unwrap()).unwrap();
        let commits = page["commits"].as_array().unwrap();
        let page_json = commits.iter().flat_map(|commit| commit["restated"].as_array().unwrap());
        let digest = self.last_digest("digest");
        let digest = digest.split("Restated since the last digest").nth(1).unwrap_or_default().to_owned();
        let event: Value = serde_json::from_str(&self.last_digest("events")).unwrap();
        let restated = event["currencies"][0]["restated"].as_array().unwrap().clone();
        let of_event = restated.iter().flat_map(|month| month["moves"]["rows"].as_array().unwrap());
        let of_day = |row: &Value| row["day"].as_str().unwrap().to_owned();
        let told = |text: &str| {
            let of = LAST_DAYS.iter().filter(|(day, _)| text.contains(&format!("{} Oct", &day[8..])));
            of.map(|(day, _)| (*day).to_owned()).collect()
        };
        Said {
            history: moved.map(|row| of_day(&row)).collect(),
            page: told(section),
            page_json: page_json.map(of_day).collect(),
            digest: told(&digest),
            digest_event: of_event.map(of_day).collect(),
            metric: self.metric(),
        }
    }

    /// The days whose changes sum to what `RestatedSpend` was at last.
    fn metric(&self) -> BTreeSet<String> {
        let metrics = self.lines("metrics.jsonl");
        let mut restated = metrics.iter().filter(|datum| datum["name"] == "RestatedSpend");
        let sum: f64 = match restated.next_back() {
            Some(datum) => datum["value"].to_string().trim_matches('"').parse().unwrap(),
            None => 0.0,
        };
        let mut days = BTreeSet::new();
        let mut rest = sum;
        for (day, by) in LAST_DAYS.iter().rev() {
            if rest >= *by {
                rest -= by;
                days.insert((*day).to_owned());
            }
        }
        assert!(rest.abs() < 0.001, "RestatedSpend is {sum}");
        days
    }
}

fn days(from: usize, to: usize) -> BTreeSet<String> {
    LAST_DAYS[from..to].iter().map(|(day, _)| (*day).to_owned()).collect()
}

#[test]
fn a_months_last_days_are_restated_once_they_have_settled_by_what_the_next_month_says() {
    let told = "2026-11-16T06:00:00Z";
    let ledger = Ledger::of("2026-11-12T00:00:00Z", told, "2026-11-18T05:00:00Z", "2026-11-23T06:00:00Z");
    assert_eq!(ledger.said("2026-11-23T06:00:00Z"), Said::all(&days(0, 4)));
    let table = ledger.history("table");
    assert!(table.contains("restated") && !table.contains("AFTER CLOSE"), "{table}");
    assert!(!ledger.notes.contains("the month was closed"), "{}", ledger.notes);
}

#[test]
fn a_months_last_days_are_not_restated_while_they_fill_up() {
    let told = "2026-11-02T12:00:00Z";
    let ledger = Ledger::of("2026-11-02T00:00:00Z", told, "2026-11-03T05:00:00Z", "2026-11-09T06:00:00Z");
    assert_eq!(ledger.said("2026-11-09T06:00:00Z"), Said::all(&days(0, 2)));
}

#[test]
fn every_day_of_a_closed_month_is_restated_after_close() {
    // It closes, whatever November has said.
    for november in ["2026-11-02T00:00:00Z", "2026-11-20T00:00:00Z"] {
        let told = "2026-11-23T06:00:00Z";
        let ledger = Ledger::of(november, told, "2026-11-25T05:00:00Z", "2026-11-30T06:00:00Z");
        assert_eq!(ledger.said("2026-11-30T06:00:00Z"), Said::all(&days(0, 4)));
        let table = ledger.history("table");
        assert!(table.contains("RESTATED AFTER CLOSE"), "{table}");
        let out = fs::read_to_string(ledger.path("page.html")).unwrap();
        assert!(!out.contains("No delivery has changed a settled day"));
        assert!(ledger.last_digest("digest").contains("AFTER IT HAD CLOSED"));
        assert_eq!(ledger.notes.matches("the month was closed, and this delivery restates it").count(), 1);
    }
}

/// A budget of days, told by the run that reads the second November.
const DAYS: &str = r#"
[tags.allowed]
"iamPrincipal/team" = ["search"]

[[budget]]
name = "days"
window = "day"
amount = "500"
thresholds = [100]
owner = "{tag:iamPrincipal/no-such-tag}-leads"
"#;

#[test]
fn an_alert_of_an_old_day_says_what_it_was_raised_from_and_what_came_after_it() {
    let ledger = Ledger { folder: tempfile::tempdir().unwrap(), notes: String::new() };
    let config = ledger.path("ledger.toml");
    fs::write(&config, DAYS).unwrap();
    let run = |now: &str| {
        let (export, path) = (ledger.path("export"), ledger.path("ledger"));
        done(&["run", "--export", &export, "--ledger", &path, "--config", &config, "--now", now]);
    };
    let peak = |rows: Vec<Row>, by: f64| {
        let raised = row("2026-11-12", by, "bo", 12);
        rows.into_iter().chain([raised]).collect::<Vec<_>>()
    };
    // The rule is known before the day has ended: of what had ended before it nothing is told.
    ledger.add(&delivery("2026-11", "2026-11-11T05:00:00Z", &daily("2026-11-01", "2026-11-11T00:00:00Z")));
    run("2026-11-11T06:00:00Z");
    let first = peak(daily("2026-11-01", "2026-11-18T00:00:00Z"), 414.64);
    ledger.add(&delivery("2026-11", "2026-11-18T05:00:00Z", &first));
    run("2026-11-18T06:00:00Z");
    let second = peak(daily("2026-11-01", "2026-11-20T00:00:00Z"), 914.64);
    ledger.add(&delivery("2026-11", "2026-11-20T05:00:00Z", &second));
    run("2026-11-20T06:00:00Z");
    let alerts: Vec<_> =
        ledger.lines("messages.jsonl").into_iter().filter(|message| message["topic"] == "alerts").collect();
    let [alert] = alerts.as_slice() else { panic!("{alerts:#?}") };
    let body = alert["body"].as_str().unwrap();
    assert!(body.contains("Restated    this delivery raised the day from $424.64\n"), "{body}");
    let later = "Still on?   $10.00 a day on 13 to 19 Nov; 17 to 19 Nov may still rise\n";
    assert!(body.contains(later), "{body}");
    assert!(!body.contains("Peak day") && !body.contains("only day with spend"), "{body}");
    let owner = "Owner       search: owns the spend; the bill lacks the name that";
    assert!(body.contains(owner), "{body}");
    assert_eq!(alert["attributes"]["owner"], "search");
}

/// A weekly budget that asks where spend is heading.
const WEEKS: &str = r#"
[[budget]]
name = "week"
window = "week"
amount = "69"
thresholds = [100]
forecast = [100]
"#;

#[test]
fn weeks_that_have_not_begun_are_told_of_when_they_come() {
    let ledger = Ledger { folder: tempfile::tempdir().unwrap(), notes: String::new() };
    let config = ledger.path("ledger.toml");
    fs::write(&config, WEEKS).unwrap();
    let october = daily("2026-10-01", "2026-11-01T00:00:00Z");
    ledger.add(&delivery("2026-10", "2026-11-01T05:00:00Z", &october));
    let told = |as_of: &str| {
        ledger.add(&delivery("2026-11", as_of, &daily("2026-11-01", as_of)));
        let now = (at(as_of) + TimeDelta::hours(6)).to_rfc3339();
        let (export, path) = (ledger.path("export"), ledger.path("ledger"));
        done(&["run", "--export", &export, "--ledger", &path, "--config", &config, "--now", &now]);
        let messages = ledger.lines("messages.jsonl").into_iter();
        let events =
            messages.filter(|message| message["topic"] == "events" && message["attributes"]["kind"] != "digest");
        let events = events.map(|message| serde_json::from_str::<Value>(message["body"].as_str().unwrap()).unwrap());
        let mut weeks = BTreeSet::new();
        for event in events {
            let several = event["alerts"].as_array().cloned().unwrap_or_else(|| vec![event.clone()]);
            weeks.extend(several.iter().map(|alert| alert["finding"]["window"]["start"].as_str().unwrap().to_owned()));
        }
        weeks.into_iter().filter(|week| week.as_str() >= "2026-11-02").collect::<Vec<_>>()
    };
    assert_eq!(told("2026-11-02T00:00:00Z"), [""; 0]);
    let digest = done(&["digest", "--ledger", &ledger.path("ledger"), "--now", "2026-11-02T06:00:00Z"]);
    assert!(!digest.contains("used up"), "{digest}");
    assert_eq!(told("2026-11-03T00:00:00Z"), ["2026-11-02"]);
    assert_eq!(told("2026-11-10T00:00:00Z"), ["2026-11-02", "2026-11-09"]);
}
