//! Exports in which every name does its worst.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::bill::{session, usage};
use crate::bucket::{chunk_key, manifest_key, period};
use spend_cur::write::{self, FileShape, Row, Value};

/// What names are made of: markup, quotes, formulas, text that turns around, words without an end, wide letters.
const NAMES: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'onmouseover='alert(1)",
    "</title></style></table></details><svg onload=alert(1)>",
    "&lt;b&gt;&amp;&#60;i&#62;",
    "=HYPERLINK(\"https://example.com\",\"look\")",
    "\u{202E}gnirts desrever\u{202C}",
    "line\nbreak\tand\u{0}nothing\u{200B}to\u{FEFF}see",
    "a-name-without-a-place-to-break-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on",
    "經費歸屬於人工智慧平台團隊的非常長的角色名稱經費歸屬於人工智慧平台團隊的非常長的角色名稱",
    "🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀",
    "javascript:alert(1)//{{7*7}}${7*7}",
    "   ",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
];

const MODELS: [&str; 6] = [
    "USE1-Claude4.6Sonnet-input-tokens",
    "USE1-Claude4.6Sonnet-output-tokens",
    "USE1-Claude4.6Sonnet-cache-read-input-token-count",
    "USE1-NovaPro-input-tokens",
    "USE1-<b onclick=alert(1)>Model</b>-input-tokens",
    "USE1-ModelWithANameThatIsLongerThanAnyPictureHasRoomForAndGoesOnAndOnAndOn-output-tokens",
];

/// The configuration: budgets and tags whose names are no better.
const CONFIG: &str = r#"
[tags]
required = ["iamPrincipal/team", "iamPrincipal/<i>center</i>"]

[alerts]
first_run = "summary"

[[budget]]
name = "all of it, <b>everything</b>, whoever'  spends it, WWWWWWWWWW"
window = "month"
amount = "900.00"
currency = "USD"
thresholds = [50, 100]

[[budget]]
name = "each team"
each = "tag:iamPrincipal/team"
window = "month"
amount = "10.00"
currency = "USD"
thresholds = [50]
owner = "{member}-lead"
"#;

/// A month and a half of `identities` callers, in two currencies where there are many.
fn rows(identities: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for index in 0..identities {
        let name = NAMES[index % NAMES.len()];
        let principal = match index % 3 {
            // A path before a role's name says nothing: the name is what stands last.
            0 => session(&format!("{name}{index}"), "s"),
            1 => format!("{index} {name}"),
            _ => session(
                &format!("AWSReservedSSO_role-{index}_0a1b"),
                &format!("{index}{}@example.com", name.replace('/', "")),
            ),
        };
        for step in 0..8 {
            let day = (index * 5 + step * 4) % 33;
            let day =
                if day < 19 { format!("2026-11-{:02}", day + 1) } else { format!("2026-10-{:02}", day - 19 + 18) };
            let cents = 1 + (index * 37 + step * 11) % 97;
            let model = MODELS[(index + step) % MODELS.len()];
            let mut row = usage(&day, &principal, model, f64::from(u32::try_from(cents).unwrap()) * 0.37);
            let team = NAMES[(index / 2) % NAMES.len()];
            if index % 5 != 0 {
                row.insert("tags", Value::Map(vec![("iamPrincipal/team".to_owned(), format!("{team}{}", index % 11))]));
            }
            if identities > 10 && index % 7 == 0 {
                row.insert("line_item_currency_code", "CNY".into());
            }
            rows.push(row);
        }
    }
    rows.push(usage("2026-11-03", "", MODELS[0], 21.5));
    let mut discount = usage("2026-11-04", "", MODELS[0], -40.25);
    discount.insert("line_item_line_item_type", "EdpDiscount".into());
    let mut tax = usage("2026-11-01", "", MODELS[0], 17.125);
    tax.insert("line_item_line_item_type", "Tax".into());
    rows.extend([discount, tax]);
    rows
}

/// Writes the export and its configuration below `dir`.
pub(crate) fn write(dir: &Path, identities: usize) {
    let (october, november): (Vec<_>, Vec<_>) = rows(identities).into_iter().partition(|row| {
        let Some(Value::Time(at)) = row.get("line_item_usage_start_date") else { panic!() };
        at.format("%m").to_string() == "10"
    });
    let put = |key: &str, bytes: &[u8]| {
        let path = dir.join("export").join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let arn = "arn:aws:bcm-data-exports:us-east-1:111122223333:export/cur-0a1b";
    for (month, period, rows) in [("2026-10", "2026-10".parse().unwrap(), october), ("2026-11", period(), november)] {
        let of_month = |key: String| key.replace("2026-11", month);
        let chunk = of_month(chunk_key(1));
        put(&chunk, &write::parquet(&rows, &FileShape::default()).unwrap());
        put(&of_month(manifest_key()), &write::manifest(arn, "cur", Some(month), &[], "acme", &[chunk], period));
    }
    let mut config = CONFIG.to_owned();
    writeln!(
        config,
        "\n[[mute]]\nrule = \"each team\"\nmember = \"*\"\nuntil = 2026-12-01\nreason = \"a <b>test</b>\""
    )
    .unwrap();
    fs::write(dir.join("ledger.toml"), config).unwrap();
}
