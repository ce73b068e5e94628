//! Tables as a whole: what rows sum to, in whatever order they come, and which columns are no table.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::builder::TableBuilder;
use super::coded::Coded;
use super::codes::Codes;
use super::decimals::{Decimals, OptionalDecimals};
use super::field::Field;
use super::measures::Measures;
use super::rows::{Columns, NoTable, Row, SumColumns, Table};
use super::tags::Tags;
use crate::money::decimal::{Decimal, SumOutOfRange};

/// The fields of a small kind of rows; what is of the caller stands between the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Model,
    Caller,
    Region,
}

impl Field for Part {
    const ALL: &'static [Self] = &[Self::Model, Self::Caller, Self::Region];

    fn place(self) -> usize {
        self as usize
    }

    fn name(self) -> &'static str {
        ["model", "caller", "region"][self.place()]
    }

    fn is_of_caller(self) -> bool {
        self == Self::Caller
    }
}

/// Compares as rows do: by day, texts and tags.
type Key = (NaiveDate, Vec<Arc<str>>, Arc<Tags>);
type Rows = Vec<(Key, Measures)>;

fn key(day: u32, texts: [&str; 3], tags: &[(&str, &str)]) -> Key {
    let tags = tags.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    (NaiveDate::from_ymd_opt(2026, 11, day).unwrap(), texts.map(Arc::from).into(), Arc::new(tags))
}

fn key_of(row: Row<'_, Part>) -> Key {
    (row.day(), Part::ALL.iter().map(|field| row.text(*field)).collect(), row.shared_tags())
}

fn summed(table: &Table<Part>) -> Rows {
    table.rows().map(|row| (key_of(row), row.measures())).collect()
}

fn units(units: i128) -> Decimal {
    Decimal::from_units(units).unwrap()
}

fn built<'a>(rows: impl IntoIterator<Item = &'a (Key, Measures)>) -> Table<Part> {
    let mut builder = TableBuilder::default();
    for ((day, texts, tags), measures) in rows {
        builder.add_row(*day, texts, tags, measures).unwrap();
    }
    builder.finish()
}

fn merged<'a>(tables: impl IntoIterator<Item = &'a Table<Part>>) -> Table<Part> {
    let mut builder = TableBuilder::default();
    for table in tables {
        builder.add_table(table).unwrap();
    }
    builder.finish()
}

/// Few values, so that rows meet.
fn any_key() -> impl Strategy<Value = Key> {
    let text = || select(vec!["", "a", "b", "ab"]);
    let tags = select(vec![&[][..], &[("team", "")], &[("team", "a")], &[("cost", "1"), ("team", "a")]]);
    (1_u32..4, text(), text(), select(vec!["", "a"]), tags)
        .prop_map(|(day, model, caller, region, tags)| key(day, [model, caller, region], tags))
}

