//! Stored objects as the oldest release would have written them that can still be read, as `tests/e2e/older_release.py`
//! makes them: an upgrade leaves such objects to the new functions. The program can read old versions and writes none, so
//! each is made from what the newest says.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use spend_core::table::field::Field;
use spend_core::table::rows::{Row, Table};
use spend_ledger::state::document;
use spend_ledger::state::period::PeriodState;
use spend_ledger::state::reduction::StoredReduction;
use spend_ledger::state::tabular;

/// What zstd skips, and what an object with a table begins with: RFC 8878, 3.1.2.
const SKIPPED: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();

/// An object as the oldest release would have written it, and at which key, if it is one that releases have written in
/// several ways.
pub fn older(key: &str, bytes: &Bytes) -> Option<(String, Bytes)> {
    if bytes.starts_with(&SKIPPED) {
        let text = if key.starts_with("state/") { state(key, bytes) } else { reduction(key, bytes) };
        return Some((key.to_owned(), zstd::encode_all(text.as_bytes(), 1).unwrap().into()));
    }
    let is_compressed = bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let plain = if is_compressed { document::decompressed(key, bytes).unwrap() } else { bytes.to_vec() };
    let document: Map<String, Value> = serde_json::from_slice(&plain).ok()?;
    let text = older_document(document)?;
    // The history was not compressed, and lay at a key that says so.
    let plain_key = key.strip_suffix(".zst").filter(|key| key.starts_with("history/"));
    Some(match plain_key {
        Some(key) => (key.to_owned(), text.into()),
        None if is_compressed => (key.to_owned(), zstd::encode_all(text.as_bytes(), 1).unwrap().into()),
        None => (key.to_owned(), text.into()),
    })
}

/// The text of a document, its format first.
fn written(format: &str, document: &Map<String, Value>) -> String {
    let fields = serde_json::to_string(document).unwrap();
    format!("{{\"format\":\"{format}\",{}", &fields[1..])
}

/// The same in the oldest version.
fn older_document(mut document: Map<String, Value>) -> Option<String> {
    let Value::String(format) = document.remove("format")? else { return None };
    let lacks: &[&str] = match format.as_str() {
        "alert-state/2" => {
            each_crossing(&mut document);
            &["horizon", "origin", "incidents"]
        }
        // Rows that said whether their day had settled are read as those that did not.
        "history/2" => &[],
        "told-metrics/3" if lies_elsewhere(&document) => return None,
        "metric-series/2" | "told-metrics/3" => &["from"],
        "operations-state/2" => &["kinds"],
        "put-gauges/2" => &["from", "putting_since"],
        "put-health/2" => &["from", "told"],
        "swept/3" => &["trials", "looks", "left", "ready", "waiting"],
        // No earlier release left exports out, so that none has seen all as such a release would have.
        "swept-ready/3" if document.get("counting").is_some_and(|counting| counting != "") => return None,
        "swept-ready/3" => &["counting", "contested", "trials", "left", "states"],
        "sealed-delivery/2" => {
            older_delivery(&mut document)?;
            &[]
        }
        "ready-delivery/2" => {
            older_delivery(document.get_mut("delivery")?.as_object_mut()?)?;
            &[]
        }
        _ => return None,
    };
    for name in lacks {
        document.remove(*name);
    }
    let (name, _) = format.split_once('/')?;
    Some(written(&format!("{name}/1"), &document))
}

/// Whether some of what was told was put to the series of another name, which no earlier version could say.
fn lies_elsewhere(told: &Map<String, Value>) -> bool {
    let days = told.get("days").and_then(Value::as_array).into_iter().flatten().map(|of_series| &of_series[1]);
    days.filter_map(Value::as_object).any(|days| days.values().any(|day| day.get("elsewhere").is_some()))
}

/// A delivery that was sealed again has an id that the first version did not know: it stays as it is.
fn older_delivery(delivery: &mut Map<String, Value>) -> Option<()> {
    let execution = delivery.get("execution").unwrap_or(&delivery["delivery_id"]);
    if *execution != delivery["delivery_id"] {
        return None;
    }
    for name in ["execution", "earlier", "replaces"] {
        delivery.remove(name);
    }
    Some(())
}

/// Crossings each for itself, by its key.
fn each_crossing(state: &mut Map<String, Value>) {
    let (names, groups) = (state.remove("names").unwrap(), state.remove("crossings").unwrap());
    let name =
        |place: &Value| place.as_u64().map_or(Value::Null, |place| names[usize::try_from(place).unwrap()].clone());
    let mut crossings = Map::new();
    for group in groups.as_array().unwrap() {
        for row in group[1].as_array().unwrap() {
            let mut crossing = group[0].as_object().unwrap().clone();
            let further = [
                ("member", name(&row[0])),
                ("owner", name(&row[1])),
                ("spent", row[2].clone()),
                ("rise", row[3].clone()),
                ("count", row[4].clone()),
            ];
            crossing.extend(further.map(|(name, value)| (name.to_owned(), value)));
            let key = crossing_key(&crossing);
            if let Some((how, id)) = crossing["told"].as_object().and_then(|told| told.iter().next()) {
                let id = if id.is_null() { json!(format!("{key}:{}", crossing["count"])) } else { id.clone() };
                let told = json!({ how.clone(): id });
                crossing.insert("told".to_owned(), told);
            }
            crossing.retain(|_, value| !value.is_null());
            crossings.insert(key, crossing.into());
        }
    }
    state.insert("crossings".to_owned(), crossings.into());
}

