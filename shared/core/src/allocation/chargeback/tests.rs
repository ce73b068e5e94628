use proptest::prelude::*;

use super::*;
use crate::allocation::chargeback::charge::{Charge, Instead};
use crate::allocation::metering::record::MeteringRecord;
use crate::allocation::showback::BY_SPLIT;
use crate::facts::matcher::Matcher;
use crate::fixtures::{FactRow, decimal, fact, table};

const GATEWAY: &str = "role/ai-gateway@1";

fn of_category(category: Category, by: SplitBy) -> Split {
    Split { what: SplitWhat::Category(category), by }
}

fn of_identity(glob: &str, by: SplitBy) -> Split {
    Split { what: SplitWhat::Identity(Matcher::new("identity".parse().unwrap(), glob)), by }
}

fn unattributed(by: SplitBy) -> Split {
    Split { what: SplitWhat::Unattributed, by }
}

fn used(owner: &str, cost: &str, account: &str) -> FactRow {
    let fields = [("owner", owner), ("owner_source", "tag"), ("identity", owner), ("account_id", account)];
    fact("2026-11-01", cost, &fields)
}

fn nobodys(category: &str, cost: &str, account: &str) -> FactRow {
    let owner = format!("account/{account}");
    let fields =
        [("owner", owner.as_str()), ("owner_source", "account"), ("account_id", account), ("category", category)];
    fact("2026-11-01", cost, &fields)
}

fn gateway(day: &str, model: &str, cost: &str) -> FactRow {
    let fields = [("owner", "platform"), ("owner_source", "tag"), ("identity", GATEWAY), ("model", model)];
    fact(day, cost, &fields)
}

fn charge(facts: &[FactRow], splits: &[Split]) -> Chargeback {
    chargeback(&table(facts), Basis::Unblended, splits, &Metering::default()).unwrap()
}

/// What each owner is charged: by shared usage, and in all.
fn owners(found: &Chargeback) -> Vec<(String, String, String)> {
    let mut sums: BTreeMap<&str, (Decimal, Decimal)> = BTreeMap::new();
    for (key, charge) in &found.rows {
        let (shared, total) = sums.entry(&key.owner).or_default();
        add(shared, charge.shared).unwrap();
        add(total, charge.total).unwrap();
    }
    sums.into_iter().map(|(owner, (shared, total))| (owner.to_owned(), shared.to_string(), total.to_string())).collect()
}

fn row(owner: &str, shared: &str, total: &str) -> (String, String, String) {
    (owner.to_owned(), shared.to_owned(), total.to_owned())
}

#[test]
fn without_splits_everything_is_charged_where_it_was_billed() {
    let facts = [used("a", "3", "1"), nobodys("credit", "-1", "1"), nobodys("surprise", "2", "1")];
    let found = charge(&facts, &[]);
    assert_eq!(owners(&found), [row("a", "0", "3"), row("account/1", "0", "1")]);
    let nobody = found.rows.values().last().unwrap();
    assert_eq!((nobody.credit, nobody.other, nobody.billed), (decimal("-1"), decimal("2"), decimal("1")));
    assert!(found.rows.values().all(|charge| charge.allocated.is_zero()));
}

#[test]
fn what_names_an_account_is_divided_within_it_and_otherwise_over_all_which_is_said() {
    let facts = [
        used("a", "3", "1"),
        used("b", "1", "1"),
        used("c", "4", "2"),
        nobodys("discount", "-0.4", "1"),
        nobodys("discount", "-0.8", "9"),
    ];
    let found = charge(&facts, &[of_category(Category::Discount, SplitBy::Usage)]);
    let discounts: Vec<_> = found.rows.iter().map(|(key, charge)| (key.owner.as_str(), charge.discount)).collect();
    assert_eq!(
        discounts,
        [
            ("a", decimal("-0.6")),
            ("account/1", Decimal::ZERO),
            ("account/9", Decimal::ZERO),
            ("b", decimal("-0.2")),
            ("c", decimal("-0.4")),
        ]
    );
    let outcome = &found.outcomes[0];
    assert_eq!((outcome.found, outcome.divided), (decimal("-1.2"), decimal("-1.2")));
    assert_eq!(outcome.instead, [Instead::ByAllAccounts { account: "9".to_owned(), amount: decimal("-0.8") }]);
    let from = found.rows.values().nth(2).unwrap();
    assert_eq!((from.billed, from.allocated, from.total), (decimal("-0.8"), decimal("0.8"), Decimal::ZERO));
}

