//! The rows one by one, and what a chunk says of itself.

use spend_core::bill::bedrock_line::Rule;
use spend_core::bill::line::LineField;
use spend_core::bill::reduction::ReductionBuilder;

use super::*;

fn visited(bytes: Vec<u8>) -> (Vec<BillRow>, Reduction) {
    let mut rows = Vec::new();
    let mut sums = ReductionBuilder::default();
    let mut add = |row: BillRow| {
        rows.push(row.clone());
        sums.add(row.key, &row.measures)
    };
    let kept = KeptTags::default();
    let counts = block_on(chunk::visit(NAME, november(), &kept, Memory::new(bytes), &mut add)).unwrap();
    sums.counts = counts;
    (rows, sums.finish())
}

#[test]
fn visited_rows_sum_to_the_reduction() {
    let shape = FileShape { rows_per_group: 7, ..FileShape::default() };
    let bytes = file(&bill(), &shape);
    let (rows, sums) = visited(bytes.clone());
    assert_eq!(sums, reduce(bytes).unwrap());
    assert_eq!(rows.len(), 25);
    assert!(rows.windows(2).all(|pair| pair[0].row < pair[1].row), "in the order of the file");
}

#[test]
fn a_visited_row_says_where_it_is_and_why_it_is_bedrocks() {
    let market = Row::from([("product", map(&[("product_name", "Claude (Amazon Bedrock Edition)")]))]);
    let mut named = other(9, 0.25);
    named.extend(market);
    let rows =
        [other(1, 1.0), other(1, 1.0), call(3, "arn:aws:iam::444455556666:user/alice", 1.5), other(2, 1.0), named];
    let (found, _) = visited(file(&rows, &FileShape { rows_per_group: 2, ..FileShape::default() }));
    let told: Vec<_> = found
        .iter()
        .map(|row| {
            let rules: Vec<_> = Rule::ALL.into_iter().filter(|rule| row.rules.contains(*rule)).collect();
            let cost = row.measures.unblended_cost.to_string();
            (row.row, row.usage_start, row.key.get(LineField::ProductCode).to_owned(), cost, rules)
        })
        .collect();
    let all = vec![Rule::ProductCode, Rule::ServiceCode, Rule::Operation, Rule::Resource, Rule::Principal];
    assert_eq!(
        told,
        [
            (2, at(3, 7), "AmazonBedrock".to_owned(), "1.5".to_owned(), all),
            (4, at(9, 0), "AmazonEC2".to_owned(), "0.25".to_owned(), vec![Rule::ProductName]),
        ]
    );
}

fn described(bytes: Vec<u8>) -> Result<Description, CurError> {
    block_on(describe(NAME, Memory::new(bytes)))
}

#[test]
fn a_description_says_which_columns_are_there_and_what_is_read_of_them() {
    let bytes = file(&bill(), &FileShape { rows_per_group: 10, ..FileShape::default() });
    let found = described(bytes.clone()).unwrap();
    assert_eq!((found.format, found.rows, found.size), (Format::Parquet, Some(40), bytes.len() as u64));
    assert!(found.created_by.as_deref().unwrap().starts_with("parquet-mr"));
    assert_eq!(found.columns.len(), 131);
    for (column, spelled) in crate::columns::schema::COLUMNS.iter().zip(&found.columns) {
        assert_eq!((column.name, column.kind.as_str()), (spelled.name.as_str(), spelled.kind.as_str()));
        let is_read = wanted().contains(column.name) || column.name == "cost_category";
        assert_eq!(spelled.is_read, is_read, "{}", column.name);
    }
    let (read, all) = found.bytes_read().unwrap();
    assert!(0 < read && read < all && all < found.size, "{read} of {all}");
    assert!(!described(file(&[], &FileShape::default().without(&["tags"]))).unwrap().has("tags"));
}

#[test]
fn a_description_reads_the_footer_alone() {
    let rows: Vec<_> = (0..2000).map(|index| call(1, &format!("user-{index}"), f64::from(index) * 0.7)).collect();
    let bytes = file(&rows, &FileShape { dictionary: false, ..FileShape::default() });
    let source = Memory::new(bytes);
    block_on(describe(NAME, source.clone())).unwrap();
    assert_eq!(*source.reads.lock().unwrap(), vec![source.size() - 64 * 1024..source.size(); 1]);
}
