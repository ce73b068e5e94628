//! What is read page by page is what the library reads.

use parquet::basic::{Compression as Codec, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::lies::{PLAIN, data_page, with_pages};
use super::*;
use crate::write::{Compression, PageVersion, Timestamps};

/// What a file comes to page by page and with the library, each with how many row groups were read page by page.
fn both(bytes: &[u8], kept: &KeptTags) -> [Result<(Reduction, usize), String>; 2] {
    [true, false].map(|by_pages| {
        let mut sums = Sums(ReductionBuilder::default());
        let mut chunk = ChunkBytes::new(NAME, Memory::new(bytes.to_vec()));
        let read = parquet_file::rows::visit_by(&mut chunk, november(), kept, MEMORY, &mut sums, by_pages);
        let (counts, groups) = block_on(read).map_err(|error| error.to_string())?;
        sums.0.counts = counts;
        Ok((sums.0.finish(), groups))
    })
}

fn text(texts: &'static [&'static str]) -> impl Strategy<Value = Option<Value>> {
    prop::option::weighted(0.8, prop::sample::select(texts).prop_map(Value::from))
}

fn number() -> impl Strategy<Value = Option<Value>> {
    prop::option::weighted(0.8, (0_i32..2000).prop_map(|number| Value::Number(f64::from(number) / 64.0)))
}

fn entries(keys: &'static [&'static str], values: &'static [&'static str]) -> impl Strategy<Value = Option<Value>> {
    let entry = (prop::sample::select(keys), prop::sample::select(values));
    let entry = entry.prop_map(|(key, value)| (key.to_owned(), value.to_owned()));
    prop::option::weighted(0.8, prop::collection::vec(entry, 0..4).prop_map(Value::Map))
}

/// Rows of which few, some or most are Bedrock's.
fn row(share: u32) -> impl Strategy<Value = Row> {
    let telling = (
        text(&["", "arn:aws:iam::444455556666:user/alice", "arn:aws:iam::444455556666:user/bob"]),
        text(&["InvokeModelInference", "InvokeModelStreamingInference", "Retrieve"]),
        text(&["AmazonBedrock", "AmazonBedrockAgentCore", "4a524th30q694o538qndh9ucht"]),
        text(&["arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6-v1:0", "i-1"]),
        text(&["Amazon Bedrock", "Compute"]),
        entries(&["product_name", "servicename", "provider", "model", "region"], &["Amazon Bedrock", "Claude", ""]),
    );
    let rest = (
        text(&["USE1-input-tokens", "USE1-output-tokens", "日本"]),
        (1_u32..28, 0_u32..24),
        number(),
        number(),
        number(),
        entries(
            &["iamPrincipal/team", "resourceTags/user:name", "costCategory/x", "userAttribute/y"],
            &["search", "ads", ""],
        ),
        entries(&["user_team", "user_name"], &["search", ""]),
        entries(&["env", "Team"], &["prod", "dev", ""]),
    );
    (0_u32..100, telling, rest).prop_map(move |(place, telling, rest)| {
        let is_bedrock = place < share;
        let mut row = other(rest.1.0, 0.5);
        row.insert("bill_billing_period_start_date", at(1, 0).into());
        row.insert("line_item_usage_start_date", at(rest.1.0, rest.1.1).into());
        let mut put = |column, value: Option<Value>| match value {
            Some(value) => drop(row.insert(column, value)),
            None => drop(row.remove(column)),
        };
        if is_bedrock {
            put("line_item_iam_principal", telling.0);
            put("line_item_operation", telling.1);
            put("line_item_product_code", telling.2);
            put("line_item_resource_id", telling.3);
            put("product_product_family", telling.4);
            put("product", telling.5);
        }
        put("line_item_usage_type", rest.0);
        put("line_item_unblended_cost", rest.2);
        put("line_item_net_unblended_cost", rest.3);
        put("pricing_public_on_demand_cost", rest.4);
        put("tags", rest.5);
        put("resource_tags", rest.6);
        put("cost_category", rest.7);
        row
    })
}