#[test]
fn an_even_split_gives_each_owner_the_same_whatever_it_uses() {
    let facts = [used("a", "3", "1"), used("b", "1", "2"), used("b", "2", "3"), nobodys("usage", "8", "1")];
    let found = charge(&facts, &[unattributed(SplitBy::Even)]);
    assert_eq!(owners(&found), [row("a", "4", "7"), row("account/1", "0", "0"), row("b", "4", "7")]);
}

#[test]
fn fixed_shares_go_to_their_owners_and_keep_where_they_come_from() {
    let shares = vec![("a".to_owned(), decimal("1")), ("new".to_owned(), decimal("2"))];
    let facts = [used("a", "3", "1"), gateway("2026-11-01", "haiku", "9")];
    let found = charge(&facts, &[of_identity("role/ai-gateway@*", SplitBy::Shares(shares))]);
    assert_eq!(owners(&found), [row("a", "3", "6"), row("new", "6", "6"), row("platform", "0", "0")]);
    let (key, _) = found.rows.iter().find(|(key, _)| key.owner == "new").unwrap();
    assert_eq!((key.identity.as_str(), key.model.as_str(), key.owner_source.as_str()), (GATEWAY, "haiku", BY_SPLIT));
}

#[test]
fn later_splits_follow_the_usage_that_earlier_ones_gave() {
    let shares = vec![("b".to_owned(), Decimal::ONE)];
    let facts = [
        used("a", "1", "1"),
        gateway("2026-11-01", "haiku", "3"),
        nobodys("usage", "4", "1"),
        nobodys("tax", "0.8", "1"),
    ];
    let gateway_first = [
        of_category(Category::Tax, SplitBy::Usage),
        unattributed(SplitBy::Usage),
        of_identity("role/*", SplitBy::Shares(shares)),
    ];
    let found = charge(&facts, &gateway_first);
    // The gateway's usage names no account here: account 1 has only a's.
    assert_eq!(
        owners(&found),
        [row("a", "4", "5.8"), row("account/1", "0", "0"), row("b", "3", "3"), row("platform", "0", "0")]
    );
}

#[test]
fn a_split_that_cannot_says_what_it_did_instead() {
    let facts = [nobodys("usage", "4", "1"), nobodys("tax", "1", "1")];
    let splits = [
        unattributed(SplitBy::Even),
        of_category(Category::Tax, SplitBy::Usage),
        of_category(Category::Fee, SplitBy::Usage),
    ];
    let found = charge(&facts, &splits);
    assert_eq!(found.outcomes[0].instead, [Instead::LeftWithoutOwners { amount: decimal("4") }]);
    assert_eq!(found.outcomes[0].divided, Decimal::ZERO);
    // What could not be divided is usage that nobody is named for, and the tax follows it.
    assert_eq!((found.outcomes[1].divided, found.outcomes[1].instead.as_slice()), (Decimal::ONE, &[][..]));
    assert_eq!(found.idle, [2]);
    let alone = charge(&facts[1..], &splits);
    assert_eq!(alone.outcomes[0].instead, [Instead::LeftWithoutUsage { amount: Decimal::ONE }]);
    let unattributed = charge(&facts, &[unattributed(SplitBy::Usage)]);
    assert_eq!(unattributed.outcomes[0].instead, [Instead::LeftWithoutUsage { amount: decimal("4") }]);
}

#[test]
fn what_a_tag_or_rule_owns_is_not_split_as_nobodys() {
    let mut owned = nobodys("usage", "4", "1");
    owned.key.fields[FactField::OwnerSource as usize] = "rule".into();
    let found = charge(&[owned, used("a", "1", "1")], &[unattributed(SplitBy::Usage)]);
    assert_eq!(owners(&found), [row("a", "0", "1"), row("account/1", "0", "4")]);
}