fn crossing_key(crossing: &Map<String, Value>) -> String {
    let plain = |text: &str| {
        let parts = text.bytes().map(|byte| {
            let is_plain = byte.is_ascii_alphanumeric() || b"-._~@/+()*=,".contains(&byte);
            if is_plain { char::from(byte).to_string() } else { format!("%{byte:02x}") }
        });
        parts.collect::<String>()
    };
    let text = |name: &str| crossing[name].as_str().unwrap();
    let member = match crossing["member"].as_str() {
        None => "-".to_owned(),
        Some("-") => "%2D".to_owned(),
        Some(member) => plain(member),
    };
    let window = crossing["window"]["start"].as_str().unwrap();
    let (rule, currency, level) = (plain(text("rule")), plain(text("currency")), plain(text("level")));
    format!("{rule}:{member}:{currency}:{window}:{}:{level}:{}", text("kind"), text("amount"))
}

fn state(key: &str, bytes: &Bytes) -> String {
    let state: PeriodState = tabular::decode(key, bytes).unwrap();
    let mut document = serde_json::to_value(&state).unwrap();
    document["facts"] = columns(&state.facts, &["context"]);
    first_version("period-state/1", document)
}

fn reduction(key: &str, bytes: &Bytes) -> String {
    let reduction: StoredReduction = tabular::decode(key, bytes).unwrap();
    let mut document = serde_json::to_value(&reduction).unwrap();
    document["lines"] = columns(&reduction.lines, &[]);
    first_version("reduction/1", document)
}

fn first_version(format: &str, mut document: Value) -> String {
    document["counts"].as_object_mut().unwrap().remove("resource_tags");
    let document = document.as_object_mut().unwrap();
    document.remove("folded");
    written(format, document)
}

/// Rows in columns, as JSON.
fn columns<F: Field>(table: &Table<F>, lacks: &[&str]) -> Value {
    let each = |of: &dyn Fn(Row<'_, F>) -> Value| table.rows().map(of).collect::<Vec<_>>();
    let texts: BTreeMap<_, _> = F::ALL
        .iter()
        .filter(|field| !lacks.contains(&field.name()))
        .map(|field| (field.name(), coded(each(&|row| row.get(*field).into()))))
        .collect();
    let tags = |row: Row<'_, F>| {
        let tags = row.tags().iter().map(|(name, value)| (name.to_string(), Value::from(&**value)));
        Value::Object(tags.collect())
    };
    let optional = |amount: Option<spend_core::money::decimal::Decimal>| {
        amount.map_or(Value::Null, |amount| amount.to_string().into())
    };
    json!({
        "rows": table.len(),
        "days": coded(each(&|row| row.day().to_string().into())),
        "columns": texts,
        "tags": coded(each(&tags)),
        "usage_amount": each(&|row| row.usage_amount().to_string().into()),
        "tokens": each(&|row| optional(row.tokens())),
        "unblended_cost": each(&|row| row.unblended_cost().to_string().into()),
        "net_unblended_cost": each(&|row| row.net_unblended_cost().to_string().into()),
        "list_cost": each(&|row| optional(row.list_cost())),
        "line_items": each(&|row| row.line_items().into()),
        "lines_without_net": each(&|row| row.lines_without_net().into()),
    })
}

/// A column: its values in the order of first use, and which each row has.
fn coded(column: Vec<Value>) -> Value {
    let mut values: Vec<Value> = Vec::new();
    let codes: Vec<usize> = column
        .into_iter()
        .map(|value| {
            values.iter().position(|found| *found == value).unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            })
        })
        .collect();
    json!({ "values": values, "codes": codes })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    /// What is not read again, what is sent, and formats whose fixtures have what no earlier version could say: they stay as
    /// they are.
    const OTHERS: [&str; 7] = [
        "page",
        "alert-event",
        "alert-summary-event",
        "ready-delivery",
        "sealed-delivery",
        "swept-ready",
        "told-metrics",
    ];

    #[test]
    fn each_format_that_has_an_older_version_becomes_the_oldest() {
        let formats = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/formats");
        let mut newest: BTreeMap<String, u32> = BTreeMap::new();
        for folder in std::fs::read_dir(&formats).unwrap() {
            let name = folder.unwrap().file_name().into_string().unwrap();
            let Some((format, Ok(version))) = name.rsplit_once('-').map(|(name, number)| (name, number.parse::<u32>()))
            else {
                continue;
            };
            let known = newest.entry(format.to_owned()).or_default();
            *known = version.max(*known);
        }
        newest.retain(|format, version| *version > 1 && format != "facts" && !OTHERS.contains(&format.as_str()));
        assert!(newest.len() > 7, "{newest:?}");
        for (format, version) in newest {
            let folder = formats.join(format!("{format}-{version}"));
            let stored = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
            let mut stored = stored.filter(|path| !path.to_string_lossy().ends_with(".read.json"));
            let key = if format == "period-state" { "state/x" } else { "x" };
            let becomes = |path: std::path::PathBuf| older(key, &std::fs::read(path).unwrap().into());
            assert!(stored.any(|path| becomes(path).is_some()), "{format}/{version} has no older version here");
        }
    }
}
