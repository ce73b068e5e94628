//! One month, told in every way that there is, comes to the same to the last digit on each basis: gauges, digest (text and
//! for machines), chargeback files and `report`.
//!
//! With `SPEND_EXPORTS` set to a folder that has export trees `d1` and `d2` the same is asked of those.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use spend_core::money::decimal::Decimal;

use crate::commands::done;

const TAG: &str = "iamPrincipal/team";
/// The categories that are spend, by basis, as `[cost] count` has them unless told otherwise.
const BASES: [(&str, &[&str]); 2] = [("unblended", &["usage", "discount"]), ("net-unblended", &["usage"])];

/// By currency and name.
type Sums = BTreeMap<(String, String), Decimal>;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn money(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn add(sums: &mut Sums, currency: &str, name: &str, amount: Decimal) {
    let sum = sums.entry((currency.to_owned(), name.to_owned())).or_default();
    *sum = sum.checked_add(amount).unwrap();
}

/// A datum's value, by its text: this JSON library reads numbers to the last bit but one.
fn value_of(line: &str) -> f64 {
    let (_, value) = line.split_once("\"value\":").unwrap();
    value.split([',', '}']).next().unwrap().parse().unwrap()
}

/// What all names of each currency come to.
fn together(sums: &Sums) -> Sums {
    let mut totals = Sums::new();
    for ((currency, _), amount) in sums {
        add(&mut totals, currency, "", *amount);
    }
    totals
}

/// Without what comes to nothing: a digest leaves out who spent nothing, unless that is a change.
fn something(sums: &Sums) -> Sums {
    sums.iter().filter(|(_, amount)| !amount.is_zero()).map(|(key, amount)| (key.clone(), *amount)).collect()
}

/// A ledger that was made of an export on one basis.
struct Ledger {
    dir: tempfile::TempDir,
    basis: &'static str,
    spend: &'static [&'static str],
    now: &'static str,
    /// The month that contains now.
    month: &'static str,
}

