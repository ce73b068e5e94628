//! Derivation over columns, held against the plain way: each line explained alone, and summed in a map.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::bill::line::{LineKey, PRINCIPAL_COLUMN};
use crate::bill::reduction::ReductionBuilder;
use crate::facts::explanation::Explainer;
use crate::facts::fact::FactKey;
use crate::facts::matcher::Matcher;
use crate::fixtures::decimal;
use crate::table::tags::Tags;

const TEAM: &str = "iamPrincipal/team";
const COST_CENTER: &str = "iamPrincipal/cost-center";
const ANA: &str = "arn:aws:iam::111122223333:user/ana";

/// Each fact with its sums, and how many line items are of unknown usage.
type Summed = (BTreeMap<FactKey, Measures>, u64);

fn line_by_line(derivation: &Derivation, reductions: &[Reduction]) -> Result<Summed, SumOutOfRange> {
    let (mut facts, mut unknown) = (BTreeMap::<FactKey, Measures>::new(), 0);
    for reduction in reductions {
        let folding = Folding::of(reductions, &derivation.keep_sessions, &derivation.limits)?;
        let mut explainer = Explainer::new(derivation, reduction.counts.lacks_principal_column(), folding);
        for line in &reduction.lines {
            let (key, mut measures) = (line.key(), line.measures());
            let used = Used::of(&key, &derivation.model_aliases);
            if used.is_unknown() {
                unknown += measures.line_items;
            }
            measures.tokens = tokens(&used, measures.usage_amount)?;
            facts.entry(explainer.explain(&key).0).or_default().add(&measures)?;
        }
    }
    Ok((facts, unknown))
}

fn over_columns(derivation: &Derivation, reductions: &[Reduction]) -> Result<Summed, SumOutOfRange> {
    let facts = derivation.derive(reductions)?;
    let rows: Vec<_> = facts.rows.rows().map(|fact| (fact.key(), fact.measures())).collect();
    assert!(rows.is_sorted_by(|(left, _), (right, _)| left < right), "sorted, each key once");
    Ok((rows.into_iter().collect(), facts.unknown_usage_rows))
}

/// Account, principal and tags.
type CalledBy = (&'static str, &'static str, Arc<Tags>);

fn any_caller() -> impl Strategy<Value = CalledBy> {
    let principal = select(vec![
        "",
        ANA,
        "arn:aws:iam::444455556666:user/bo",
        "arn:aws:sts::111122223333:assumed-role/app/one",
        "arn:aws:sts::111122223333:assumed-role/app/two",
        "arn:aws:sts::111122223333:assumed-role/app/three",
        "arn:aws:sts::111122223333:assumed-role/Okta/ana@example.com",
        "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/Ana@example.com",
        "odd",
    ]);
    let team = select(vec![None, None, Some(""), Some("a"), Some("b")]);
    let tags = (team, select(vec![None, Some("7")]), select(vec![None, Some("it")]));
    let tags = tags.prop_map(|(team, cost_center, unit)| {
        let tags = [(TEAM, team), (COST_CENTER, cost_center), ("accountTag/unit", unit)];
        Arc::new(tags.into_iter().filter_map(|(key, value)| Some((Arc::from(key), Arc::from(value?)))).collect())
    });
    (select(vec!["", "111122223333", "444455556666"]), principal, tags)
}

fn any_usage() -> impl Strategy<Value = Vec<(LineField, &'static str)>> {
    let kind = select(vec!["Usage", "Usage", "Usage", "Tax", "EdpDiscount", "Credit", "Surprise"]);
    let usage_type = select(vec![
        "USE1-Claude4.6Sonnet-input-tokens",
        "USE1-Claude4.6Sonnet-output-tokens",
        "USE1-NovaPro-input-tokens",
        "USE1-Guardrail-ContentPolicyUnitsConsumed",
        "Whatever-new",
        "",
    ]);
    let billed =
        (select(vec!["Anniversary", "Refund"]), select(vec!["1K tokens", "Units"]), select(vec!["USD", "EUR"]));
    (kind, usage_type, billed).prop_map(|(kind, usage_type, (bill_type, unit, currency))| {
        vec![
            (LineField::BillType, bill_type),
            (LineField::LineItemType, kind),
            (LineField::ProductCode, "AmazonBedrock"),
            (LineField::UsageType, usage_type),
            (LineField::PricingUnit, unit),
            (LineField::Currency, currency),
        ]
    })
}

