use std::collections::BTreeMap;
use std::iter;
use std::sync::LazyLock;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;
use parquet::data_type;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::statistics::Statistics;
use parquet::record::{Field, Row};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use spend_core::facts::fact::{Fact, FactKey};
use spend_core::money::decimal::Decimal;
use spend_core::table::measures::Measures;
use spend_core::table::rows::{Columns, SumColumns};

use super::*;

mod stored;

fn of() -> FactsOf {
    FactsOf { delivery_id: "d".to_owned(), revision: 2, derivation: "x".to_owned() }
}

/// A fact whose fields are all `field`, with these tags.
fn fact(day: &str, field: &str, tags: &[(&str, &str)], measures: Measures) -> (FactKey, Measures) {
    let fields = FactField::ALL.map(|_| Arc::from(field));
    let tags: Tags = tags.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    (FactKey { usage_date: day.parse().unwrap(), fields, tags: Arc::new(tags) }, measures)
}

fn table(facts: impl IntoIterator<Item = (FactKey, Measures)>) -> FactTable {
    FactTable::of(facts).unwrap()
}

/// What a reader that knows nothing of this package makes of the file.
fn rows(file: &Bytes) -> Vec<Row> {
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

/// Each row's columns, as texts.
fn read(file: &Bytes) -> Vec<Vec<(String, String)>> {
    let row = |row: &Row| row.get_column_iter().map(|(name, field)| (name.clone(), field.to_string())).collect();
    rows(file).iter().map(row).collect()
}

fn metadata(file: &Bytes) -> ParquetMetaData {
    let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    reader.try_parse(file).unwrap();
    reader.finish().unwrap()
}

/// The columns of a row but the map, and what is in that.
type Cells = (Vec<Field>, Vec<(Field, Field)>);

fn cells(row: &Row) -> Cells {
    let (mut cells, mut tags) = (Vec::new(), Vec::new());
    for (_, field) in row.get_column_iter() {
        match field {
            Field::MapInternal(map) => tags.extend_from_slice(map.entries()),
            field => cells.push(field.clone()),
        }
    }
    (cells, tags)
}

fn exact(amount: Decimal) -> Field {
    Field::Decimal(data_type::Decimal::from_bytes(amount.units().to_be_bytes().to_vec().into(), 38, 18))
}

fn tag((key, value): (&Arc<str>, &Arc<str>)) -> (Field, Field) {
    (Field::Str(key.to_string()), Field::Str(value.to_string()))
}

/// How a fact must be read.
fn cells_of(fact: Fact<'_>) -> Cells {
    let text = |field| {
        let text = fact.get(field);
        if NULLABLE.contains(&field) && text.is_empty() { Field::Null } else { Field::Str(text.to_owned()) }
    };
    let tags = fact.tags().iter().map(tag).collect();
    let mut columns = vec![Field::Date(fact.day().to_epoch_days())];
    columns.extend(FactField::ALL.map(text));
    columns.extend([
        Field::Double(fact.usage_amount().to_f64()),
        fact.tokens().map_or(Field::Null, exact),
        exact(fact.unblended_cost()),
        exact(fact.net_unblended_cost()),
        fact.list_cost().map_or(Field::Null, exact),
        Field::Long(fact.line_items().try_into().unwrap()),
        Field::Long(fact.lines_without_net().try_into().unwrap()),
    ]);
    (columns, tags)
}

fn any_amount() -> impl Strategy<Value = Decimal> {
    const MOST: i128 = 10_i128.pow(38) - 1;
    let units =
        prop_oneof![Just(0), -3_i128..3, -MOST..=MOST, (-9_i128..9).prop_map(|dollars| dollars * 10_i128.pow(18))];
    units.prop_map(|units| Decimal::from_units(units).unwrap())
}

/// Less than the others, so that sums of rows with equal keys stay in range.
fn any_measures() -> impl Strategy<Value = Measures> {
    let exact = || any_amount().prop_map(|amount| Decimal::from_units(amount.units() / 100).unwrap());
    let optional = || proptest::option::of(exact());
    let count = || prop_oneof![0_u64..3, Just(65_535), Just(65_536), Just(70_000_000)];
    (exact(), optional(), exact(), exact(), optional(), count(), count()).prop_map(
        |(usage_amount, tokens, unblended_cost, net_unblended_cost, list_cost, line_items, lines_without_net)| {
            Measures {
                usage_amount,
                tokens,
                unblended_cost,
                net_unblended_cost,
                list_cost,
                line_items,
                lines_without_net,
            }
        },
    )
}

fn any_fact() -> impl Strategy<Value = (FactKey, Measures)> {
    let day = (0_i64..3).prop_map(|day| NaiveDate::default() + chrono::Duration::days(day - 1));
    let text = || prop_oneof![4 => "[ab]{0,2}", 1 => "\\PC{0,80}"].prop_map(Arc::<str>::from);
    let tags = prop_oneof![Just(BTreeMap::new()), btree_map(text(), text(), 0..5)];
    let fields = vec(text(), FactField::ALL.len());
    (day, fields, tags, any_measures()).prop_map(|(usage_date, fields, tags, measures)| {
        (FactKey { usage_date, fields: fields.try_into().unwrap(), tags: Arc::new(tags) }, measures)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_facts_are_read_as_they_were_in_groups_and_pages_of_any_size(
        facts in vec(any_fact(), 0..25),
        group in 1_usize..16,
        page in 1_usize..9,
    ) {
        let table = table(facts);
        let file = write_in(&table, &of(), group, page).unwrap();
        let mut read = rows(&file).into_iter();
        for fact in &table {
            let row = read.next().unwrap();
            prop_assert_eq!(cells(&row), cells_of(fact));
        }
        prop_assert!(read.next().is_none());
        let metadata = metadata(&file);
        prop_assert_eq!(metadata.num_row_groups(), table.len().div_ceil(group));
        // The reader that most programs use agrees on how many rows there are, also with the index of pages.
        let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        prop_assert_eq!(batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), table.len());
    }
}

#[test]
fn a_row_reads_as_it_was_and_what_it_lacks_is_null() {
    let whole = Measures {
        usage_amount: "1234.5".parse().unwrap(),
        tokens: Some("1234500".parse().unwrap()),
        unblended_cost: "-0.000000000000000001".parse().unwrap(),
        net_unblended_cost: "12345678901234567890.5".parse().unwrap(),
        list_cost: Some("3".parse().unwrap()),
        line_items: 7,
        lines_without_net: 2,
    };
    let tags = [("iamPrincipal/team", "search"), ("resourceTags/env", "")];
    let facts = table([fact("2026-11-30", "Ünïcode", &tags, whole), fact("1969-12-31", "", &[], Measures::default())]);
    let rows = read(&write(&facts, &of()).unwrap());
    let [empty, full] = rows.as_slice() else { panic!("{rows:?}") };
    let fields = FactField::ALL.map(FactField::as_str);
    let names: Vec<_> = ["usage_date"].into_iter().chain(fields).collect();
    assert_eq!(full.iter().map(|(name, _)| name.as_str()).take(names.len()).collect::<Vec<_>>(), names);
    let of = |row: &[(String, String)], name: &str| row.iter().find(|(has, _)| has == name).unwrap().1.clone();
    for name in fields {
        let nothing = if ["principal", "unattributed_reason"].contains(&name) { "null" } else { "\"\"" };
        assert_eq!((of(full, name), of(empty, name)), ("\"Ünïcode\"".to_owned(), nothing.to_owned()), "{name}");
    }
    let rest = [
        ("usage_date", "2026-11-30", "1969-12-31"),
        ("tags", r#"{"iamPrincipal/team" -> "search", "resourceTags/env" -> ""}"#, "{}"),
        ("usage_amount", "1234.5", "0E0"),
        ("tokens", "1234500.000000000000000000", "null"),
        ("unblended_cost", "-0.000000000000000001", "0.000000000000000000"),
        ("net_unblended_cost", "12345678901234567890.500000000000000000", "0.000000000000000000"),
        ("list_cost", "3.000000000000000000", "null"),
        ("line_items", "7", "0"),
        ("lines_without_net", "2", "0"),
    ];
    for (name, whole, nothing) in rest {
        assert_eq!((of(full, name).as_str(), of(empty, name).as_str()), (whole, nothing), "{name}");
    }
    assert_eq!(full.len(), fields.len() + rest.len());
}

/// So many facts that texts and amounts that differ are more than two bytes count, on several pages; and their file.
static MANY: LazyLock<(FactTable, Bytes)> = LazyLock::new(|| {
    const ROWS: u32 = 66_000;
    let zeros = || Codes::Zeros(ROWS as usize);
    let rows = || Codes::of(0..ROWS, ROWS);
    let text = |row: u32| Arc::<str>::from(format!("{row:06}"));
    let mut texts = FactField::ALL.map(|_| Coded { values: vec![Arc::from("")], codes: zeros() }).to_vec();
    texts[FactField::Identity as usize] = Coded { values: (0..ROWS).map(text).collect(), codes: rows() };
    let tags = (0..ROWS).map(|row| Arc::new(Tags::from([(Arc::from("team"), text(row))]))).collect();
    let nothing = || Decimals::Zeros(ROWS as usize);
    let none = || OptionalDecimals { decimals: nothing(), present: zeros() };
    let sums = SumColumns {
        usage_amount: nothing(),
        tokens: none(),
        unblended_cost: Decimals::of((0..ROWS).map(i128::from)),
        net_unblended_cost: Decimals::of((0..ROWS).map(|row| i128::from(row % 1000))),
        list_cost: none(),
        line_items: zeros(),
        lines_without_net: zeros(),
    };
    let days = Coded { values: vec!["2026-11-01".parse().unwrap()], codes: zeros() };
    let columns = Columns { days, texts, tags: Coded { values: tags, codes: rows() }, sums };
    let table = FactTable::of_columns(ROWS as usize, columns).unwrap();
    let file = write(&table, &of()).unwrap();
    (table, file)
});

#[test]
fn many_different_texts_and_amounts_are_read_as_they_were() {
    let (table, file) = &*MANY;
    let reader = SerializedFileReader::new(file.clone()).unwrap();
    let read: Vec<Row> = {
        let projection = format!(
            "message facts {{
                REQUIRED BYTE_ARRAY identity (STRING);
                REQUIRED GROUP tags (MAP) {{
                    REPEATED GROUP key_value {{
                        REQUIRED BYTE_ARRAY key (STRING);
                        OPTIONAL BYTE_ARRAY value (STRING);
                    }}
                }}
                REQUIRED {DECIMAL} unblended_cost {DECIMAL_DIGITS};
                REQUIRED {DECIMAL} net_unblended_cost {DECIMAL_DIGITS};
            }}"
        );
        let projection = parse_message_type(&projection).unwrap();
        reader.get_row_iter(Some(projection)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(read.len(), table.len());
    for (row, fact) in iter::zip(&read, table) {
        let costs = [fact.unblended_cost(), fact.net_unblended_cost()].map(exact);
        let identity = Field::Str(fact.get(FactField::Identity).to_owned());
        let tags = fact.tags().iter().map(tag).collect();
        assert_eq!(cells(row), (iter::once(identity).chain(costs).collect(), tags));
    }
}

#[test]
fn texts_are_written_by_dictionary_and_amounts_that_differ_by_themselves() {
    let metadata = metadata(&MANY.1);
    let group = metadata.row_group(0);
    for column in group.columns() {
        let name = column.column_path().string();
        // A column without any value has no dictionary.
        let is_null = ["principal", "unattributed_reason", "tokens", "list_cost"].contains(&name.as_str());
        let plain = is_null || name == "unblended_cost";
        let encoding = if plain { Encoding::PLAIN } else { Encoding::RLE_DICTIONARY };
        assert!(column.page_encoding_stats_mask().unwrap().is_only(encoding), "{name}");
        assert_eq!(column.dictionary_page_offset().is_some(), !plain, "{name}");
    }
}

#[test]
fn a_reader_learns_from_the_footer_which_files_and_pages_have_a_day_an_account_or_an_identity() {
    let facts = |day, account: &str, principal: &str, identity: &str| {
        let (mut key, measures) = fact(day, "", &[], Measures::default());
        key.fields[FactField::AccountId as usize] = Arc::from(account);
        key.fields[FactField::Principal as usize] = Arc::from(principal);
        key.fields[FactField::Identity as usize] = Arc::from(identity);
        (key, measures)
    };
    let table = table([
        facts("2026-11-01", "2", "p", "ana"),
        facts("2026-11-01", "3", "", "bo"),
        facts("2026-11-02", "1", "", "cy"),
        facts("2026-11-09", "1", "", "bo"),
    ]);
    let file = metadata(&write_in(&table, &of(), 3, 2).unwrap());
    let of = |group: usize, name: &str| {
        let mut columns = file.row_group(group).columns().iter();
        columns.find(|column| column.column_path().string() == name).unwrap().statistics().unwrap().clone()
    };
    let texts = |least: &str, greatest: &str, nulls| {
        Statistics::byte_array(Some(least.into()), Some(greatest.into()), None, Some(nulls), false)
    };
    let day = |day: &str| Some(day.parse::<NaiveDate>().unwrap().to_epoch_days());
    assert_eq!(of(0, "usage_date"), Statistics::int32(day("2026-11-01"), day("2026-11-02"), None, Some(0), false));
    assert_eq!(of(1, "usage_date"), Statistics::int32(day("2026-11-09"), day("2026-11-09"), None, Some(0), false));
    assert_eq!([of(0, "account_id"), of(1, "account_id")], [texts("1", "3", 0), texts("1", "1", 0)]);
    assert_eq!([of(0, "identity"), of(1, "identity")], [texts("ana", "cy", 0), texts("bo", "bo", 0)]);
    assert_eq!(of(0, "principal"), texts("p", "p", 2));
    let nothing = of(1, "principal");
    assert_eq!((nothing.min_bytes_opt(), nothing.max_bytes_opt(), nothing.null_count_opt()), (None, None, Some(1)));
    let index = file.page_index().unwrap();
    let Some(ColumnIndexMetaData::INT32(days)) = index.column_index(0, 0) else { panic!("{index:?}") };
    assert_eq!(
        days.min_values_iter().map(Option::<&i32>::copied).collect::<Vec<_>>(),
        [day("2026-11-01"), day("2026-11-02")]
    );
    let first_rows: Vec<_> =
        index.offset_index(0, 0).unwrap().page_locations().iter().map(|page| page.first_row_index).collect();
    assert_eq!(first_rows, [0, 2]);
}

#[test]
fn equal_facts_give_equal_bytes_in_whatever_order_they_came() {
    let facts = |day: u32| fact(&format!("2026-11-{day:02}"), &day.to_string(), &[("k", "v")], Measures::default());
    let (forth, back) = (table((1..9).map(facts)), table((1..9).rev().map(facts)));
    assert_eq!(write_in(&forth, &of(), 5, 2).unwrap(), write_in(&back, &of(), 5, 2).unwrap());
}

#[test]
fn a_file_says_whose_facts_it_holds_even_if_there_are_none() {
    let file = write(&FactTable::default(), &of()).unwrap();
    assert_eq!((facts_of(&file), read(&file).len()), (Some(of()), 0));
    assert_eq!(facts_of(&Bytes::from_static(b"PAR1 not quite PAR1")), None);
    assert_eq!(facts_of(&Bytes::new()), None);
}

#[test]
fn the_end_of_a_file_says_whose_facts_it_holds_or_how_much_of_it_is_needed() {
    let file = &MANY.1;
    let size = file.len() as u64;
    let last = |bytes: usize| file.slice(file.len() - bytes..);
    let Tail::Needed(needed) = tail(&last(100), size) else { panic!("100 bytes are less than a footer") };
    assert_eq!(tail(&last(needed), size), Tail::Facts(of()));
    assert_eq!(tail(&last(needed - 1), size), Tail::Needed(needed));
    assert_eq!(tail(&file.slice(..1000), size), Tail::Other);
    // A footer that is longer than the file.
    let broken = Bytes::from([&file[..100], &[0xff, 0xff, 0xff, 0x7f], b"PAR1".as_slice()].concat());
    assert_eq!(tail(&broken.slice(50..), broken.len() as u64), Tail::Other);
}

#[test]
fn the_map_of_tags_has_the_names_of_the_parquet_specification() {
    let reader = SerializedFileReader::new(write(&FactTable::default(), &of()).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let paths: Vec<_> = schema.columns().iter().map(|column| column.path().string()).collect();
    let tags: Vec<_> = paths.iter().filter(|path| path.starts_with("tags")).collect();
    assert_eq!(tags, ["tags.key_value.key", "tags.key_value.value"]);
}

/// It stands beside the rows' own metadata, so that a file of another build is still a file of the same facts.
#[test]
fn a_file_names_the_build_that_wrote_it() {
    let reader = SerializedFileReader::new(write(&FactTable::default(), &of()).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().created_by(), Some(build::as_creator().as_str()));
}
