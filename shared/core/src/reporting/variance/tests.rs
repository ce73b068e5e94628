use proptest::prelude::*;

use super::*;
use crate::facts::fact_set::FactSet;
use crate::fixtures::{FactRow, decimal, fact, table};
use crate::reporting::variance::windows::{Span, Windows};

/// 8 to 14 November against 1 to 7 November.
fn windows() -> Windows {
    Windows::weeks("2026-11-14".parse().unwrap()).unwrap()
}

const EARLIER: &str = "2026-11-03";
const LATER: &str = "2026-11-10";

/// Usage of a caller of the owner `search`, in tokens.
fn used(day: &str, identity: &str, usage: (&str, &str, &str), tokens: &str, cost: &str) -> FactRow {
    let (model, kind, tier) = usage;
    let fields = [("owner", "search"), ("identity", identity), ("model", model), ("token_kind", kind), ("tier", tier)];
    let mut fact = fact(day, cost, &fields);
    fact.measures.tokens = Some(decimal(tokens));
    fact
}

fn in_context(mut fact: FactRow, context: &str) -> FactRow {
    fact.key.fields[FactField::Context as usize] = context.into();
    fact
}

const OPUS: (&str, &str, &str) = ("opus", "output", "on-demand");
const HAIKU: (&str, &str, &str) = ("haiku", "output", "on-demand");

fn by_owner(facts: &[FactRow], corrections: &[Correction]) -> Vec<Variance> {
    let owner = Dimension::Field(FactField::Owner);
    let [variances] = explain(&table(facts).rows(), &CostPolicy::default(), &windows(), &[owner], corrections).unwrap();
    variances
}

/// The only variance's terms, as text.
fn terms(facts: &[FactRow], corrections: &[Correction]) -> String {
    let variances = by_owner(facts, corrections);
    assert_eq!(variances.len(), 1);
    described(&variances[0])
}

fn described(variance: &Variance) -> String {
    let terms: Vec<_> = variance.terms.iter().map(|(term, amount)| format!("{} {amount}", term.as_str())).collect();
    terms.join(", ")
}

#[test]
fn weeks_are_two_spans_of_seven_days() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let expected = Windows {
        earlier: Span { first: day("2026-11-01"), last: day("2026-11-07") },
        later: Span { first: day("2026-11-08"), last: day("2026-11-14") },
    };
    assert_eq!(windows(), expected);
    assert_eq!(windows().length(), 7);
}

#[test]
fn months_are_compared_over_the_days_of_the_shorter_one() {
    let of = |last: &str| {
        let Windows { earlier, later } = Windows::months(last.parse().unwrap()).unwrap();
        format!("{} {} {} {}", earlier.first, earlier.last, later.first, later.last)
    };
    assert_eq!(of("2026-11-30"), "2026-10-02 2026-10-31 2026-11-01 2026-11-30");
    assert_eq!(of("2026-03-31"), "2026-02-01 2026-02-28 2026-03-04 2026-03-31");
    assert_eq!(of("2026-08-31"), "2026-07-01 2026-07-31 2026-08-01 2026-08-31");
    assert_eq!(of("2026-10-28"), "2026-09-03 2026-09-30 2026-10-01 2026-10-28", "three days are not settled");
}

#[test]
fn twice_the_tokens_at_one_price_are_volume() {
    let facts = [used(EARLIER, "a", OPUS, "100", "10"), used(LATER, "a", OPUS, "200", "20")];
    assert_eq!(terms(&facts, &[]), "volume 10");
}

#[test]
fn a_dearer_model_for_as_many_tokens_is_mix() {
    let facts = [
        used(EARLIER, "a", OPUS, "100", "10"),
        used(EARLIER, "a", HAIKU, "100", "1"),
        used(LATER, "a", OPUS, "150", "15"),
        used(LATER, "a", HAIKU, "50", "0.5"),
    ];
    assert_eq!(terms(&facts, &[]), "model_mix 4.5");
}

#[test]
fn a_model_that_is_newly_used_is_mix_and_volume_but_no_price() {
    let facts = [
        used(EARLIER, "a", HAIKU, "100", "1"),
        used(LATER, "a", HAIKU, "100", "1"),
        used(LATER, "a", OPUS, "100", "10"),
    ];
    assert_eq!(terms(&facts, &[]), "volume 1, model_mix 9");
}