const DAYS: [&str; 5] = ["2026-04-07", "2026-04-08", "2026-11-16", "2026-11-17", "2026-11-18"];

fn line(day: &str, (account, principal, tags): &CalledBy, usage: &[(LineField, &str)]) -> LineKey {
    let called = [(LineField::AccountId, *account), (LineField::Principal, *principal)];
    let text = |field| called.iter().chain(usage).find(|(named, _)| *named == field).map_or("", |(_, text)| *text);
    let fields = LineField::ALL.map(|field| Arc::from(text(field)));
    LineKey { usage_date: day.parse().unwrap(), fields, tags: Arc::clone(tags) }
}

fn any_measures() -> impl Strategy<Value = Measures> {
    let amount = || prop_oneof![Just(0), -9_i128..9, -10_i128.pow(34)..10_i128.pow(34)];
    let amount = move || amount().prop_map(|units| Decimal::from_units(units).unwrap());
    (amount(), amount(), amount(), option::of(amount()), 0_u64..4, 0_u64..4).prop_map(
        |(usage_amount, unblended_cost, net_unblended_cost, list_cost, line_items, lines_without_net)| Measures {
            usage_amount,
            tokens: None,
            unblended_cost,
            net_unblended_cost,
            list_cost,
            line_items,
            lines_without_net,
        },
    )
}

/// Of few callers and usages, so that lines have much in common.
fn any_reductions() -> impl Strategy<Value = Vec<Reduction>> {
    let row = (select(DAYS.to_vec()), any::<Index>(), any::<Index>(), any_measures());
    let chunks = vec((vec(row, 0..20), prop::bool::weighted(0.2)), 0..4);
    (vec(any_caller(), 1..6), vec(any_usage(), 1..4), chunks).prop_map(|(callers, usages, chunks)| {
        let chunk = |(lines, lacks_principal): (Vec<(&str, Index, Index, Measures)>, bool)| {
            let mut builder = ReductionBuilder::default();
            if lacks_principal {
                builder.counts.missing_columns.insert(PRINCIPAL_COLUMN.to_owned());
            }
            for (day, caller, usage, measures) in lines {
                let usage: &Vec<_> = usage.get(&usages);
                let key = line(day, caller.get(&callers), usage);
                builder.add(key, &measures).unwrap();
            }
            builder.finish()
        };
        chunks.into_iter().map(chunk).collect()
    })
}

fn any_rule() -> impl Strategy<Value = OwnerRule> {
    let matcher = select(vec![
        ("identity", "user/*"),
        ("identity", "*@example.com"),
        ("principal", "*/app/t*"),
        ("account", "(none)"),
        ("account", "1111*"),
        ("tag:accountTag/unit", "it"),
        ("tag:iamPrincipal/team", "(none)"),
        ("model", "nova-*"),
        ("usage_type", "*-output-*"),
        ("category", "tax"),
        ("day", "2026-11-17"),
        ("owner", "(none)"),
    ]);
    let matcher = matcher.prop_map(|(key, glob)| Matcher::new(key.parse().unwrap(), glob));
    let day = || option::weighted(0.3, select(vec!["2026-04-08", "2026-11-17", "2026-11-18"]));
    (vec(matcher, 0..3), select(vec!["x", "y", "z"]), option::of(Just("CC-1")), day(), day()).prop_map(
        |(matches, team, cost_center, from, to)| OwnerRule {
            matches,
            team: team.to_owned(),
            cost_center: cost_center.map(str::to_owned),
            from: from.map(|day| day.parse().unwrap()),
            to: to.map(|day| day.parse().unwrap()),
        },
    )
}

