//! The page of a month: its numbers are the ledger's, and no name can do anything to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use spend_core::money::decimal::Decimal;
use spend_core::text;

mod hostile;
mod reading;

use reading::{Page, Piece};

use crate::commands::done;

const NOW: &str = "2026-11-20T06:00:00Z";

fn money(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// A ledger, and a page of it.
struct Made {
    ledger: String,
    period: String,
    basis: &'static str,
    html: String,
    page: Page,
    json: Value,
}

impl Made {
    fn of(dir: &Path, period: &str, basis: &'static str) -> Self {
        let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let (ledger, out) = (path("ledger"), path("page.html"));
        done(&["page", "--ledger", &ledger, "--period", period, "--out", &out, "--now", NOW]);
        let html = fs::read_to_string(out).unwrap();
        let json = serde_json::from_slice(&fs::read(path("page.json")).unwrap()).unwrap();
        Self { ledger, period: period.to_owned(), basis, page: Page::read(&html), html, json }
    }

    fn counts(&self, category: &Value) -> bool {
        category == "usage" || (category == "discount" && self.basis == "unblended")
    }

    /// What `report` says of one measure in USD, by keys, of the categories that count as spend.
    fn report(&self, by: &str, measure: &str) -> BTreeMap<String, Decimal> {
        let command = ["report", "--ledger", &self.ledger, "--period", &self.period, "--basis", self.basis];
        let by_category = format!("{by},category");
        let by = if measure == "cost" { by_category.as_str() } else { by };
        let rows = done(&[&command[..], &["--by", by, "--measure", measure, "--format", "json"]].concat());
        let rows: Value = serde_json::from_str(&rows).unwrap();
        let mut sums = BTreeMap::new();
        for row in rows.as_array().unwrap().iter().filter(|row| row["currency"] == "USD") {
            let counts = row.get("category").is_none_or(|category| self.counts(category));
            let Some(value) = row[measure].as_str().filter(|_| counts) else { continue };
            let keys = by.split(',').filter(|key| *key != "category");
            let keys: Vec<_> = keys.map(|key| text::or_none(row[key].as_str().unwrap()).to_owned()).collect();
            let sum: &mut Decimal = sums.entry(keys.join(" / ")).or_default();
            *sum = sum.checked_add(value.parse().unwrap()).unwrap();
        }
        sums
    }

    /// The rows of a table's column but those of sums.
    fn column(&self, table: &str, title: &str) -> BTreeMap<String, Decimal> {
        let rows = self.page.column(table, title).into_iter();
        rows.filter(|(name, _)| name != "together").filter_map(|(name, number)| Some((name, number?))).collect()
    }
}

fn sample(dir: &Path, config: &str, principals: &str) {
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    done(&["sample", "--out", &path("export"), "--rows", "2700", "--principals", principals]);
    fs::write(path("ledger.toml"), config).unwrap();
    let (export, ledger, config) = (path("export"), path("ledger"), path("ledger.toml"));
    done(&["run", "--export", &export, "--ledger", &ledger, "--config", &config, "--now", NOW]);
}

/// Without those who spent nothing, whom a report may not have.
fn spent(sums: BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    sums.into_iter().filter(|(_, sum)| !sum.is_zero()).collect()
}

fn by_day(sums: BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    sums.into_iter().map(|(on, sum)| (text::day(on.parse().unwrap()), sum)).collect()
}

#[test]
fn every_number_on_the_page_is_the_ledgers() {
    for (period, basis) in [("2026-11", "unblended"), ("2026-10", "unblended"), ("2026-11", "net-unblended")] {
        let dir = tempfile::tempdir().unwrap();
        let mut config = bedrock_ledger::sample::SAMPLE_CONFIG.replace("\"unblended\"", &format!("\"{basis}\""));
        if basis == "net-unblended" {
            config = config.replace("\"usage\", \"discount\"", "\"usage\"");
        }
        sample(dir.path(), &config, "30");
        let made = Made::of(dir.path(), period, basis);
        let page = &made.page;

        assert_eq!(spent(made.column("callers-usd", "Spend")), spent(made.report("identity", "cost")));
        assert_eq!(spent(made.column("models-usd", "Spend")), spent(made.report("model", "cost")));
        assert_eq!(made.column("models-usd", "Tokens"), made.report("model", "tokens"));
        assert_eq!(made.column("models-usd", "Per million tokens"), made.report("model", "per_million"));
        assert_eq!(by_day(made.report("day", "cost")), made.column("daily-usd", "All"));
        let kinds = made.column("kinds-usd", "Spend");
        let reported: BTreeMap<_, _> = made.report("token", "cost").into_iter().collect();
        assert_eq!(kinds.values().collect::<BTreeSet<_>>(), reported.values().collect());
        for (name, spend) in made.report("owner", "cost") {
            let rows = &page.tables["daily-usd"];
            if let Some(at) = rows[0].iter().position(|head| head.text == name) {
                let days: BTreeMap<_, _> = made.report("day,owner", "cost");
                for row in &rows[1..rows.len() - 1] {
                    let of_day = days.iter().find(|(key, _)| {
                        let (on, owner) = key.split_once(" / ").unwrap();
                        owner == name && text::day(on.parse().unwrap()) == row[0].text
                    });
                    assert_eq!(row[at].numbers, [of_day.map(|(_, sum)| *sum).unwrap_or_default()], "{name}");
                }
                assert_eq!(rows.last().unwrap()[at].numbers, [spend], "{name}");
            }
        }
        trends_are_the_ledgers(&made);
        what_a_digest_says_is_said(&made);
        every_amount_is_one_of_the_numbers(&made);
    }
}

/// The last days of those who spent most, by `report`.
fn trends_are_the_ledgers(made: &Made) {
    let command = ["report", "--ledger", &made.ledger, "--by", "day,identity,category", "--basis", made.basis];
    let rows: Value = serde_json::from_str(&done(&[&command[..], &["--format", "json"]].concat())).unwrap();
    let mut sums: BTreeMap<(String, String), Decimal> = BTreeMap::new();
    for row in rows.as_array().unwrap() {
        if made.counts(&row["category"]) {
            let key = (
                text::day(row["day"].as_str().unwrap().parse().unwrap()),
                row["identity"].as_str().unwrap().to_owned(),
            );
            let sum = sums.entry(key).or_default();
            *sum = sum.checked_add(money(&row["cost"])).unwrap();
        }
    }
    let table = &made.page.tables["trends-usd"];
    assert!(table.len() > 20 && table[0].len() > 10, "{table:?}");
    for row in &table[1..] {
        for (cell, head) in row.iter().zip(&table[0]).skip(1).take(row.len() - 2) {
            let of_day = sums.get(&(row[0].text.clone(), head.text.clone())).copied().unwrap_or_default();
            assert_eq!(cell.numbers, [of_day], "{} {}", row[0].text, head.text);
        }
    }
}

/// Totals, forecast, change and categories, by the digest of the same kind.
fn what_a_digest_says_is_said(made: &Made) {
    let figures = &made.json["figures"];
    let kind = figures["digest"].as_str().unwrap();
    let command = ["digest", "--ledger", &made.ledger, "--period", &made.period, "--kind", kind, "--now", NOW];
    let digest: Value = serde_json::from_str(&done(&[&command[..], &["--format", "json"]].concat())).unwrap();
    for (key, value) in digest.as_object().unwrap() {
        if !["format", "alert_id", "incident_key"].contains(&key.as_str()) {
            assert_eq!(figures[key], *value, "{key}");
        }
    }
    let found = &digest["currencies"][0];
    let bill = made.column("bill-usd", "Exact");
    let told = found["categories"].as_object().unwrap().values().map(money).filter(|sum| !sum.is_zero());
    assert_eq!(bill.values().copied().collect::<BTreeSet<_>>(), told.collect());
    let foot = made.page.tables["bill-usd"].last().unwrap();
    assert_eq!(foot.last().unwrap().numbers, [money(&found["bill"])]);
    if let Some(forecast) = found["forecast"].as_object() {
        let course = made.column("course-usd", "To date");
        for (name, amount) in forecast.iter().filter(|(name, _)| *name != "settled_days") {
            assert_eq!(course[&format!("forecast, {name}")], money(amount));
        }
    }
    // Of the first month that is known nothing can be compared.
    let Some(terms) = found["change"]["terms"].as_object() else { return assert_eq!(made.period, "2026-10") };
    let told = terms.values().map(money);
    let terms = made.column("terms-usd", "Change");
    assert_eq!(terms.values().copied().collect::<BTreeSet<_>>(), told.collect());
}

/// What looks like money stands in an element with its exact value, which is one of the numbers beside the page.
fn every_amount_is_one_of_the_numbers(made: &Made) {
    let mut known = BTreeSet::new();
    collect(&made.json, &mut known);
    let mut unknown = made.page.numbers.iter().filter(|(exact, _)| !known.contains(exact) && !is_derived(made, *exact));
    assert_eq!(unknown.next(), None);
    for (exact, shown) in &made.page.numbers {
        let plain: String = shown.chars().filter(|c| c.is_ascii_digit() || ".-".contains(*c)).collect();
        let told: Decimal = plain.parse().unwrap();
        if shown.contains(['<', '>']) {
            assert!(!exact.is_zero() && exact.abs() < "0.01".parse().unwrap(), "{shown} is shown for {exact}");
        } else {
            let places = plain.split_once('.').map_or(0, |(_, places)| u32::try_from(places.len()).unwrap());
            let places = if shown.contains(',') && places == 0 {
                0
            } else {
                places.max(4 * u32::from(places != 2 && places != 0))
            };
            assert_eq!(told, exact.round_to(if places > 4 { 18 } else { places }), "{shown} is shown for {exact}");
        }
    }
    let words: Vec<_> = made.page.words.split_whitespace().filter(|word| is_money(word)).collect();
    assert!(words.is_empty(), "{words:?} are not numbers of the page");
}

/// What is a difference of two numbers, or a sum: of what deliveries changed, and of callers without a tag.
fn is_derived(made: &Made, exact: Decimal) -> bool {
    let minus = |of: &Value| money(&of["after"]).checked_sub(money(&of["before"])).unwrap();
    let figures = &made.json["figures"]["currencies"][0];
    let untagged = figures["untagged"]["rows"].as_array().unwrap().iter().map(|row| money(&row["spend"]));
    let untagged = untagged.fold(Decimal::ZERO, |sum, spend| sum.checked_add(spend).unwrap());
    let commits = made.json["commits"].as_array().unwrap().iter();
    let moves = commits.flat_map(|commit| {
        let totals = commit["totals"].as_object().unwrap().values();
        totals.chain(commit["restated"].as_array().unwrap()).map(minus).collect::<Vec<_>>()
    });
    let change = Some(&figures["change"]).filter(|change| !change.is_null());
    let owners = change.into_iter().flat_map(|change| change["owners"]["rows"].as_array().unwrap());
    let owners = owners.chain(change).map(minus);
    moves.chain(owners).chain([untagged]).any(|derived| derived == exact)
}

fn collect(value: &Value, into: &mut BTreeSet<Decimal>) {
    match value {
        Value::String(text) => into.extend(text.parse::<Decimal>()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        Value::Object(values) => values.values().for_each(|value| collect(value, into)),
        _ => {}
    }
}

fn is_money(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_digit() && c != '$');
    word.contains('$')
        || word.split_once('.').is_some_and(|(whole, places)| {
            places.len() == 2
                && places.bytes().all(|b| b.is_ascii_digit())
                && whole.bytes().all(|b| b.is_ascii_digit() || b == b',')
        })
}

/// Every tag that a page has, with the attributes that each may have.
const TAGS: [(&str, &str); 39] = [
    ("!DOCTYPE", "html"),
    ("html", "lang"),
    ("head", ""),
    ("meta", "charset http-equiv content name"),
    ("title", ""),
    ("style", ""),
    ("body", ""),
    ("header", ""),
    ("h1", ""),
    ("h2", ""),
    ("h3", ""),
    ("main", ""),
    ("section", "id aria-label"),
    ("p", "class"),
    ("strong", ""),
    ("span", "class"),
    ("data", "value"),
    ("ul", "class"),
    ("li", ""),
    ("figure", ""),
    ("figcaption", ""),
    ("svg", "class viewBox role aria-hidden"),
    ("defs", ""),
    ("pattern", "id width height patternUnits"),
    ("path", "class d"),
    ("text", "class x y"),
    ("div", "class role tabindex aria-label"),
    ("table", "id"),
    ("caption", ""),
    ("thead", ""),
    ("tbody", ""),
    ("tfoot", ""),
    ("tr", ""),
    ("th", "scope class"),
    ("td", "class"),
    ("details", ""),
    ("summary", ""),
    ("footer", ""),
    ("script", ""),
];

fn is_harmless(html: &str) {
    for piece in reading::pieces(html) {
        let Piece::Tag(tag) = piece else { continue };
        let tag = tag.trim_start_matches('/').trim_end_matches('/');
        let (name, attributes) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
        let allowed = TAGS.iter().find(|(known, _)| *known == name);
        let allowed = allowed.unwrap_or_else(|| panic!("<{tag}>")).1;
        let outside_of_quotes = attributes.split('"').step_by(2);
        for attribute in outside_of_quotes.map(|text| text.trim().trim_end_matches('=')).filter(|name| !name.is_empty())
        {
            assert!(allowed.split(' ').any(|known| known == attribute), "{attribute} of <{tag}>");
        }
    }
    for character in ['\u{202E}', '\u{200B}', '\u{FEFF}', '\0', '\t'] {
        assert!(!html.contains(character), "{character:?}");
    }
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("url(").count(), html.matches("url(#").count(), "the style asks for nothing");
}