#[test]
fn kinds_of_token_tiers_contexts_and_prices_are_told_apart() {
    let of = |kind, tier| ("opus", kind, tier);
    let kinds = [
        used(EARLIER, "a", of("input", "on-demand"), "90", "9"),
        used(EARLIER, "a", of("output", "on-demand"), "10", "5"),
        used(LATER, "a", of("input", "on-demand"), "80", "8"),
        used(LATER, "a", of("output", "on-demand"), "20", "10"),
    ];
    assert_eq!(terms(&kinds, &[]), "token_mix 4");
    let tiers = [
        used(EARLIER, "a", of("input", "on-demand"), "50", "5"),
        used(EARLIER, "a", of("input", "batch"), "50", "2.5"),
        used(LATER, "a", of("input", "on-demand"), "100", "10"),
    ];
    assert_eq!(terms(&tiers, &[]), "tier_mix 2.5");
    let contexts = [
        in_context(used(EARLIER, "a", OPUS, "100", "10"), "standard"),
        in_context(used(LATER, "a", OPUS, "50", "5"), "standard"),
        in_context(used(LATER, "a", OPUS, "50", "10"), "long"),
    ];
    assert_eq!(terms(&contexts, &[]), "context_mix 5", "no price has changed");
    let prices = [used(EARLIER, "a", OPUS, "100", "10"), used(LATER, "a", OPUS, "100", "9")];
    assert_eq!(terms(&prices, &[]), "price -1");
}

#[test]
fn callers_come_go_and_change_their_owner() {
    let mut moved = used(LATER, "mover", OPUS, "1", "4");
    moved.key.fields[FactField::Owner as usize] = "ads".into();
    let facts = [
        used(EARLIER, "gone", OPUS, "1", "1"),
        used(EARLIER, "mover", OPUS, "1", "3"),
        used(LATER, "new", OPUS, "1", "2"),
        moved,
    ];
    let variances = by_owner(&facts, &[]);
    let told: Vec<_> =
        variances.iter().map(|variance| format!("{}: {}", variance.group, described(variance))).collect();
    assert_eq!(told, ["ads: moved 4", "search: new 2, gone -1, moved -3"]);
    assert_eq!(described(&together(&variances, "USD").unwrap()), "new 2, gone -1, moved 1");
}

#[test]
fn without_token_counts_nothing_is_explained() {
    let bare = |day, cost| fact(day, cost, &[("owner", "search"), ("identity", "a")]);
    assert_eq!(terms(&[bare(EARLIER, "3"), bare(LATER, "5")], &[]), "unexplained 2");
    let facts = [used(EARLIER, "a", OPUS, "0", "10"), used(LATER, "a", OPUS, "200", "20")];
    assert_eq!(terms(&facts, &[]), "unexplained 10", "no tokens, no price");
}

#[test]
fn what_is_no_usage_is_a_charge_of_its_own() {
    let discount = |day, cost| fact(day, cost, &[("owner", "search"), ("category", "discount")]);
    let tax = fact(LATER, "99", &[("owner", "search"), ("category", "tax")]);
    assert_eq!(terms(&[discount(EARLIER, "-3"), discount(LATER, "-5"), tax], &[]), "charges -2");
}

fn correction(day: &str, identity: &str, amount: &str) -> Correction {
    let (day, amount) = (day.parse().unwrap(), decimal(amount));
    Correction { day, identity: identity.to_owned(), currency: "USD".to_owned(), amount }
}

#[test]
fn what_was_told_of_the_earlier_days_is_what_the_change_is_measured_from() {
    let facts = [used(EARLIER, "a", OPUS, "100", "10"), used(LATER, "a", OPUS, "200", "20")];
    let corrections =
        [correction(EARLIER, "a", "2"), correction("2026-11-05", "a", "0.5"), correction(LATER, "a", "7")];
    let variances = by_owner(&facts, &corrections);
    assert_eq!(described(&variances[0]), "volume 10, restatement 2.5");
    assert_eq!((variances[0].before, variances[0].after), (decimal("7.5"), decimal("20")));
}

#[test]
fn a_correction_of_nobody_in_particular_is_shown_apart() {
    let facts = [used(EARLIER, "a", OPUS, "100", "10")];
    let variances = by_owner(&facts, &[correction(EARLIER, "vanished", "-4")]);
    let several = variances.iter().find(|variance| variance.group == SEVERAL).unwrap();
    assert_eq!((described(several).as_str(), several.before), ("restatement -4", decimal("4")));
}

#[test]
fn currencies_are_never_compared_with_each_other() {
    let mut yuan = used(LATER, "a", OPUS, "200", "20");
    yuan.key.fields[FactField::Currency as usize] = "CNY".into();
    let variances = by_owner(&[used(EARLIER, "a", OPUS, "100", "10"), yuan], &[]);
    let told: Vec<_> = variances.iter().map(|variance| (variance.currency.as_str(), described(variance))).collect();
    assert_eq!(told, [("CNY", "new 20".to_owned()), ("USD", "gone -10".to_owned())]);
}

