//! Every text that a bill has, at its worst, through everything that people are told: no line is forged, nothing is a link,
//! nothing is obeyed by a terminal, a browser or a spreadsheet.

use std::collections::BTreeSet;

use spend_core::facts::fact::FactField;
use spend_core::table::field::Field as _;

use crate::config::Config;
use crate::outputs::outbox::Lease;
use crate::outputs::{Message, Topic};
use crate::reaction_fixtures::{TestNotifier, at, book, fact, period};
use crate::state::book::Book;
use crate::store::Store;
use crate::store::memory::MemoryStore;
use crate::{alert, chargeback, digest};

/// What strangers write.
const HOSTILE: [&str; 3] = [
    "AWS Security. \u{1b}[31m\r\nForged: yes\u{202e}\u{200b} Confirm at https://evil.example/pay <script>alert(1)</script>",
    "=cmd('evil.example')\u{2028}Forged: 1\u{7}",
    "www.evil.example\nForged: <script>alert(1)</script> \"quoted\" \"",
];

/// A rule of each kind for each of what members can be; all of them find something.
fn config() -> Config {
    let mut text = "[cost]\ncount = [\"usage\", \"discount\", \"credit\", \"refund\", \"fee\", \"tax\", \"other\"]\n\
                    [alerts]\nmax_per_run = 1000\n"
        .to_owned();
    let owners = ["{member}", "{tag:iamPrincipal/team}-leads"].into_iter().cycle();
    for (each, owner) in ["identity", "owner", "account", "model", "tag:iamPrincipal/team"].into_iter().zip(owners) {
        let mut rule = |table: &str, what: &str| {
            let name = format!("{each} {}", what.len() + table.len());
            let table = format!("[[{table}]]\nname = \"{name}\"\neach = \"{each}\"\nowner = \"{owner}\"\n{what}\n");
            text.push_str(&table);
        };
        rule("budget", "amount = 500");
        if !matches!(each, "identity" | "tag:iamPrincipal/team") {
            continue;
        }
        rule("budget", "thresholds = []\nforecast = [100]\namount = 1050");
        rule("delta", "");
        rule("anomaly", "");
        rule("hygiene", "lack = \"tag:iamPrincipal/center\"");
    }
    Config::parse("ledger.toml", &text).unwrap()
}

const ORDINARY: [(&str, &str); 14] = [
    ("account_id", "111122223333"),
    ("principal", "arn:aws:sts::111122223333:assumed-role/app/i-0abc"),
    ("identity", "role/app@111122223333"),
    ("identity_kind", "role"),
    ("owner", "search"),
    ("owner_source", "tag"),
    ("provider", "anthropic"),
    ("model", "claude-sonnet-4.6"),
    ("model_as_billed", "Claude4.6Sonnet"),
    ("feature", "inference"),
    ("token_kind", "input"),
    ("tier", "on-demand"),
    ("region", "us-east-1"),
    ("iamPrincipal/team", "search"),
];

/// The fields that are hostile together: alerts are of few lines, so that not all are.
const TOGETHER: [&[&str]; 10] = [
    &["identity", "principal"],
    &["currency"],
    &["owner", "owner_source", "cost_center"],
    &["model", "model_as_billed", "provider", "feature", "token_kind"],
    &["account_id", "payer_account_id", "region"],
    &["tier", "routing", "context", "product_code", "usage_type", "operation", "pricing_unit"],
    &["identity_kind", "unattributed_reason"],
    &["category"],
    &["iamPrincipal/team"],
    &[KEY],
];
/// The key of a tag that is a stranger's.
const KEY: &str = "KEY";

/// Two months in which `fields` have `value` where others have an ordinary one, until `last` in November and with `peak`
/// spent on the 15th.
fn months(fields: &[&str], value: &str, last: u32, peak: &str) -> Book {
    let key = format!("iamPrincipal/{value}");
    let mut hostile: Vec<(&str, &str)> = ORDINARY.into_iter().filter(|(name, _)| !fields.contains(name)).collect();
    hostile.extend(fields.iter().map(|field| if *field == KEY { (key.as_str(), "x") } else { (*field, value) }));
    let of = |day: &str, cost: &str| fact(day, cost, &hostile);
    let october: Vec<_> = (1..=31).map(|day| of(&format!("2026-10-{day:02}"), "5")).collect();
    let november = (1..=last).flat_map(|day| {
        let day = format!("2026-11-{day:02}");
        [of(&day, if day.ends_with("15") { peak } else { "6" }), fact(&day, "2", &ORDINARY)]
    });
    let mut months = book(vec![period("2026-10", october), period("2026-11", november.collect())]);
    for month in &mut months.periods {
        month.delivery_id = value.to_owned();
        month.unverified = true;
        month.data_as_of = Some(at(&format!("2026-11-{:02}T00:00:00Z", last + 1)).min(month.period.end()));
    }
    months
}

