use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use bytes::Bytes;
use chrono::{Datelike, NaiveDate, Weekday};
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::Page;
use parquet::file::reader::{FileReader, SerializedFileReader};
use spend_core::bill::bedrock_line::{Rule, RuleSet};
use spend_core::bill::principal::{Identity, KeepSessions};
use spend_core::calendar::period::BillingPeriod;
use spend_cur::write::{Row, Value};
use tempfile::TempDir;

use super::filler::Filler;
use super::products::{Seller, Tokens};
use super::rows::{Bill, row};
use super::story::{CLOSED_AT, Kind, Line, RESTATED_BY, RESTATED_DAY, RUNAWAY_DAY, days_before, delivered};
use super::*;

/// Hardly more rows than the story needs.
fn short(out: impl Into<PathBuf>) -> SampleOptions {
    SampleOptions { rows: 2_700, ..SampleOptions::into(out) }
}

fn default_with(seed: u64) -> SampleOptions {
    SampleOptions { seed, ..SampleOptions::into("") }
}

/// The Bedrock lines of November in its first or second delivery.
fn november(delivery: u64) -> Vec<Line> {
    Month::current(&default_with(1)).bedrock(delivered(days_before(TODAY, 3 - delivery)))
}

fn october(seed: u64) -> Vec<Line> {
    Month::closed(&default_with(seed)).bedrock(CLOSED_AT)
}

fn spend<'a>(lines: &'a [Line], wanted: impl Fn(&Line) -> bool + 'a) -> f64 {
    lines.iter().filter(|line| line.kind == Kind::Usage && wanted(line)).map(|line| line.cost).sum()
}

fn day(line: &Line) -> NaiveDate {
    line.start.date_naive()
}

fn is_of(line: &Line, team: &str) -> bool {
    line.tags.iter().any(|(key, value)| key == "iamPrincipal/team" && value == team)
}

fn text<'a>(row: &'a Row, column: &str) -> &'a str {
    match row.get(column) {
        Some(Value::Text(text)) => text,
        None => "",
        other => panic!("{column}: {other:?}"),
    }
}

/// The rules by which a reader recognises a Bedrock row.
fn rules(row: &Row) -> RuleSet {
    let mut rules = RuleSet::default();
    for (rule, column) in [
        (Rule::ProductFamily, "product_product_family"),
        (Rule::ProductCode, "line_item_product_code"),
        (Rule::ServiceCode, "product_servicecode"),
        (Rule::Operation, "line_item_operation"),
        (Rule::Resource, "line_item_resource_id"),
        (Rule::Principal, "line_item_iam_principal"),
    ] {
        rules.test(rule, text(row, column));
    }
    let Some(Value::Map(product)) = row.get("product") else { panic!("a row without a product map") };
    for (_, value) in product.iter().filter(|(key, _)| key == "product_name" || key == "servicename") {
        rules.test(Rule::ProductName, value);
    }
    rules
}

const NOVEMBER: fn() -> Bill = || Bill { period: BillingPeriod::of(TODAY), is_invoiced: false };

#[test]
fn the_agent_breaks_the_budget_of_search_on_the_17th_and_not_before() {
    for seed in 0..10 {
        let lines = Month::current(&default_with(seed)).bedrock(sample_now());
        let until = |last| spend(&lines, |line| is_of(line, "search") && day(line) <= last);
        assert!(until(days_before(RUNAWAY_DAY, 1)) < 0.8 * 2_400.0, "seed {seed}");
        assert!(until(RUNAWAY_DAY) > 2_400.0, "seed {seed}");
        let before = spend(&october(seed), |line| is_of(line, "search"));
        assert!(before < 2_400.0, "seed {seed}: October {before}");
        for team in ["search", "growth", "fraud", "legal", "platform"] {
            assert!((500.0..4_000.0).contains(&spend(&lines, |line| is_of(line, team))), "seed {seed}: {team}");
        }
    }
}

#[test]
fn the_runaway_is_15_to_25_normal_days_of_one_role_in_many_sessions() {
    let lines = november(2);
    let agent = |line: &Line| line.principal.contains(":assumed-role/agent-exec/BedrockAgentCore-");
    let on = |wanted: NaiveDate| spend(&lines, move |line| agent(line) && day(line) == wanted);
    let weekdays: Vec<_> = RUNAWAY_DAY.iter_days().rev().skip(1).take(14).collect();
    let weekdays = weekdays.into_iter().filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
    let normal: Vec<f64> = weekdays.map(on).collect();
    let mean = normal.iter().sum::<f64>() / 10.0;
    assert_eq!(normal.len(), 10);
    assert!((15.0..25.0).contains(&(on(RUNAWAY_DAY) / mean)), "{} of {mean}", on(RUNAWAY_DAY));
    let sessions: BTreeSet<_> = lines.iter().filter(|line| agent(line)).map(|line| &line.principal).collect();
    assert!(sessions.len() > 100, "{}", sessions.len());
}

