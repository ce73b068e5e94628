//! The digest, as text and for machines, says what `report` says, to the last digit, whatever the basis.
//!
//! With `SPEND_EXPORTS` set to a folder that has export trees `d1` and `d2` the same is asked of those.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use spend_core::money::decimal::Decimal;

use crate::commands::done;

const NOW: &str = "2026-11-20T06:00:00Z";

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&done(arguments)).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn money(value: &Value) -> Decimal {
    text(value).parse().unwrap()
}

fn sum(amounts: impl IntoIterator<Item = Decimal>) -> Decimal {
    amounts.into_iter().fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount).unwrap())
}

/// A ledger of an export, and which basis its configuration names.
struct Ledger<'a> {
    path: &'a str,
    basis: &'a str,
    now: &'a str,
}

/// By the names of a group.
type Sums = BTreeMap<String, Decimal>;

impl Ledger<'_> {
    fn digest(&self, kind: &str, period: &str, format: &str) -> String {
        let Self { path, now, .. } = self;
        let command = ["digest", "--ledger", path, "--period", period, "--kind", kind, "--now", now];
        done(&[&command[..], &["--format", format]].concat())
    }

    /// What `report` says of a currency by one key, of the categories that `counted` picks.
    fn report(&self, period: &str, currency: &str, key: &str, counted: &dyn Fn(&str) -> bool) -> Sums {
        let Self { path, basis, .. } = self;
        let by = format!("category,{key}");
        let command = ["report", "--ledger", path, "--period", period, "--by", &by, "--basis", basis];
        let rows = json(&[&command[..], &["--format", "json"]].concat());
        let mut sums = Sums::new();
        for row in rows.as_array().unwrap() {
            if text(&row["currency"]) == currency && counted(text(&row["category"])) {
                let total = sums.entry(text(&row[key]).to_owned()).or_default();
                *total = total.checked_add(money(&row["cost"])).unwrap();
            }
        }
        sums
    }

    /// Asserts that a digest of a month and the report of it agree. Returns how many currencies it has.
    fn agrees(&self, kind: &str, period: &str) -> usize {
        let digest: Value = serde_json::from_str(&self.digest(kind, period, "json")).unwrap();
        assert_eq!(text(&digest["basis"]), self.basis);
        let counted: Vec<_> = digest["count"].as_array().unwrap().iter().map(text).collect();
        let is_spend = |category: &str| counted.contains(&category);
        let mail = self.digest(kind, period, "text");
        let flat = mail.split_whitespace().collect::<Vec<_>>().join(" ");
        for found in digest["currencies"].as_array().unwrap() {
            let currency = text(&found["currency"]);
            let all = self.report(period, currency, "currency", &|_| true);
            assert_eq!(money(&found["bill"]), sum(all.into_values()), "{currency}");
            let spend = self.report(period, currency, "currency", &is_spend);
            assert_eq!(money(&found["spend"]), sum(spend.into_values()), "{currency}");
            for (category, cost) in found["categories"].as_object().unwrap() {
                let of_category = self.report(period, currency, "currency", &|other| other == category);
                assert_eq!(money(cost), sum(of_category.into_values()), "{currency} {category}");
            }
            let lists = [("callers", "identity", "identity"), ("models", "model", "name")];
            for (list, key, name) in lists {
                let rows = &found[list];
                assert_eq!(rows["omitted"], 0, "{list}");
                let told = rows["rows"].as_array().unwrap().iter();
                let told: Sums = told.map(|row| (text(&row[name]).to_owned(), money(&row["spend"]))).collect();
                let mut reported = self.report(period, currency, key, &is_spend);
                // Who spent nothing but did before is told for the change alone.
                reported.extend(
                    told.iter().filter(|(_, spend)| spend.is_zero()).map(|(name, spend)| (name.clone(), *spend)),
                );
                assert_eq!(told, reported, "{list}");
            }
            for showback in found["showback"].as_array().unwrap() {
                let key = format!("tag:{}", text(&showback["tag"]));
                let told = showback["values"]["rows"].as_array().unwrap().iter();
                let told: Sums = told.map(|row| (text(&row["name"]).to_owned(), money(&row["spend"]))).collect();
                assert_eq!(told, self.report(period, currency, &key, &is_spend), "{key}");
            }
            explains_itself(&found["change"]);
            let spend = text(&found["spend"]);
            assert!(flat.contains(&format!("exact: spend {spend}")), "{spend} is not in {mail}");
            assert!(flat.contains(&format!(" = {} {currency}", text(&found["bill"]))), "{mail}");
        }
        digest["currencies"].as_array().unwrap().len()
    }
}