fn record(day: &str, tenant: &str, model: &str, amount: &str) -> MeteringRecord {
    let [gateway, tenant, model] = [GATEWAY, tenant, model].map(str::to_owned);
    MeteringRecord { date: day.parse().unwrap(), gateway, tenant, model, amount: decimal(amount) }
}

#[test]
fn a_gateway_is_divided_day_by_day_and_days_without_records_stay_where_they_were_billed() {
    let records = [
        record("2026-11-01", "a", "", "1"),
        record("2026-11-01", "b", "", "2"),
        record("2026-11-02", "a", "", "1"),
        record("2026-11-02", "b", "opus", "1"),
    ];
    let metering = Metering::new(&records, "2026-11".parse().unwrap());
    let facts = [
        gateway("2026-11-01", "haiku", "1"),
        gateway("2026-11-02", "haiku", "5"),
        gateway("2026-11-02", "opus", "7"),
        gateway("2026-11-03", "opus", "2"),
        gateway("2026-11-04", "opus", "3"),
        gateway("2026-11-05", "opus", "0"),
    ];
    let splits = [of_identity(GATEWAY, SplitBy::File)];
    let found = chargeback(&table(&facts), Basis::Unblended, &splits, &metering).unwrap();
    let third = "5.333333333333333333";
    assert_eq!(
        owners(&found),
        [row("a", third, third), row("b", "7.666666666666666667", "7.666666666666666667"), row("platform", "0", "5")]
    );
    let days = [("2026-11-03", "2"), ("2026-11-04", "3")];
    let days = days.map(|(day, spend)| (day.parse().unwrap(), decimal(spend)));
    let gap = Instead::LeftWithoutRecords { gateway: GATEWAY.to_owned(), model: "opus".to_owned(), days: days.into() };
    assert_eq!(found.outcomes[0].instead, [gap]);
    let (of_gateway, of_owner) = (table(&facts), table(&[used("a", "1", "1")]));
    assert!(is_split_identity(&splits, of_gateway.row(0), true));
    assert!(!is_split_identity(&splits, of_owner.row(0), false));
}

#[test]
fn invoices_are_cents_that_sum_to_the_bill_and_no_owner_is_a_cent_off() {
    let facts: Vec<_> = ["a", "b", "c"]
        .iter()
        .flat_map(|owner| {
            (0..7).map(|index| {
                let mut fact = used(owner, "0.0042", "1");
                fact.key.fields[FactField::Model as usize] = format!("m{index}").into();
                fact
            })
        })
        .collect();
    let found = charge(&facts, &[]);
    let of = |owner: &str| {
        found.rows.iter().filter(|(key, _)| key.owner == owner).map(|(_, charge)| charge.invoice.units()).sum::<i128>()
    };
    // 0.0294 each, 0.0882 together.
    let cents = [of("a"), of("b"), of("c")].map(|units| units / 10_i128.pow(16));
    assert_eq!(cents, [3, 3, 3]);
}

fn some_facts() -> impl Strategy<Value = Vec<FactRow>> {
    let amount = prop_oneof![Just(0_i128), -5..5_i128, -10_i128.pow(30)..10_i128.pow(30)];
    let category =
        prop::sample::select(vec!["usage", "usage", "usage", "discount", "credit", "refund", "fee", "tax", "odd"]);
    let owner = prop::sample::select(vec![("a", "tag"), ("b", "rule"), ("account/1", "account"), ("", "none")]);
    let identity = prop::sample::select(vec!["", "", GATEWAY, "user/x@1", "user/y@1"]);
    let of = (amount, category, owner, identity, 1..4_u32, 0..2_usize, 0..2_usize);
    let of = of.prop_map(|(units, category, (owner, source), identity, day, account, currency)| {
        let fields = [
            ("category", category),
            ("owner", owner),
            ("owner_source", source),
            ("identity", identity),
            ("account_id", ["1", "2"][account]),
            ("currency", ["USD", "CNY"][currency]),
            ("model", ["", "haiku"][account]),
        ];
        fact(&format!("2026-11-0{day}"), &Decimal::from_units(units).unwrap().to_string(), &fields)
    });
    prop::collection::vec(of, 0..24)
}