/// With `PAGE_CHECK_DIR` the pages go there, to be looked at with a browser: `make page-check`.
#[test]
fn pages_of_any_number_of_hostile_callers_are_harmless_and_small() {
    let pages = std::env::var_os("PAGE_CHECK_DIR");
    for identities in [3, 30, 300] {
        let dir = tempfile::tempdir().unwrap();
        hostile::write(dir.path(), identities);
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (export, ledger, config) = (path("export"), path("ledger"), path("ledger.toml"));
        done(&["run", "--export", &export, "--ledger", &ledger, "--config", &config, "--now", NOW]);
        let made = Made::of(dir.path(), "2026-11", "unblended");
        is_harmless(&made.html);
        let callers = made.json["figures"]["currencies"].as_array().unwrap().iter();
        let callers: usize = callers.map(|found| found["callers"]["rows"].as_array().unwrap().len()).sum();
        assert!(callers >= identities, "{callers}");
        assert!(made.html.len() <= 300_000, "{identities} callers make {} bytes", made.html.len());
        if let Some(pages) = &pages {
            fs::create_dir_all(pages).unwrap();
            fs::write(Path::new(pages).join(format!("{identities}.html")), &made.html).unwrap();
        }
    }
    if let Some(pages) = &pages {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path(), bedrock_ledger::sample::SAMPLE_CONFIG, "30");
        for period in ["2026-10", "2026-11"] {
            let made = Made::of(dir.path(), period, "unblended");
            fs::write(Path::new(pages).join(format!("sample-{period}.html")), made.html).unwrap();
        }
    }
}