/// The terms of a change, of each owner and of all, are the change.
fn explains_itself(change: &Value) {
    let Some(terms) = change.get("terms") else { return };
    let difference = |of: &Value| money(&of["after"]).checked_sub(money(&of["before"])).unwrap();
    let all = |terms: &Value| sum(terms.as_object().unwrap().values().map(money));
    assert_eq!(all(terms), difference(change));
    let owners = change["owners"]["rows"].as_array().unwrap();
    assert_eq!(sum(owners.iter().map(difference)), difference(change));
    for owner in owners {
        assert_eq!(all(&owner["terms"]), difference(owner), "{owner}");
    }
}

/// The months of a ledger, by its `report`.
fn months(ledger: &str) -> Vec<String> {
    let folder = fs::read_dir(format!("{ledger}/state")).unwrap();
    let states = folder.flat_map(|export| fs::read_dir(export.unwrap().path()).unwrap());
    let name = |state: fs::DirEntry| state.file_name().to_str().unwrap().to_owned();
    let months = states.map(|state| name(state.unwrap()));
    let mut months: Vec<_> = months.filter_map(|name| Some(name.strip_prefix("period=")?[..7].to_owned())).collect();
    months.sort();
    months.dedup();
    months
}

const BASES: [&str; 2] = ["unblended", "net-unblended"];

fn agrees_with_report(export: &str, now: &str) {
    for basis in BASES {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (ledger, config) = (path("ledger"), path("ledger.toml"));
        fs::write(&config, format!("[cost]\nbasis = \"{basis}\"\n")).unwrap();
        done(&["run", "--export", export, "--ledger", &ledger, "--config", &config, "--now", now]);
        let months = months(&ledger);
        assert!(!months.is_empty());
        let ledger = Ledger { path: &ledger, basis, now };
        for period in months.iter().rev().take(3) {
            for kind in ["weekly", "close", "preliminary"] {
                assert!(ledger.agrees(kind, period) > 0, "{period} {kind}");
            }
        }
    }
}

#[test]
fn digests_of_the_sample_say_what_report_says() {
    let dir = tempfile::tempdir().unwrap();
    let export = dir.path().join("export").to_str().unwrap().to_owned();
    done(&["sample", "--out", &export, "--rows", "2700", "--seed", "7"]);
    agrees_with_report(&export, NOW);
}

#[test]
fn digests_of_another_export_say_what_report_says() {
    let Ok(exports) = std::env::var("SPEND_EXPORTS") else { return };
    for tree in ["d1", "d2"] {
        agrees_with_report(&format!("{exports}/{tree}"), NOW);
    }
}

#[test]
fn a_digest_is_written_to_files_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (export, ledger, files) = (path("export"), path("ledger"), path("files"));
    done(&["sample", "--out", &export, "--rows", "2700", "--deliveries", "1"]);
    done(&["run", "--export", &export, "--ledger", &ledger, "--now", NOW]);
    let sent = fs::read(dir.path().join("ledger/out/messages.jsonl")).unwrap();
    let state = fs::read(dir.path().join("ledger/digests/state.json")).unwrap();
    let command = ["digest", "--ledger", &ledger, "--now", NOW];
    assert_eq!(done(&[&command[..], &["--out", &files]].concat()), "");
    let mail = fs::read_to_string(dir.path().join("files/digest.txt")).unwrap();
    assert_eq!(mail, done(&command));
    assert!(mail.starts_with("Subject: ") && mail.contains("\n\nTotal       $"), "{mail}");
    let event: Value = serde_json::from_slice(&fs::read(dir.path().join("files/digest.json")).unwrap()).unwrap();
    assert_eq!(event["format"], "digest-event/1");
    assert_eq!(fs::read(dir.path().join("ledger/out/messages.jsonl")).unwrap(), sent);
    assert_eq!(fs::read(dir.path().join("ledger/digests/state.json")).unwrap(), state);
}