fn some_splits() -> impl Strategy<Value = Vec<Split>> {
    let shares = || SplitBy::Shares(vec![("a".to_owned(), decimal("1")), ("z".to_owned(), decimal("0.000000001"))]);
    let by = || prop_oneof![Just(SplitBy::Usage), Just(SplitBy::Even), Just(shares())];
    let categories =
        [Category::Discount, Category::Credit, Category::Refund, Category::Fee, Category::Tax, Category::Other];
    let split = prop_oneof![
        (prop::sample::select(categories.to_vec()), by()).prop_map(|(category, by)| of_category(category, by)),
        by().prop_map(unattributed),
        prop_oneof![by(), Just(SplitBy::File)].prop_map(|by| of_identity("role/ai-gateway@*", by)),
        by().prop_map(|by| of_identity("user/x@*", by)),
    ];
    prop::collection::vec(split, 0..6)
}

proptest! {
    #[test]
    fn whatever_is_split_the_sums_are_the_bill(facts in some_facts(), splits in some_splits()) {
        let records = [record("2026-11-01", "a", "", "0.3"), record("2026-11-01", "t", "haiku", "0.7")];
        let metering = Metering::new(&records, "2026-11".parse().unwrap());
        let facts = table(&facts);
        let found = chargeback(&facts, Basis::Unblended, &splits, &metering).unwrap();
        for currency in ["USD", "CNY"] {
            let facts: Vec<_> = facts.rows().filter(|fact| fact.get(FactField::Currency) == currency).collect();
            let billed = |wanted: Option<Category>| -> i128 {
                let of = facts.iter().filter(|fact| wanted.is_none_or(|wanted| category(**fact) == wanted));
                of.map(|fact| fact.unblended_cost().units()).sum()
            };
            let rows: Vec<_> = found.rows.iter().filter(|(key, _)| key.currency == currency).map(|(_, row)| row).collect();
            let sum = |of: fn(&Charge) -> Decimal| -> i128 { rows.iter().map(|row| of(row).units()).sum() };
            prop_assert_eq!(sum(|row| row.total), billed(None));
            prop_assert_eq!(sum(|row| row.billed), billed(None));
            prop_assert_eq!(sum(|row| row.allocated), 0);
            prop_assert_eq!(sum(|row| row.direct) + sum(|row| row.shared), billed(Some(Category::Usage)));
            prop_assert_eq!(sum(|row| row.discount), billed(Some(Category::Discount)));
            prop_assert_eq!(sum(|row| row.credit), billed(Some(Category::Credit)));
            prop_assert_eq!(sum(|row| row.refund), billed(Some(Category::Refund)));
            prop_assert_eq!(sum(|row| row.fee), billed(Some(Category::Fee)));
            prop_assert_eq!(sum(|row| row.tax), billed(Some(Category::Tax)));
            prop_assert_eq!(sum(|row| row.other), billed(Some(Category::Other)));
            let cents = Decimal::from_units(billed(None)).unwrap().round_to(INVOICE_PLACES).units();
            prop_assert_eq!(sum(|row| row.invoice), cents);
            for row in rows {
                let parts = [row.direct, row.shared, row.discount, row.credit, row.refund, row.fee, row.tax, row.other];
                prop_assert_eq!(parts.iter().map(|part| part.units()).sum::<i128>(), row.total.units());
                prop_assert_eq!(row.billed.units() + row.allocated.units(), row.total.units());
            }
            for outcome in found.outcomes.iter().filter(|outcome| outcome.currency == currency) {
                let left: i128 = outcome.instead.iter().map(|instead| match instead {
                    Instead::LeftWithoutUsage { amount } | Instead::LeftWithoutOwners { amount } => amount.units(),
                    Instead::LeftWithoutRecords { days, .. } => days.values().map(|amount| amount.units()).sum(),
                    Instead::ByAllAccounts { .. } => 0,
                }).sum();
                prop_assert_eq!(outcome.divided.units() + left, outcome.found.units(), "{:?}", outcome);
            }
        }
    }
}