#[test]
fn the_company_spends_nine_to_twelve_thousand_a_month() {
    for seed in 0..5 {
        let lines = october(seed);
        assert!((9_000.0..12_000.0).contains(&lines.iter().map(|line| line.cost).sum()), "seed {seed}");
    }
    let total: f64 = november(2).iter().map(|line| line.cost).sum();
    assert!(total < 0.8 * 12_000.0, "{total}");
}

#[test]
fn the_second_delivery_restates_one_settled_day_of_one_role() {
    let (first, second) = (november(1), november(2));
    let settled = days_before(TODAY, 4);
    let mut moved: BTreeMap<(NaiveDate, &str), f64> = BTreeMap::new();
    for (lines, sign) in [(&first, -1.0), (&second, 1.0)] {
        for line in lines.iter().filter(|line| line.kind == Kind::Usage && day(line) <= settled) {
            *moved.entry((day(line), &line.principal)).or_default() += sign * line.cost;
        }
    }
    moved.retain(|_, cost| cost.abs() > 1e-9);
    let role = "arn:aws:sts::444455556666:assumed-role/doc-summarizer/doc-summarizer-handler";
    assert_eq!(moved.keys().collect::<Vec<_>>(), [&(RESTATED_DAY, role)]);
    assert!((moved[&(RESTATED_DAY, role)] - RESTATED_BY).abs() < 0.01, "{moved:?}");
    assert_eq!(
        first.iter().map(|line| line.end).filter(|end| *end <= delivered(TODAY)).max(),
        Some(story::at(TODAY, 0) - chrono::TimeDelta::days(1))
    );
    assert!(second.iter().any(|line| day(line) == days_before(TODAY, 1)));
}

#[test]
fn october_is_invoiced_and_november_is_not() {
    let invoiced = |lines: &[Line], bill| -> BTreeSet<bool> {
        lines.iter().map(|line| !text(&row(line, bill), "bill_invoice_id").is_empty()).collect()
    };
    let period = BillingPeriod::of(TODAY).previous();
    assert_eq!(invoiced(&october(1), Bill { period, is_invoiced: true }), [true].into());
    assert_eq!(invoiced(&november(2), NOVEMBER()), [false].into());
}

#[test]
fn every_bedrock_line_is_recognised_and_no_other_is() {
    let lines = november(2);
    assert!(lines.iter().all(|line| rules(&row(line, NOVEMBER())).is_bedrock()));
    let filler = Filler::new(1, NOVEMBER(), days_before(TODAY, 1));
    let rows: Vec<Row> = (0..2_000).map(|index| filler.row(index)).collect();
    assert!(rows.iter().all(|row| !rules(row).is_bedrock()));
    let codes: BTreeSet<_> = rows.iter().map(|row| text(row, "line_item_product_code")).collect();
    assert!(["AmazonEC2", "AmazonS3", "AWSLambda", "AmazonCloudWatch"].iter().all(|code| codes.contains(code)));
    assert!(rows.iter().any(|row| text(row, "bill_billing_entity") == "AWS Marketplace"));
}

#[test]
fn marketplace_rows_have_no_service_code_and_no_list_price_and_an_opaque_product_code() {
    let lines = november(2);
    let sold: Vec<_> = lines.iter().filter(|line| line.sku.seller != Seller::Aws && line.kind == Kind::Usage).collect();
    assert!(sold.len() > 500);
    for line in sold {
        let row = row(line, NOVEMBER());
        assert_eq!(text(&row, "product_servicecode"), "");
        assert_eq!(row["pricing_public_on_demand_cost"], Value::Number(0.0));
        assert_eq!(text(&row, "line_item_product_code").len(), 25);
        assert!(text(&row, "line_item_usage_type").starts_with("USE1-MP:USE1_"));
        assert!(!text(&row, "line_item_iam_principal").is_empty());
    }
}