/// Any usage: few callers, owners, models, kinds and tiers, so that they meet; amounts of any size and sign.
fn any_fact() -> impl Strategy<Value = FactRow> {
    let names = (0_u8..4, 0_u8..3, 0_u8..3, 0_u8..2, 0_u8..2, 0_u8..2, 0_u8..8);
    let amount = -10_i128.pow(30)..10_i128.pow(30);
    let tokens = proptest::option::of(prop_oneof![Just(0), 0..10_i128.pow(34), -10_i128.pow(20)..10_i128.pow(20)]);
    (1_u32..17, names, amount, tokens).prop_map(|(day, names, cost, tokens)| {
        let (identity, owner, model, kind, tier, context, category) = names;
        let identity = ["", "a", "b", "c"][usize::from(identity)];
        let (owner, model) = (format!("owner-{owner}"), format!("model-{model}"));
        let (kind, tier, context) = (format!("kind-{kind}"), format!("tier-{tier}"), format!("context-{context}"));
        let fields = [
            ("identity", identity),
            ("owner", &owner),
            ("model", &model),
            ("token_kind", &kind),
            ("tier", &tier),
            ("context", &context),
            ("category", if category == 0 { "discount" } else { "usage" }),
            ("currency", if category == 1 { "CNY" } else { "USD" }),
        ];
        let cost = Decimal::from_units(cost).unwrap().to_string();
        let mut fact = fact(&format!("2026-11-{day:02}"), &cost, &fields);
        fact.measures.tokens = tokens.map(|units| Decimal::from_units(units).unwrap());
        fact
    })
}

fn any_correction() -> impl Strategy<Value = Correction> {
    (1_u32..17, 0_usize..5, any::<i64>()).prop_map(|(day, identity, units)| Correction {
        day: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
        identity: ["", "a", "b", "c", "vanished"][identity].to_owned(),
        currency: "USD".to_owned(),
        amount: Decimal::from_units(i128::from(units)).unwrap(),
    })
}

fn sum<'a>(amounts: impl IntoIterator<Item = &'a Decimal>) -> Decimal {
    amounts.into_iter().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount)).unwrap()
}

proptest! {
    #[test]
    fn the_terms_sum_exactly_whatever_the_data(
        facts in proptest::collection::vec(any_fact(), 0..60),
        corrections in proptest::collection::vec(any_correction(), 0..6),
        by_identity in any::<bool>(),
    ) {
        let (policy, windows) = (CostPolicy::default(), windows());
        let both = [FactField::Owner, FactField::Identity].map(Dimension::Field);
        let by = both[usize::from(by_identity)].clone();
        let facts = table(&facts);
        let [variances] = explain(&facts.rows(), &policy, &windows, &[by], &corrections).unwrap();
        let together_with_another = explain(&facts.rows(), &policy, &windows, &both, &corrections).unwrap();
        prop_assert_eq!(&together_with_another[usize::from(by_identity)], &variances);
        for variance in &variances {
            prop_assert_eq!(sum(variance.terms.values()), variance.change(), "{:?}", variance);
        }
        for currency in ["USD", "CNY"] {
            let spent = |span: Span| {
                let counted = |fact: &Fact<'_>| {
                    fact.get(FactField::Currency) == currency && span.contains(fact.day())
                };
                sum(&facts.rows().filter(counted).filter_map(|fact| policy.spend(fact)).collect::<Vec<_>>())
            };
            let corrected = corrections.iter().filter(|correction| {
                correction.currency == currency && windows.earlier.contains(correction.day)
            });
            let corrected = sum(corrected.map(|correction| &correction.amount));
            let total = together(&variances, currency).unwrap();
            prop_assert_eq!(total.after, spent(windows.later));
            prop_assert_eq!(total.before, spent(windows.earlier).checked_sub(corrected).unwrap());
            prop_assert_eq!(sum(total.terms.values()), total.change());
        }
    }

    #[test]
    fn the_order_of_the_facts_does_not_matter(facts in proptest::collection::vec(any_fact(), 0..30)) {
        let by = Dimension::Field(FactField::Owner);
        // A table has an order of its own: only tables of one fact each keep the order that is asked for.
        let tables: Vec<_> = facts.iter().map(|fact| table([fact])).collect();
        let by = [by];
        let told = |facts: FactSet<'_>| explain(&facts.iter(), &CostPolicy::default(), &windows(), &by, &[]).unwrap();
        prop_assert_eq!(told(tables.iter().collect()), told(tables.iter().rev().collect()));
    }
}