fn any_derivation() -> impl Strategy<Value = Derivation> {
    let limits = (1_usize..5, 1_usize..3, 1_usize..3);
    let limits = prop_oneof![
        Just(Limits::default()),
        limits.prop_map(|(identities, sessions, tag_sets)| Limits { identities, sessions, tag_sets })
    ];
    (any::<[bool; 4]>(), vec(any_rule(), 0..4), limits).prop_map(|(has, owner_rules, limits)| {
        let [keeps_sessions, has_alias, has_owner_tag, has_cost_center_tag] = has;
        let alias = has_alias.then(|| ("nova-pro".to_owned(), "small".to_owned()));
        Derivation {
            keep_sessions: KeepSessions::new(keeps_sessions.then_some("Okta")),
            model_aliases: alias.into_iter().collect(),
            owner_tags: has_owner_tag.then(|| TEAM.to_owned()).into_iter().collect(),
            cost_center_tag: has_cost_center_tag.then(|| COST_CENTER.to_owned()),
            owner_rules,
            limits,
        }
    })
}

proptest! {
    #[test]
    fn facts_over_columns_are_those_of_each_line_alone(derivation in any_derivation(), reductions in any_reductions()) {
        prop_assert_eq!(over_columns(&derivation, &reductions), line_by_line(&derivation, &reductions));
    }

    #[test]
    fn the_order_of_chunks_does_not_matter(derivation in any_derivation(), mut reductions in any_reductions()) {
        let facts = derivation.derive(&reductions);
        reductions.reverse();
        prop_assert_eq!(&facts, &derivation.derive(&reductions));
        prop_assert_eq!(facts, derivation.derive_of(reductions));
    }
}

fn reduction(lines: &[(&[(LineField, &str)], &str)]) -> Reduction {
    let mut builder = ReductionBuilder::default();
    for (fields, amount) in lines {
        let text = |field| fields.iter().find(|(named, _)| *named == field).map_or("", |(_, text)| *text);
        let fields = LineField::ALL.map(|field| Arc::from(text(field)));
        let key = LineKey { usage_date: "2026-11-17".parse().unwrap(), fields, tags: Arc::default() };
        let usage_amount = decimal(amount);
        builder.add(key.clone(), &Measures { usage_amount, line_items: 1, ..Measures::default() }).unwrap();
    }
    builder.finish()
}

const INPUT: (LineField, &str) = (LineField::UsageType, "USE1-Claude4.6Sonnet-input-tokens");
const THOUSANDS: (LineField, &str) = (LineField::PricingUnit, "1K tokens");

#[test]
fn tokens_beyond_what_a_decimal_holds_are_an_error() {
    let usage = [INPUT, THOUSANDS, (LineField::LineItemType, "Usage")];
    let tax = [INPUT, THOUSANDS, (LineField::LineItemType, "Tax")];
    let derive = |fields, amount| Derivation::default().derive(&[reduction(&[(fields, amount)])]);
    assert_eq!(derive(&usage, "100000000000000000").err(), Some(SumOutOfRange));
    let facts = derive(&usage, "99999999999999999.999").unwrap();
    assert_eq!(facts.rows.row(0).tokens(), Some(decimal("99999999999999999999")));
    let facts = derive(&tax, "100000000000000000").unwrap();
    assert_eq!(facts.rows.row(0).tokens(), None, "only usage has tokens");
}

#[test]
fn lines_that_differ_in_what_facts_do_not_have_are_one_fact() {
    let lines = [
        (&[INPUT, THOUSANDS, (LineField::LineItemType, "Usage"), (LineField::ProductName, "Amazon Bedrock")][..], "1"),
        (&[INPUT, THOUSANDS, (LineField::LineItemType, "Usage"), (LineField::BillType, "Anniversary")], "2.5"),
    ];
    let facts = Derivation::default().derive(&[reduction(&lines)]).unwrap();
    assert_eq!(facts.rows.len(), 1);
    let fact = facts.rows.row(0);
    assert_eq!((fact.usage_amount(), fact.tokens(), fact.line_items()), (decimal("3.5"), Some(decimal("3500")), 2));
}