#[test]
fn the_notebook_has_no_tags_and_the_key_has_no_cost_center() {
    let lines = november(2);
    let keys = |principal: &str| -> BTreeSet<Vec<&str>> {
        let lines = lines.iter().filter(|line| line.principal.contains(principal));
        lines.map(|line| line.tags.iter().map(|(key, _)| key.as_str()).collect()).collect()
    };
    assert_eq!(keys(":assumed-role/notebook-exec/i-0"), [vec![]].into());
    assert_eq!(keys(":user/BedrockAPIKey-"), [vec!["iamPrincipal/team"]].into());
    let full = ["iamPrincipal/cost-center", "iamPrincipal/team", "userAttribute/Department"];
    assert_eq!(keys("AWSReservedSSO_"), [full.into()].into());
}

#[test]
fn costs_are_whole_tokens_at_the_price_of_the_model() {
    for line in november(2).iter().filter(|line| line.kind == Kind::Usage) {
        let pieces = line.amount * line.sku.pieces;
        assert!((pieces - pieces.round()).abs() < 1e-3 && pieces > 0.5, "{line:?}");
        assert!((line.cost - line.amount * line.sku.rate).abs() < 1e-12, "{line:?}");
    }
    let per_million = |model: &products::Model, tokens| model.sku(tokens).rate / model.sku(tokens).pieces * 1e6;
    assert!((per_million(&products::SONNET, Tokens::Output) - 15.0).abs() < 1e-9);
    assert!((per_million(&products::NOVA_LITE, Tokens::Input) - 0.06).abs() < 1e-9);
    assert!((per_million(&products::GPT_OSS_MANTLE, Tokens::Output) - 0.6).abs() < 1e-9);
}

#[test]
fn more_rows_split_the_same_spend() {
    let big = SampleOptions { rows: 60_000, ..default_with(1) };
    let big = Month::current(&big).bedrock(sample_now());
    let (few, many) = (spend(&november(2), |_| true), spend(&big, |_| true));
    assert!(big.len() > 8_000, "{}", big.len());
    assert!((many / few - 1.0).abs() < 0.02, "{few} became {many}");
}

#[test]
fn net_costs_are_the_unblended_costs_after_the_discount_lines() {
    let (mut unblended, mut net) = (0.0, 0.0);
    for line in november(2) {
        let row = row(&line, NOVEMBER());
        let number = |column: &str| match row[column] {
            Value::Number(number) => number,
            ref other => panic!("{other:?}"),
        };
        unblended += number("line_item_unblended_cost");
        net += number("line_item_net_unblended_cost");
    }
    assert!((unblended - net).abs() < 1e-6, "{unblended} and {net}");
    let kinds: BTreeSet<_> = november(2).iter().map(|line| format!("{:?}", line.kind)).collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
}

#[test]
fn as_many_principals_appear_as_were_asked_for() {
    for (asked, expected) in [(0, cast::CAST.len()), (24, 24), (300, 300)] {
        let options = SampleOptions { principals: asked, ..default_with(1) };
        let lines = Month::current(&options).bedrock(delivered(TODAY));
        let keep = KeepSessions::new(["OktaDevelopers"]);
        let mut found: BTreeSet<_> = lines.iter().map(|line| Identity::of(&line.principal, &keep).name).collect();
        assert!(found.remove(""));
        assert_eq!(found.len(), expected, "{found:?}");
        assert!(["dana@example.com", "omar", "role/ai-gateway@444455556666"].iter().all(|name| found.contains(*name)));
    }
}

/// A sample on disk, written once for the tests that read files.
static SAMPLE: LazyLock<(TempDir, Written)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let written = write(&short(dir.path())).unwrap();
    (dir, written)
});