/// Everything that is told of two months while they pass, and of a restatement.
async fn told(fields: &[&str], value: &str) -> (Vec<Message>, Vec<(String, String)>) {
    let (store, config, notifier) = (MemoryStore::default(), config(), TestNotifier::default());
    let book = months(fields, value, 19, "900");
    for (book, now) in [
        (&months(fields, value, 14, "900"), "2026-11-15T06:00:00Z"),
        (&book, "2026-11-20T06:00:00Z"),
        (&months(fields, value, 22, "6"), "2026-11-23T06:00:00Z"),
    ] {
        let given = alert::Given { config: &config, book };
        alert::react(&store, &notifier, &given, Lease::INVOCATION, at(now)).await.unwrap();
    }
    let now = at("2026-11-20T06:00:00Z");
    digest::react(&store, &notifier, &config, &book, Lease::INVOCATION, now).await.unwrap();
    let page = digest::page::make(&store, &config, &book, None, now).await.unwrap().unwrap();
    chargeback::write(&store, &config, &book, now).await.unwrap();
    let json = String::from_utf8(page.json.to_vec()).unwrap();
    let mut files = vec![("page.html".to_owned(), page.html), ("page.json".to_owned(), json)];
    for object in store.list("chargeback/").await.unwrap() {
        let (bytes, _) = store.get(&object.key).await.unwrap().unwrap();
        files.push((object.key, String::from_utf8(bytes.to_vec()).unwrap()));
    }
    (notifier.sent(), files)
}

fn assert_quiet(what: &str, text: &str) {
    let is_loud = |character: char| {
        character.is_control() && character != '\n' || matches!(character, '\u{200b}' | '\u{2028}' | '\u{202e}')
    };
    assert!(!text.contains(is_loud), "{what}: {text:?}");
}

fn assert_harmless(what: &str, text: &str) {
    assert_quiet(what, text);
    for link in ["://", "evil.example", "www."] {
        assert!(!text.contains(link), "{what}: {link} in\n{text}");
    }
    assert!(!text.contains("<script>alert"), "{what}: {text}");
    for line in text.lines() {
        assert!(
            !line.starts_with("Forged") && (!line.trim_start().starts_with('=') || line.starts_with("=== ")),
            "{what}: {line:?} in\n{text}"
        );
    }
}

#[tokio::test]
async fn no_text_of_the_bill_harms_whoever_reads_of_it() {
    let walked: BTreeSet<_> = TOGETHER.concat().into_iter().collect();
    assert!(FactField::ALL.iter().all(|field| walked.contains(field.name())), "no field is left out");
    let mut kinds = BTreeSet::new();
    for (index, fields) in TOGETHER.into_iter().enumerate() {
        let texts: Vec<_> =
            if fields == ["currency"] { HOSTILE.to_vec() } else { vec![HOSTILE[index % HOSTILE.len()]] };
        for hostile in texts {
            let (sent, files) = told(fields, hostile).await;
            let field = fields[0];
            for message in &sent {
                let what = format!("{field} in {} of {}", message.topic.as_str(), message.attributes["kind"]);
                kinds.insert((message.topic, message.attributes["kind"].clone(), message.attributes["status"].clone()));
                assert_harmless(&what, &message.subject);
                message.attributes.values().for_each(|value| assert_quiet(&what, value));
                if message.topic == Topic::Events {
                    assert!(serde_json::from_str::<serde_json::Value>(&message.body).is_ok(), "{what}");
                } else {
                    assert_harmless(&what, &message.body);
                }
                // Nobody is called by what only the bill says.
                let owner = &message.attributes["owner"];
                assert!(!owner.contains("Forged") && !owner.contains("evil"), "{what}: {owner}");
            }
            for (name, text) in &files {
                let extension = name.rsplit('.').next().unwrap_or_default();
                // JSON is for programs: it spells out control characters, and keeps everything else exactly.
                if extension == "json" {
                    assert!(!text.contains(|character: char| character.is_control() && character != '\n'), "{name}");
                    assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{name}");
                    continue;
                }
                assert_quiet(name, text);
                if extension == "html" {
                    assert!(!text.contains("<script>alert") && !text.contains("evil.example"), "{field} in {name}");
                    assert!(!text.contains("://"), "{field} in {name}");
                }
                let is_formula = |cell: &str| cell.trim_start_matches('"').starts_with('=');
                assert!(extension != "csv" || !text.split(['\n', ',']).any(is_formula), "{field} in {name}: {text}");
            }
        }
    }
    let told = |topic, kind: &str, status: &str| kinds.contains(&(topic, kind.to_owned(), status.to_owned()));
    for kind in ["budget", "forecast", "delta", "anomaly", "hygiene"] {
        assert!(told(Topic::Alerts, kind, "firing"), "{kind}: {kinds:?}");
    }
    assert!(told(Topic::Alerts, "budget", "resolved") && kinds.iter().any(|(topic, ..)| *topic == Topic::Digest));
}