fn any_measures() -> impl Strategy<Value = Measures> {
    let amount = || {
        let whole = (-99_i128..99).prop_map(|count| count * 10_i128.pow(18));
        prop_oneof![Just(0), whole, -9_i128..9, -10_i128.pow(35)..10_i128.pow(35)].prop_map(units)
    };
    let count = || prop_oneof![0_u64..3, 250_u64..260];
    (amount(), option::of(amount()), amount(), amount(), option::of(amount()), count(), count()).prop_map(
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

fn any_rows() -> impl Strategy<Value = Rows> {
    vec((any_key(), any_measures()), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn rows_in_any_order_are_one_table_and_sum_to_what_a_map_of_their_keys_has(
        (rows, shuffled) in any_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let mut expected: BTreeMap<Key, Measures> = BTreeMap::new();
        for (key, measures) in &rows {
            expected.entry(key.clone()).or_default().add(measures).unwrap();
        }
        let (table, other) = (built(&rows), built(&shuffled));
        prop_assert_eq!(summed(&table), expected.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(&table, &other);
        prop_assert_eq!(format!("{:?}", table.into_columns()), format!("{:?}", other.into_columns()));
    }

    #[test]
    fn tables_merge_to_one_in_any_order_and_grouping(rows in any_rows(), first in any::<Index>(), second in any::<Index>()) {
        let (one, rest) = rows.split_at(first.index(rows.len() + 1));
        let (two, three) = rest.split_at(second.index(rest.len() + 1));
        let whole = built(&rows);
        let [one, two, three] = [one, two, three].map(built);
        prop_assert_eq!(&merged([&one, &two, &three]), &whole);
        prop_assert_eq!(&merged([&three, &one, &two]), &whole);
        prop_assert_eq!(&merged([&one, &merged([&three, &two])]), &whole);
        prop_assert_eq!(&merged([&merged([&two, &one]), &three]), &whole);
        let mut together = TableBuilder::default();
        together.add_rows([&two, &three, &one].into_iter().flatten()).unwrap();
        prop_assert_eq!(&together.finish(), &whole);
    }

    #[test]
    fn values_that_no_row_has_leave_no_trace(rows in any_rows(), text in "[a-c]{0,2}") {
        let of_model = |row: &Row<'_, Part>| row.get(Part::Model) == text;
        let table = built(&rows);
        let mut some = TableBuilder::default();
        some.day(NaiveDate::from_ymd_opt(2027, 1, 1).unwrap());
        some.text(Part::Region, "of no row");
        some.tags(&key(1, [""; 3], &[("of", "no row")]).2);
        some.add_rows(table.rows().filter(of_model)).unwrap();
        let expected: Vec<_> = rows.into_iter().filter(|((_, texts, _), _)| *texts[0] == *text).collect();
        prop_assert_eq!(some.finish(), built(&expected));
    }

    #[test]
    fn the_columns_of_a_table_are_that_table(rows in any_rows()) {
        let table = built(&rows);
        let read = Table::of_columns(table.len(), table.clone().into_columns());
        prop_assert_eq!(read, Ok(table));
    }

    #[test]
    fn columns_of_any_kind_are_a_table_or_an_error(
        (rows, columns) in (0_usize..4).prop_flat_map(|rows| (Just(rows), any_columns(rows))),
    ) {
        if let Ok(table) = Table::<Part>::of_columns(rows, columns) {
            let rows = summed(&table);
            prop_assert_eq!(rows.len(), table.len());
            prop_assert!(rows.is_sorted_by(|(left, _), (right, _)| left <= right));
            // Equal keys are summed, to which amounts may be too large.
            let mut builder = TableBuilder::default();
            if builder.add_table(&table).is_ok() {
                let found = builder.finish();
                prop_assert!(found.len() <= table.len());
                prop_assert_eq!(Table::of_columns(found.len(), found.clone().into_columns()), Ok(found));
            }
        }
    }
}

/// As many as there are rows, and seldom more or fewer.
fn any_length(rows: usize) -> impl Strategy<Value = usize> {
    prop_oneof![99 => Just(rows), 1 => 0_usize..4]
}

/// Codes of a column that has so many values, and seldom others.
fn any_codes(rows: usize, values: usize) -> impl Strategy<Value = Codes> {
    let code = prop_oneof![99 => 0..u32::try_from(values.max(1)).unwrap(), 1 => any::<u32>()];
    (any_length(rows).prop_flat_map(move |rows| vec(code.clone(), rows)), 0..4_usize).prop_map(|(codes, width)| {
        let narrow = |code: &u32| u8::try_from(*code).unwrap_or(u8::MAX);
        match width {
            0 => Codes::Zeros(codes.len()),
            1 => Codes::Bytes(codes.iter().map(narrow).collect()),
            2 => Codes::Shorts(codes.iter().map(narrow).map(u16::from).collect()),
            _ => Codes::Words(codes),
        }
    })
}

/// Values that are mostly in order.
fn any_coded<T: Ord + Clone + std::fmt::Debug + 'static>(
    rows: usize,
    sorted: &[T],
) -> impl Strategy<Value = Coded<T>> + use<T> {
    let mut twice = sorted.to_vec();
    twice.extend_from_slice(sorted);
    let values = prop_oneof![
        97 => Just(sorted.to_vec()),
        1 => Just(sorted.iter().rev().cloned().collect()),
        1 => Just(twice),
        1 => Just(Vec::new()),
    ];
    values.prop_flat_map(move |values| {
        any_codes(rows, values.len()).prop_map(move |codes| Coded { values: values.clone(), codes })
    })
}

fn any_decimals(rows: usize) -> impl Strategy<Value = Decimals> {
    let length = || any_length(rows);
    prop_oneof![
        length().prop_map(Decimals::Zeros),
        (any::<i64>(), length().prop_flat_map(|rows| vec(any::<i64>(), rows)))
            .prop_map(|(unit, counts)| Decimals::Counts { unit, counts }),
        length()
            .prop_flat_map(|rows| vec(prop_oneof![1 => any::<i128>(), 49 => -9_i128..9], rows))
            .prop_map(Decimals::Units),
    ]
}

fn any_optional(rows: usize) -> impl Strategy<Value = OptionalDecimals> {
    (any_decimals(rows), any_codes(rows, 2)).prop_map(|(decimals, present)| OptionalDecimals { decimals, present })
}

fn any_sums(rows: usize) -> impl Strategy<Value = SumColumns> {
    let decimals = || any_decimals(rows);
    let counts = || any_codes(rows, 300);
    (decimals(), any_optional(rows), decimals(), decimals(), any_optional(rows), counts(), counts()).prop_map(
        |(usage_amount, tokens, unblended_cost, net_unblended_cost, list_cost, line_items, lines_without_net)| {
            SumColumns {
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

fn any_columns(rows: usize) -> impl Strategy<Value = Columns> {
    let days = [1, 2, 3].map(|day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap());
    let text = move || any_coded(rows, &["", "a", "b"].map(Arc::<str>::from));
    let texts = prop_oneof![49 => vec(text(), 3), 1 => vec(text(), 0..5)];
    let tags = [Arc::default(), key(1, [""; 3], &[("team", "a")]).2];
    let columns = (any_coded(rows, &days), texts, any_coded(rows, &tags), any_sums(rows));
    columns.prop_map(|(days, texts, tags, sums)| Columns { days, texts, tags, sums })
}

/// Two rows, whose columns are damaged by tests.
fn two_rows() -> Table<Part> {
    let measures = |count: i128| Measures {
        usage_amount: units(count),
        tokens: Some(units(count)),
        unblended_cost: units(count),
        net_unblended_cost: units(count),
        list_cost: Some(units(count)),
        line_items: 7,
        lines_without_net: 7,
    };
    built(&[(key(1, ["m", "a", ""], &[]), measures(1)), (key(2, ["n", "b", ""], &[("team", "x")]), measures(2))])
}

fn refused(damage: impl FnOnce(&mut Columns)) -> NoTable {
    let mut columns = two_rows().into_columns();
    damage(&mut columns);
    Table::<Part>::of_columns(2, columns).unwrap_err()
}

#[test]
fn columns_of_unequal_length_are_no_table() {
    let short = |column, found| NoTable::Length { column, found, rows: 2 };
    assert_eq!(refused(|columns| columns.days.codes = Codes::Bytes(vec![0])), short("days", 1));
    assert_eq!(refused(|columns| columns.texts[0].codes = Codes::Zeros(3)), short("model", 3));
    assert_eq!(refused(|columns| columns.texts[2].codes = Codes::Zeros(0)), short("region", 0));
    assert_eq!(refused(|columns| columns.tags.codes = Codes::Words(vec![0, 1, 1])), short("tags", 3));
    let fields = |found| NoTable::Length { column: "columns", found, rows: 3 };
    assert_eq!(refused(|columns| columns.texts.truncate(2)), fields(2));
    assert_eq!(refused(|columns| columns.texts.push(Coded::default())), fields(4));
    let one = || Decimals::Counts { unit: 1, counts: vec![1] };
    let most = || Decimals::Units(vec![1, 2, 3]);
    for (damage, column, found) in [
        ((|sums, one| sums.usage_amount = one) as fn(&mut SumColumns, Decimals), "usage_amount", 1),
        (|sums, one| sums.tokens.decimals = one, "tokens", 1),
        (|sums, _| sums.tokens.present = Codes::Zeros(5), "tokens", 5),
        (|sums, one| sums.unblended_cost = one, "unblended_cost", 1),
        (|sums, one| sums.net_unblended_cost = one, "net_unblended_cost", 1),
        (|sums, one| sums.list_cost.decimals = one, "list_cost", 1),
        (|sums, _| sums.list_cost.present = Codes::Zeros(5), "list_cost", 5),
        (|sums, _| sums.line_items = Codes::Zeros(5), "line_items", 5),
        (|sums, _| sums.lines_without_net = Codes::Zeros(5), "lines_without_net", 5),
    ] {
        assert_eq!(refused(|columns| damage(&mut columns.sums, one())), short(column, found));
    }
    assert_eq!(refused(|columns| columns.sums.usage_amount = most()), short("usage_amount", 3));
    assert_eq!(
        Table::<Part>::of_columns(3, two_rows().into_columns()),
        Err(NoTable::Length { column: "days", found: 2, rows: 3 })
    );
}

#[test]
fn codes_without_a_value_are_no_table() {
    let missing = |column, code| NoTable::Code { column, code };
    assert_eq!(refused(|columns| columns.days.codes = Codes::Bytes(vec![0, 2])), missing("days", 2));
    assert_eq!(
        refused(|columns| columns.texts[1].codes = Codes::Words(vec![0, u32::MAX])),
        missing("caller", u32::MAX)
    );
    assert_eq!(refused(|columns| columns.texts[2].values.clear()), missing("region", 0));
    assert_eq!(refused(|columns| columns.tags.codes = Codes::Shorts(vec![256, 0])), missing("tags", 256));
    let odd = || Codes::Bytes(vec![1, 2]);
    assert_eq!(refused(|columns| columns.sums.tokens.present = odd()), missing("tokens", 2));
    assert_eq!(refused(|columns| columns.sums.list_cost.present = odd()), missing("list_cost", 2));
}

#[test]
fn values_that_are_not_in_order_are_no_table() {
    assert_eq!(refused(|columns| columns.days.values.reverse()), NoTable::Values { column: "days" });
    assert_eq!(refused(|columns| columns.texts[0].values[0] = "n".into()), NoTable::Values { column: "model" });
    assert_eq!(refused(|columns| columns.tags.values.reverse()), NoTable::Values { column: "tags" });
}

#[test]
fn amounts_out_of_range_are_no_table() {
    let beyond = || Decimals::Units(vec![0, -10_i128.pow(38)]);
    for (damage, column) in [
        ((|sums, beyond| sums.usage_amount = beyond) as fn(&mut SumColumns, Decimals), "usage_amount"),
        (|sums, beyond| sums.tokens.decimals = beyond, "tokens"),
        (|sums, beyond| sums.unblended_cost = beyond, "unblended_cost"),
        (|sums, beyond| sums.net_unblended_cost = beyond, "net_unblended_cost"),
        (|sums, beyond| sums.list_cost.decimals = beyond, "list_cost"),
    ] {
        assert_eq!(refused(|columns| damage(&mut columns.sums, beyond())), NoTable::Amount { column });
    }
}

#[test]
fn rows_that_are_not_in_order_are_no_table() {
    let back = || Codes::Bytes(vec![1, 0]);
    assert_eq!(refused(|columns| columns.days.codes = back()), NoTable::Unsorted { row: 1 });
    let same_day = |columns: &mut Columns| columns.days.codes = Codes::Zeros(2);
    let of_model = |columns: &mut Columns| {
        same_day(columns);
        columns.texts[0].codes = back();
    };
    assert_eq!(refused(of_model), NoTable::Unsorted { row: 1 });
    let of_tags = |columns: &mut Columns| {
        same_day(columns);
        columns.texts[0].codes = Codes::Zeros(2);
        columns.texts[1].codes = Codes::Zeros(2);
        columns.tags.codes = back();
    };
    assert_eq!(refused(of_tags), NoTable::Unsorted { row: 1 });
}

/// The table of rows `0..rows`, each with a model of its own.
fn of_models(rows: u32) -> Table<Part> {
    let mut builder = TableBuilder::default();
    let [day, caller, region] =
        [builder.day(key(1, [""; 3], &[]).0), builder.text(Part::Caller, "a"), builder.text(Part::Region, "")];
    let tags = builder.tags(&Arc::default());
    // Backwards, and names sort as their numbers do.
    for row in (0..rows).rev() {
        let model = builder.text(Part::Model, &format!("{row:06}"));
        let measures = Measures { line_items: u64::from(row), ..Measures::default() };
        builder.add(day, &[model, caller, region], tags, &measures).unwrap();
    }
    builder.finish()
}

#[test]
fn codes_are_as_wide_as_the_number_of_values_asks_for() {
    let is_width = [
        |codes: &Codes| matches!(codes, Codes::Zeros(_)),
        |codes: &Codes| matches!(codes, Codes::Bytes(_)),
        |codes: &Codes| matches!(codes, Codes::Shorts(_)),
        |codes: &Codes| matches!(codes, Codes::Words(_)),
    ];
    for (rows, width) in [(0, 0), (1, 0), (2, 1), (256, 1), (257, 2), (65_536, 2), (65_537, 3)] {
        let table = of_models(rows);
        let models = table.texts(Part::Model).unwrap();
        assert!(is_width[width](&models.codes) && is_width[width](&table.sums().line_items), "{rows}");
        let last = rows.saturating_sub(1);
        for row in [0, last / 2, last].into_iter().filter(|row| *row < rows) {
            let found = table.row(row as usize);
            assert_eq!((found.get(Part::Model), found.line_items()), (&*format!("{row:06}"), u64::from(row)));
        }
        assert_eq!((table.len(), table.row(table.len()).get(Part::Model)), (rows as usize, ""));
    }
}

#[test]
fn sums_out_of_range_are_errors() {
    let most = units(10_i128.pow(38) - 1);
    let twice = |measures: Measures| {
        let mut builder = TableBuilder::<Part>::default();
        let (day, texts, tags) = key(1, ["m", "a", ""], &[]);
        builder.add_row(day, &texts, &tags, &measures)?;
        builder.add_row(day, &texts, &tags, &measures)?;
        Ok(builder.finish())
    };
    let none = Measures::default;
    for measures in [
        Measures { usage_amount: most, ..none() },
        Measures { tokens: Some(most), ..none() },
        Measures { unblended_cost: most, ..none() },
        Measures { net_unblended_cost: most, ..none() },
        Measures { list_cost: Some(most), ..none() },
        Measures { line_items: u64::MAX, ..none() },
        Measures { lines_without_net: u64::MAX, ..none() },
        // More line items than a column holds.
        Measures { line_items: 1 << 31, ..none() },
        Measures { lines_without_net: 1 << 31, ..none() },
    ] {
        assert_eq!(twice(measures.clone()), Err(SumOutOfRange), "{measures:?}");
    }
    let table = twice(Measures { line_items: (1 << 31) - 1, ..none() }).unwrap();
    assert_eq!(table.row(0).line_items(), (1 << 32) - 2);
}