/// The files below `tree`, by path, with contents.
fn files(tree: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![tree.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(tree).unwrap().to_owned(), fs::read(path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_same_options_write_the_same_bytes() {
    let again = tempfile::tempdir().unwrap();
    write(&short(again.path())).unwrap();
    assert!(files(again.path()) == files(SAMPLE.0.path()));
    let costs = |seed| -> Vec<f64> {
        Month::current(&SampleOptions { seed, ..short("") })
            .bedrock(sample_now())
            .iter()
            .map(|line| line.cost)
            .collect()
    };
    assert!(costs(1) == costs(1) && costs(1) != costs(2));
}

/// Below the export's folder: the data or metadata folder of a period, and in it those of its deliveries.
fn folders(section: &str, period: &str) -> Vec<PathBuf> {
    let partition = format!("finance/cur/bedrock-by-caller/{section}/BILLING_PERIOD={period}");
    let entries = fs::read_dir(SAMPLE.0.path().join(partition)).unwrap();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn several_deliveries_stand_in_folders_of_their_own_named_by_their_time() {
    let (dir, written) = &*SAMPLE;
    assert_eq!(folders("data", "2026-10").len(), 1);
    let november = folders("data", "2026-11");
    let names: Vec<_> = november.iter().map(|folder| folder.file_name().unwrap().to_str().unwrap()).collect();
    assert!(names[0].starts_with("2026-11-19T06:00:00.000Z-"), "{names:?}");
    assert!(names[1].starts_with("2026-11-20T06:00:00.000Z-"), "{names:?}");
    let chunks: Vec<_> = files(&november[1]).into_keys().collect();
    let expected = [1, 2, 3].map(|number| PathBuf::from(format!("bedrock-by-caller-0000{number}.snappy.parquet")));
    assert_eq!(chunks, expected);
    assert_eq!(written.notes.len(), 3);
    assert!(written.notes[2].contains("2026-11 through 2026-11-19"), "{}", written.notes[2]);

    let partition = dir.path().join("finance/cur/bedrock-by-caller/metadata/BILLING_PERIOD=2026-11");
    let newest = fs::read(partition.join("bedrock-by-caller-Manifest.json")).unwrap();
    let own = manifests(&folders("metadata", "2026-11"));
    assert_eq!(own.len(), 2);
    assert!(newest == own[1] && newest != own[0], "the newest manifest stands a second time above its folder");
}

fn manifests(folders: &[PathBuf]) -> Vec<Vec<u8>> {
    folders.iter().map(|folder| fs::read(folder.join("bedrock-by-caller-Manifest.json")).unwrap()).collect()
}

#[test]
fn manifests_are_newer_than_what_they_list_or_as_new_and_later_deliveries_are_newer() {
    let modified = |path: &Path| DateTime::<Utc>::from(fs::metadata(path).unwrap().modified().unwrap());
    let manifests = folders("metadata", "2026-11").into_iter().map(|at| at.join("bedrock-by-caller-Manifest.json"));
    let times: Vec<_> = manifests.map(|path| modified(&path)).collect();
    let chunk = folders("data", "2026-11")[1].join("bedrock-by-caller-00003.snappy.parquet");
    assert!(modified(&chunk) <= times[1]);
    assert_eq!(times, [sample_now() - chrono::TimeDelta::days(1), sample_now()]);
}

#[test]
fn a_single_delivery_stands_in_place_with_as_many_rows_as_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let options = SampleOptions { rows: 3_500, deliveries: 1, ..SampleOptions::into(dir.path()) };
    write(&options).unwrap();
    let mut rows: BTreeMap<String, i64> = BTreeMap::new();
    for (path, bytes) in files(dir.path()) {
        let path = path.to_str().unwrap();
        if path.ends_with(".snappy.parquet") {
            let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
            let (folder, _) = path.rsplit_once('/').unwrap();
            *rows.entry(folder.to_owned()).or_default() += reader.metadata().file_metadata().num_rows();
        }
    }
    let folder = |period| format!("finance/cur/bedrock-by-caller/data/BILLING_PERIOD={period}");
    assert_eq!(rows, [(folder("2026-10"), 3_500), (folder("2026-11"), 3_500)].into());
}

/// How many rows the last delivery of each month has, and how many of them are Bedrock's.
fn counts(options: &SampleOptions) -> [(usize, usize); 2] {
    [(Month::closed(options), CLOSED_AT), (Month::current(options), sample_now())].map(|(month, at)| {
        let bedrock = month.bedrock(at).len();
        (bedrock + month.others(), bedrock)
    })
}

#[test]
fn as_many_rows_are_written_as_were_asked_for_also_where_the_story_needs_more() {
    for rows in [10, 100, 500, 1_000, 2_000, 2_700, 20_000] {
        for share in [None, Some(0.0), Some(0.15), Some(0.5), Some(1.0)] {
            let options = SampleOptions { rows, bedrock_share: share, ..SampleOptions::into("") };
            let asked = options.part(share.unwrap_or(0.0));
            for (written, bedrock) in counts(&options) {
                assert_eq!(written, rows, "{share:?}");
                assert!(share.is_none_or(|_| bedrock <= asked), "{bedrock} of {rows} at {share:?}");
                let least = asked.saturating_sub(asked / 50 + 3);
                assert!(bedrock >= least, "{bedrock} of {rows} at {share:?}");
            }
        }
    }
}

#[test]
fn where_there_is_no_room_for_the_story_each_caller_keeps_their_largest_lines_and_it_is_said() {
    let whole = Month::current(&short(""));
    assert_eq!(whole.shortage(), None);
    let half = Month::current(&SampleOptions { rows: 500, ..short("") });
    let lines = half.bedrock(sample_now());
    let keep = KeepSessions::new(["OktaDevelopers"]);
    let callers: BTreeSet<_> = lines.iter().map(|line| Identity::of(&line.principal, &keep).name).collect();
    assert_eq!(callers.len(), SampleOptions::PRINCIPALS + 1, "and what names nobody");
    let of_agent = |line: &&Line| line.principal.contains(":assumed-role/agent-exec/");
    assert!(lines.iter().filter(of_agent).all(|line| day(line) == RUNAWAY_DAY), "what it spent that day is the most");
    let note = half.shortage().unwrap();
    assert!(note.starts_with("note: 2026-11 has 4") && note.contains("rows of Amazon Bedrock"), "{note}");
    let few = Month::current(&SampleOptions { rows: 100, bedrock_share: Some(0.1), ..short("") });
    assert!(few.shortage().unwrap().contains("callers have none"));
}

#[test]
fn the_share_of_bedrock_is_what_was_asked_for() {
    for (month, at) in [(Month::current(&default_with(1)), sample_now()), (Month::closed(&default_with(1)), CLOSED_AT)]
    {
        let lines = month.bedrock(at).len();
        assert!((2_700..=3_000).contains(&lines), "{lines}");
    }
}

#[test]
fn chunks_are_as_aws_writes_them() {
    for (path, bytes) in files(SAMPLE.0.path()) {
        if !path.to_str().unwrap().ends_with(".snappy.parquet") {
            continue;
        }
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let file = reader.metadata().file_metadata();
        assert_eq!(file.schema().get_fields().len(), 131);
        let times = file.schema_descr().columns().iter().filter(|column| column.physical_type() == Type::INT96).count();
        assert_eq!(times, 4);
        let group = reader.get_row_group(0).unwrap();
        for index in 0..group.num_columns() {
            assert_eq!(group.metadata().column(index).compression(), Compression::SNAPPY);
            let mut pages = group.get_column_page_reader(index).unwrap();
            assert!(matches!(pages.get_next_page().unwrap(), Some(Page::DictionaryPage { .. })));
            let next = pages.get_next_page().unwrap();
            assert!(matches!(next, Some(Page::DataPage { encoding: Encoding::RLE_DICTIONARY, .. })));
        }
    }
}

#[test]
fn manifests_list_the_chunks_of_their_delivery() {
    let read = |bytes: &Vec<u8>| -> serde_json::Value { serde_json::from_slice(bytes).unwrap() };
    let manifests: Vec<_> = manifests(&folders("metadata", "2026-11")).iter().map(read).collect();
    let manifest = &manifests[1];
    assert_ne!(manifest["executionId"], manifests[0]["executionId"]);
    assert_eq!(manifest["billingPeriod"], "2026-11");
    assert_eq!(manifest["columns"].as_array().unwrap().len(), 131);
    let listed = manifest["dataFiles"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    for file in listed {
        let key = file.as_str().unwrap().strip_prefix("s3://example-finance-exports/").unwrap();
        assert!(key.contains(manifest["executionId"].as_str().unwrap()), "{key}");
        assert!(SAMPLE.0.path().join(key).is_file(), "{key}");
    }
}

#[test]
fn a_second_sample_in_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("finance")).unwrap();
    let error = write(&short(dir.path())).unwrap_err().to_string();
    assert!(error.ends_with("it already holds finance; name a new directory"), "{error}");
}

#[test]
fn the_configuration_speaks_of_the_story() {
    let config: toml::Table = SAMPLE_CONFIG.parse().unwrap();
    let budgets = config["budget"].as_array().unwrap();
    let names: Vec<_> = budgets.iter().map(|budget| budget["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["search", "each team", "everything"]);
    assert_eq!(budgets[0]["match"]["tag:iamPrincipal/team"].as_str(), Some("search"));
    assert!(november(2).iter().any(|line| is_of(line, "search")));
    let role = config["identity"]["keep_sessions"][0].as_str().unwrap();
    assert!(november(2).iter().any(|line| line.principal.contains(&format!("/{role}/"))));
}