impl Ledger {
    fn of(export: &str, now: &'static str, basis: (&'static str, &'static [&'static str]), top: usize) -> Self {
        let (dir, (basis, spend)) = (tempfile::tempdir().unwrap(), basis);
        let ledger = Self { dir, basis, spend, now, month: &now[..7] };
        let count: Vec<_> = spend.iter().map(|category| format!("\"{category}\"")).collect();
        let config = format!(
            "[cost]\nbasis = \"{basis}\"\ncount = [{}]\n[tags]\nrequired = [\"{TAG}\"]\n[metrics]\ntop = {top}\n",
            count.join(", ")
        );
        fs::write(ledger.path("ledger.toml"), config).unwrap();
        let (config, path) = (ledger.path("ledger.toml"), ledger.path("ledger"));
        done(&["run", "--export", export, "--ledger", &path, "--config", &config, "--now", now]);
        ledger
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// What `report` says by a key, of rows that `is_wanted` by category and usage day.
    fn report(&self, key: &str, period: Option<&str>, is_wanted: &dyn Fn(&str, &str) -> bool) -> Sums {
        let (ledger, by) = (self.path("ledger"), format!("category,day,{key}"));
        let mut command = vec!["report", "--ledger", &ledger, "--by", &by, "--basis", self.basis, "--format", "json"];
        command.extend(period.iter().flat_map(|period| ["--period", *period]));
        let mut sums = Sums::new();
        for row in json(&done(&command)).as_array().unwrap() {
            if is_wanted(&text(&row["category"]), &text(&row["day"])) {
                add(&mut sums, &text(&row["currency"]), &text(&row[key]), money(&row["cost"]));
            }
        }
        sums
    }

    fn is_spend(&self, category: &str) -> bool {
        self.spend.contains(&category)
    }

    /// The last `MonthToDateSpend` of each currency and member of a dimension; without one of each currency alone.
    fn gauges(&self, dimension: Option<&str>) -> BTreeMap<(String, String), f64> {
        let mut gauges = BTreeMap::new();
        for line in fs::read_to_string(self.path("ledger/out/metrics.jsonl")).unwrap().lines() {
            let datum = json(line);
            let dimensions = datum["dimensions"].as_object().unwrap();
            let others = dimensions.keys().map(String::as_str).filter(|name| *name != "Currency");
            if datum["name"] == "MonthToDateSpend" && others.collect::<Vec<_>>() == Vec::from_iter(dimension) {
                let member = dimension.map(|name| text(&dimensions[name])).unwrap_or_default();
                gauges.insert((text(&dimensions["Currency"]), member), value_of(line));
            }
        }
        gauges
    }

    /// Gauges are of the usage days of the month that contains now, whichever bill they are on; members that have no
    /// series of their own are `(other)`, what has no name `(none)`. A gauge is the double next to the exact sum.
    fn gauges_say_what_report_says(&self) {
        let in_window = |category: &str, day: &str| self.is_spend(category) && day.starts_with(self.month);
        let doubles = |sums: &Sums| -> BTreeMap<(String, String), f64> {
            sums.iter().map(|(key, amount)| (key.clone(), amount.to_f64())).collect()
        };
        let identities = self.report("identity", None, &in_window);
        assert_eq!(self.gauges(None), doubles(&together(&identities)));
        let tag = format!("Tag:{TAG}");
        for (dimension, exact) in
            [("Identity", identities), (tag.as_str(), self.report(&format!("tag:{TAG}"), None, &in_window))]
        {
            let gauges = self.gauges(Some(dimension));
            assert!(!gauges.is_empty(), "{dimension}");
            let mut folded = Sums::new();
            for ((currency, name), amount) in exact {
                let own = if name.is_empty() { "(none)" } else { &name };
                let is_own = gauges.contains_key(&(currency.clone(), own.to_owned()));
                add(&mut folded, &currency, if is_own { own } else { "(other)" }, amount);
            }
            let known: BTreeSet<_> = folded.keys().chain(gauges.keys()).cloned().collect();
            for key in known {
                let expected = folded.get(&key).copied().unwrap_or_default().to_f64();
                assert_eq!(gauges.get(&key).copied().unwrap_or_default().to_bits(), expected.to_bits(), "{key:?}");
            }
        }
    }

    /// The gauges of all spend are what the digest tells, but for rows that are on one month's bill and of another's day.
    fn gauges_say_what_was_told(&self, told: Sums) {
        let is_of_month = |day: &str| day.starts_with(self.month);
        let elsewhere = |category: &str, day: &str| self.is_spend(category) && !is_of_month(day);
        let here = |category: &str, day: &str| self.is_spend(category) && is_of_month(day);
        let mut window = told;
        for ((currency, _), amount) in self.report("identity", Some(self.month), &elsewhere) {
            add(&mut window, &currency, "", Decimal::ZERO.checked_sub(amount).unwrap());
        }
        let on_bill = together(&self.report("identity", Some(self.month), &here));
        for (key, amount) in together(&self.report("identity", None, &here)) {
            let on_other_bills = amount.checked_sub(on_bill.get(&key).copied().unwrap_or_default()).unwrap();
            add(&mut window, &key.0, "", on_other_bills);
        }
        let gauges = self.gauges(None);
        for (key, amount) in something(&window) {
            assert_eq!(gauges[&key].to_bits(), amount.to_f64().to_bits(), "{key:?}");
        }
    }

    /// A digest is of the month's bill, whichever days its rows are of. Returns the spend that it tells.
    fn digest_says_what_report_says(&self) -> Sums {
        let ledger = self.path("ledger");
        let command = |format| {
            done(&["digest", "--ledger", &ledger, "--period", self.month, "--now", self.now, "--format", format])
        };
        let spend = |category: &str, _: &str| self.is_spend(category);
        let (mut totals, mut bills) = (Sums::new(), Sums::new());
        let (mut callers, mut tags) = (Sums::new(), Sums::new());
        let mail = command("text").split_whitespace().collect::<Vec<_>>().join(" ");
        for found in json(&command("json"))["currencies"].as_array().unwrap() {
            let currency = text(&found["currency"]);
            add(&mut totals, &currency, "", money(&found["spend"]));
            add(&mut bills, &currency, "", money(&found["bill"]));
            let told = format!("exact: spend {}", money(&found["spend"]));
            assert!(
                mail.contains(&told) && mail.contains(&format!("= {} {currency}", money(&found["bill"]))),
                "{mail}"
            );
            for row in found["callers"]["rows"].as_array().unwrap() {
                add(&mut callers, &currency, &text(&row["identity"]), money(&row["spend"]));
            }
            for row in found["showback"][0]["values"]["rows"].as_array().unwrap() {
                add(&mut tags, &currency, &text(&row["name"]), money(&row["spend"]));
            }
        }
        let identities = self.report("identity", Some(self.month), &spend);
        assert_eq!(totals, together(&identities));
        assert_eq!(bills, together(&self.report("identity", Some(self.month), &|_, _| true)));
        assert_eq!(something(&callers), something(&identities));
        assert_eq!(something(&tags), something(&self.report(&format!("tag:{TAG}"), Some(self.month), &spend)));
        totals
    }

    /// The files are of the month's bill too, on the configuration's basis.
    fn files_say_what_report_says(&self) {
        let (ledger, out) = (self.path("ledger"), self.path("files"));
        done(&["chargeback", "--ledger", &ledger, "--period", self.month, "--out", &out, "--now", self.now]);
        let rows = |name: &str| -> Vec<BTreeMap<String, String>> {
            let text = fs::read_to_string(self.path(&format!("files/{name}"))).unwrap();
            csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
        };
        let sums = |name: &str, key: &str, columns: &[&str]| {
            let mut sums = Sums::new();
            for row in rows(name) {
                for column in columns {
                    add(&mut sums, &row["currency"], &row[key], row[*column].parse().unwrap());
                }
            }
            sums
        };
        let spend = |category: &str, _: &str| self.is_spend(category);
        for key in ["identity", "model", "owner"] {
            assert_eq!(sums("showback.csv", key, self.spend), self.zeroed(key, &spend), "{key}");
            let all = self.report(key, Some(self.month), &|_, _| true);
            assert_eq!(sums("showback.csv", key, &["total"]), all, "{key}");
            // Nothing is split here: what is charged is what is billed.
            for column in ["billed", "total"] {
                assert_eq!(sums("chargeback.csv", key, &[column]), all, "{key} {column}");
            }
        }
        let usage = |category: &str, _: &str| category == "usage";
        for key in ["model", "tier"] {
            let by_key = self.report(key, Some(self.month), &usage);
            assert_eq!(sums("tiers.csv", key, &["cost"]), by_key, "{key}");
            assert_eq!(sums("unit_costs.csv", key, &["cost"]), by_key, "{key}");
        }
        let mut shares: BTreeMap<(String, String), Decimal> = BTreeMap::new();
        for row in rows("tiers.csv").iter().filter(|row| !row["cost_percent"].is_empty()) {
            add(&mut shares, &row["currency"], &row["model"], row["cost_percent"].parse().unwrap());
        }
        assert!(!shares.is_empty() && shares.values().all(|sum| *sum == Decimal::from_integer(100)), "{shares:?}");
    }

    /// What `report` says of a month by a key, with what it has of other categories alone as nothing.
    fn zeroed(&self, key: &str, is_wanted: &dyn Fn(&str, &str) -> bool) -> Sums {
        let mut sums = self.report(key, Some(self.month), is_wanted);
        for (name, _) in self.report(key, Some(self.month), &|_, _| true) {
            sums.entry(name).or_default();
        }
        sums
    }
}

fn all_say_the_same(export: &str, now: &'static str) {
    for basis in BASES {
        // With few series most members are folded into `(other)`, with many none.
        for top in [2, 50] {
            let ledger = Ledger::of(export, now, basis, top);
            ledger.gauges_say_what_report_says();
            let told = ledger.digest_says_what_report_says();
            ledger.gauges_say_what_was_told(told);
            ledger.files_say_what_report_says();
        }
    }
}

#[test]
fn everything_that_tells_of_the_sample_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let export = dir.path().join("export").to_str().unwrap().to_owned();
    done(&["sample", "--out", &export, "--rows", "2700", "--deliveries", "1"]);
    all_say_the_same(&export, "2026-11-20T06:00:00Z");
}

#[test]
fn everything_that_tells_of_another_export_says_the_same() {
    let Ok(exports) = std::env::var("SPEND_EXPORTS") else { return };
    for tree in ["d1", "d2"] {
        all_say_the_same(&format!("{exports}/{tree}"), "2026-10-31T18:00:00Z");
    }
}