fn shape() -> impl Strategy<Value = FileShape> {
    let timestamps = [Timestamps::Int96, Timestamps::Millis, Timestamps::Micros, Timestamps::Nanos];
    let compressions = [Compression::None, Compression::Snappy, Compression::Gzip, Compression::Zstd];
    (
        prop::sample::select(timestamps.to_vec()),
        any::<bool>(),
        prop::sample::select(vec![PageVersion::V1, PageVersion::V2]),
        any::<bool>(),
        prop::sample::select(compressions.to_vec()),
        prop::sample::select(vec![3_usize, 40, 1_000]),
        prop::sample::select(vec![0_usize, 1, 7, 64]),
        prop::sample::select(vec![0_usize, 1, 40]),
    )
        .prop_map(|(timestamps, required, page_version, dictionary, compression, group, page, bytes)| FileShape {
            columns: wanted().into_iter().chain(["resource_tags", "cost_category"]).collect(),
            timestamps,
            required,
            page_version,
            dictionary,
            compression,
            rows_per_group: group,
            rows_per_page: page,
            dictionary_bytes: bytes,
            ..FileShape::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_file_is_read_page_by_page_as_the_library_reads_it(
        rows in prop::sample::select(vec![0, 3, 30, 90]).prop_flat_map(|share| prop::collection::vec(row(share), 0..100)),
        shape in shape(),
    ) {
        let bytes = file(&rows, &shape);
        let kept = KeptTags::new(["resourceTags/team"]);
        let [by_page, library] = both(&bytes, &kept);
        let groups = rows.len().div_ceil(shape.rows_per_group);
        if shape.dictionary && shape.dictionary_bytes == 0 {
            prop_assert_eq!(by_page.as_ref().map_or(groups, |(_, groups)| *groups), groups);
        }
        prop_assert_eq!(by_page.map(|(reduction, _)| reduction), library.map(|(reduction, _)| reduction));
    }
}

/// A map as few writers write it: none, or entries, each of which may be missing as a whole, or its key, or its value.
type OddMap = Option<Vec<Option<(Option<&'static str>, Option<&'static str>)>>>;

fn odd_map() -> impl Strategy<Value = OddMap> {
    let key = prop::option::weighted(0.9, prop::sample::select(&["iamPrincipal/team", "userAttribute/y", "other"][..]));
    let value = prop::option::weighted(0.8, prop::sample::select(&["search", "ads", ""][..]));
    let entry = prop::option::weighted(0.9, (key, value));
    prop::option::weighted(0.8, prop::collection::vec(entry, 0..5))
}

/// How tags are grouped: the schema, and the definition levels of an empty map, of an entry, of a key and of a value; where
/// a level is that of what is around it, it cannot be missing.
const GROUPINGS: [(&str, [i16; 4]); 4] = [
    (
        "optional group tags (LIST) { repeated group list { optional group element { optional binary key (STRING); \
         optional binary value (STRING); } } }",
        [1, 3, 4, 4],
    ),
    (
        "required group tags (LIST) { repeated group list { required group element { required binary key (STRING); \
         optional binary value (STRING); } } }",
        [0, 1, 1, 2],
    ),
    (
        "optional group tags (MAP) { repeated group key_value { required binary key (STRING); \
         optional binary value (STRING); } }",
        [1, 2, 2, 3],
    ),
    (
        "required group tags (MAP) { repeated group key_value { required binary key (STRING); \
         required binary value (STRING); } }",
        [0, 1, 1, 1],
    ),
];

/// A file of Bedrock rows, every third of them another's, with such maps.
fn file_of_maps(maps: &[OddMap], grouping: usize, properties: WriterPropertiesBuilder, page: usize) -> Vec<u8> {
    let (schema, [empty, entry_there, key_there, value_there]) = GROUPINGS[grouping];
    let schema = format!(
        "message odd {{ required double line_item_unblended_cost; required binary line_item_line_item_type (STRING); \
         required binary line_item_product_code (STRING); required int64 line_item_usage_start_date \
         (TIMESTAMP(MILLIS,true)); required binary line_item_currency_code (STRING); {schema} }}"
    );
    let properties = properties.set_data_page_row_count_limit(page).set_write_batch_size(page).build();
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = |write: &mut dyn FnMut(&mut SerializedColumnWriter<'_>) -> usize| {
        let mut column = group.next_column().unwrap().unwrap();
        write(&mut column);
        column.close().unwrap();
    };
    let count = maps.len();
    let texts =
        |text: &dyn Fn(usize) -> &'static str| (0..count).map(|row| ByteArray::from(text(row))).collect::<Vec<_>>();
    column(&mut |column| column.typed::<DoubleType>().write_batch(&vec![0.5; count], None, None).unwrap());
    let product = |row: usize| if row % 3 == 2 { "AmazonEC2" } else { "AmazonBedrock" };
    for text in [&|_| "Usage", &product as &dyn Fn(usize) -> &'static str] {
        column(&mut |column| column.typed::<ByteArrayType>().write_batch(&texts(text), None, None).unwrap());
    }
    let start = at(3, 4).timestamp_millis();
    column(&mut |column| column.typed::<Int64Type>().write_batch(&vec![start; count], None, None).unwrap());
    column(&mut |column| column.typed::<ByteArrayType>().write_batch(&texts(&|_| "USD"), None, None).unwrap());
    for is_key in [true, false] {
        let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
        let there = if is_key { key_there } else { value_there };
        for map in maps {
            let entries = map.clone().unwrap_or_default();
            if entries.is_empty() {
                definition.push(if map.is_some() { empty } else { 0 });
                repetition.push(0);
            }
            for (index, entry) in entries.into_iter().enumerate() {
                repetition.push(i16::from(index > 0));
                // What cannot be missing is there, as another text.
                let text = entry.and_then(|(key, value)| if is_key { key } else { value });
                let missing = match entry {
                    None => entry_there - 1,
                    Some(_) => entry_there,
                };
                let least = empty + 1;
                let level = if text.is_some() { there } else { missing.max(least).min(there) };
                definition.push(level);
                if level == there {
                    values.push(ByteArray::from(text.unwrap_or("none")));
                }
            }
        }
        column(&mut |column| {
            let writer = column.typed::<ByteArrayType>();
            writer.write_batch(&values, Some(&definition), Some(&repetition)).unwrap()
        });
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn maps_of_any_shape_are_read_page_by_page_as_the_library_reads_them(
        maps in prop::collection::vec(odd_map(), 1..60),
        grouping in 0..GROUPINGS.len(),
        is_first in any::<bool>(),
        page in prop::sample::select(vec![1_usize, 5, 1_000]),
        // Without a dictionary, with one that is full at once, and with one for all.
        dictionary in prop::sample::select(vec![None, Some(8_usize), Some(1 << 20)]),
        codec in prop::sample::select(vec![
            Codec::UNCOMPRESSED, Codec::SNAPPY, Codec::GZIP(GzipLevel::default()), Codec::ZSTD(ZstdLevel::default()),
        ]),
    ) {
        let version = if is_first { WriterVersion::PARQUET_1_0 } else { WriterVersion::PARQUET_2_0 };
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_compression(codec)
            .set_dictionary_enabled(dictionary.is_some())
            .set_dictionary_page_size_limit(dictionary.unwrap_or(1));
        let bytes = file_of_maps(&maps, grouping, properties, page);
        let [by_page, library] = both(&bytes, &KeptTags::default());
        // What is not coded is plain in pages of version 1, and left to the library in those of version 2.
        if is_first || dictionary == Some(1 << 20) {
            prop_assert_eq!(by_page.as_ref().map(|(_, groups)| *groups), Ok(1));
        }
        prop_assert_eq!(by_page.map(|(reduction, _)| reduction), library.map(|(reduction, _)| reduction));
    }
}

/// The pages of a leaf of maps, uncompressed and plain, cut wherever `cuts` say: not where rows begin, as writers may in
/// pages of version 1.
fn cut_pages(maps: &[Option<Vec<(String, String)>>], is_key: bool, there: u8, cuts: &[usize]) -> Vec<u8> {
    let mut slots: Vec<(u8, u8, Option<&str>)> = Vec::new();
    for map in maps {
        let entries = map.as_deref().unwrap_or_default();
        if entries.is_empty() {
            slots.push((0, map.is_some().into(), None));
        }
        for (index, (key, value)) in entries.iter().enumerate() {
            slots.push(((index > 0).into(), there, Some(if is_key { key } else { value })));
        }
    }
    let (mut pages, mut rest, mut cuts) = (Vec::new(), slots.as_slice(), cuts.iter().cycle());
    while !rest.is_empty() {
        let (page, others) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
        rest = others;
        let mut body = Vec::new();
        let mut levels = |levels: Vec<u8>| {
            // Each level is a run of its own.
            body.extend(u32::try_from(levels.len() * 2).unwrap().to_le_bytes());
            body.extend(levels.into_iter().flat_map(|level| [2, level]));
        };
        levels(page.iter().map(|(repetition, ..)| *repetition).collect());
        levels(page.iter().map(|(_, definition, _)| *definition).collect());
        for text in page.iter().filter_map(|(.., text)| *text) {
            body.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            body.extend(text.as_bytes());
        }
        pages.extend(data_page(body.len().try_into().unwrap(), page.len().try_into().unwrap(), PLAIN, &body));
    }
    pages
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn maps_that_go_on_in_the_next_page_are_read_to_their_ends(
        maps in prop::collection::vec(
            entries(&["iamPrincipal/team", "userAttribute/y", "other"], &["search", "ads", ""]),
            1..40,
        ),
        cuts in prop::collection::vec(1_usize..6, 1..5),
        value_cuts in prop::collection::vec(1_usize..6, 1..5),
    ) {
        let rows: Vec<Row> = maps.iter().enumerate().map(|(index, tags)| {
            let mut row = if index % 3 == 2 { other(3, 0.5) } else { call(3, "alice", 0.5) };
            row.remove("tags");
            row.extend(tags.clone().map(|tags| ("tags", tags)));
            row
        }).collect();
        let columns = wanted().into_iter().collect();
        let shape =
            FileShape { columns, compression: Compression::None, dictionary: false, ..FileShape::default() };
        let whole = file(&rows, &shape);
        let maps: Vec<_> = maps.into_iter().map(|map| match map {
            Some(Value::Map(entries)) => Some(entries),
            _ => None,
        }).collect();
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::copy_from_slice(&whole)).unwrap();
        let mut cut = whole.clone();
        for (is_key, column, cuts) in
            [(true, "tags.key_value.key", cuts), (false, "tags.key_value.value", value_cuts)]
        {
            let columns = metadata.row_group(0).columns().iter();
            let leaf = columns.clone().find(|leaf| leaf.column_path().string() == column).unwrap();
            let there = u8::try_from(leaf.column_descr().max_def_level()).unwrap();
            let pages = cut_pages(&maps, is_key, there, &cuts);
            cut = with_pages(&cut, column, &pages, pages.len().try_into().unwrap());
        }
        let [by_page, library] = both(&cut, &KeptTags::default()).map(Result::unwrap);
        prop_assert_eq!((by_page.1, library.1), (1, 0));
        prop_assert_eq!(&by_page.0, &library.0);
        prop_assert_eq!(by_page.0, reduce(whole).unwrap());
    }
}

#[test]
fn plain_and_coded_pages_of_version_1_are_read_page_by_page() {
    for (dictionary, dictionary_bytes) in [(true, 0), (true, 40), (false, 0)] {
        let shape = FileShape { dictionary, dictionary_bytes, rows_per_page: 7, ..FileShape::default() };
        let [by_page, library] = both(&file(&bill(), &shape), &KeptTags::default()).map(Result::unwrap);
        assert_eq!((by_page.1, library.1), (1, 0));
        assert_eq!(by_page.0, library.0);
    }
}

#[test]
fn what_is_encoded_otherwise_is_left_to_the_library() {
    let shape = FileShape { dictionary: false, page_version: PageVersion::V2, ..FileShape::default() };
    let [by_page, library] = both(&file(&bill(), &shape), &KeptTags::default()).map(Result::unwrap);
    assert_eq!((by_page.1, by_page.0), (0, library.0));
}
