//! What is read page by page is what the library reads.

use proptest::prelude::*;

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
            prop_assert_eq!(by_page.as_ref().map(|(_, groups)| *groups).unwrap_or(groups), groups);
        }
        prop_assert_eq!(by_page.map(|(reduction, _)| reduction), library.map(|(reduction, _)| reduction));
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
