use std::collections::BTreeMap;

use super::*;
use crate::bill::line::LineKey;
use crate::bill::reduction::ReductionBuilder;
use crate::facts::derivation::{Derivation, Facts};
use crate::facts::fact::FactKey;
use crate::table::measures::Measures;

const ACCOUNT: &str = "111122223333";

fn session(role: &str, name: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}")
}

fn user(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

/// A row of usage on a day of November.
struct Row {
    day: u32,
    principal: String,
    cost: &'static str,
    currency: &'static str,
    tags: Vec<(&'static str, String)>,
}

fn row(day: u32, principal: String, cost: &'static str) -> Row {
    Row { day, principal, cost, currency: "USD", tags: Vec::new() }
}

fn tagged(principal: String, cost: &'static str, tags: &[(&'static str, &str)]) -> Row {
    let tags = tags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    Row { tags, ..row(1, principal, cost) }
}

fn reduced(chunks: &[&[&Row]]) -> Vec<Reduction> {
    let line = |row: &Row| {
        let mut fields = LineField::ALL.map(|_| Arc::<str>::default());
        for (field, text) in [
            (LineField::AccountId, ACCOUNT),
            (LineField::Principal, &row.principal),
            (LineField::LineItemType, "Usage"),
            (LineField::UsageType, "USE1-Claude4.6Sonnet-input-tokens"),
            (LineField::Currency, row.currency),
        ] {
            fields[field as usize] = Arc::from(text);
        }
        let tags = row.tags.iter().map(|(key, value)| (Arc::from(*key), Arc::from(value.as_str()))).collect();
        LineKey {
            usage_date: chrono::NaiveDate::from_ymd_opt(2026, 11, row.day).unwrap(),
            fields,
            tags: Arc::new(tags),
        }
    };
    let chunk = |rows: &&[&Row]| {
        let mut builder = ReductionBuilder::default();
        for row in *rows {
            let measures = Measures { unblended_cost: row.cost.parse().unwrap(), line_items: 1, ..Measures::default() };
            builder.add(line(row), &measures).unwrap();
        }
        builder.finish()
    };
    chunks.iter().map(chunk).collect()
}

fn derivation() -> Derivation {
    Derivation { limits: Limits { identities: 3, sessions: 2, tag_sets: 2 }, ..Derivation::default() }
}

fn facts(rows: &[Row]) -> Facts {
    derivation().derive(&reduced(&[&rows.iter().collect::<Vec<_>>()])).unwrap()
}

/// What each value of a field costs, and how many facts have it.
fn by(field: FactField, facts: &Facts) -> Vec<(String, String)> {
    let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
    for fact in &facts.rows {
        let sum = sums.entry(fact.get(field)).or_default();
        *sum = sum.checked_add(fact.unblended_cost()).unwrap();
    }
    sums.into_iter().map(|(name, sum)| (name.to_owned(), sum.to_string())).collect()
}

fn named(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned())).collect()
}

#[test]
fn identities_beyond_the_largest_are_one() {
    let rows = [
        row(1, user("ana"), "5"),
        row(1, user("cyd"), "1"),
        row(2, user("cyd"), "1"),
        row(1, user("bo"), "2"),
        row(1, user("eve"), "0.5"),
        row(1, session("app", "x"), "9"),
        row(1, String::new(), "7"),
    ];
    let facts = facts(&rows);
    // Of two that cost the same the name decides.
    let expected = [
        ("", "7"),
        ("(other)", "2.5"),
        ("role/app@111122223333", "9"),
        ("user/ana@111122223333", "5"),
        ("user/bo@111122223333", "2"),
    ];
    assert_eq!(by(FactField::Identity, &facts), named(&expected));
    let other: Vec<_> = facts.rows.rows().filter(|fact| is_other(*fact)).collect();
    assert!(other.iter().all(|fact| fact.get(FactField::Principal) == OTHER));
    assert!(other.iter().all(|fact| fact.get(FactField::IdentityKind) == "other"));
    assert_eq!(other.len(), 2, "one for each day");
    assert_eq!(facts.folded, Folded { identities: 2, ..Folded::default() });
}

#[test]
fn sessions_of_a_role_beyond_the_largest_are_one_principal_of_it() {
    let mut rows: Vec<_> = (0..9).map(|index| row(1, session("app", &format!("task-{index}")), "1")).collect();
    rows.push(row(2, session("app", "task-7"), "1"));
    rows.push(row(1, format!("arn:aws:iam::{ACCOUNT}:role/app"), "0.1"));
    rows.push(row(1, session("small", "one"), "0.1"));
    rows.push(row(1, session("small", "two"), "0.1"));
    let facts = facts(&rows);
    let expected = [
        ("arn:aws:iam::111122223333:role/app", "0.1"),
        ("arn:aws:sts::111122223333:assumed-role/app/(other)", "7"),
        ("arn:aws:sts::111122223333:assumed-role/app/task-0", "1"),
        ("arn:aws:sts::111122223333:assumed-role/app/task-7", "2"),
        ("arn:aws:sts::111122223333:assumed-role/small/one", "0.1"),
        ("arn:aws:sts::111122223333:assumed-role/small/two", "0.1"),
    ];
    assert_eq!(by(FactField::Principal, &facts), named(&expected));
    let identities = [("role/app@111122223333", "10.1"), ("role/small@111122223333", "0.2")];
    assert_eq!(by(FactField::Identity, &facts), named(&identities));
    assert_eq!(facts.folded, Folded { sessions: 7, ..Folded::default() });
}

#[test]
fn people_keep_their_principals() {
    let rows: Vec<_> = (0..5)
        .map(|index| row(1, session(&format!("AWSReservedSSO_{index}_0123456789abcdef"), "dana@example.com"), "1"))
        .collect();
    let facts = facts(&rows);
    assert_eq!((by(FactField::Principal, &facts).len(), facts.folded), (5, Folded::default()));
}

#[test]
fn combinations_of_session_and_tags_beyond_the_largest_have_no_tags_of_their_own() {
    let team =
        |team: &str, cost| tagged(session("app", "x"), cost, &[("accountTag/unit", "it"), ("iamPrincipal/team", team)]);
    let rows = [
        team("a", "3"),
        team("b", "2"),
        team("c", "1"),
        team("d", "1"),
        tagged(user("bo"), "1", &[("iamPrincipal/team", "e")]),
    ];
    let derivation = Derivation { owner_tags: vec!["iamPrincipal/team".to_owned()], ..derivation() };
    let facts = derivation.derive(&reduced(&[&rows.iter().collect::<Vec<_>>()])).unwrap();
    assert_eq!(by(FactField::Owner, &facts), named(&[("(other)", "2"), ("a", "3"), ("b", "2"), ("e", "1")]));
    let other = facts.rows.rows().find(|fact| fact.tag("iamPrincipal/team") == OTHER).unwrap();
    assert_eq!(other.tag("accountTag/unit"), "it", "no caller chooses it");
    assert_eq!(facts.folded, Folded { tag_sets: 2, ..Folded::default() });
}

#[test]
fn rules_own_what_is_folded_as_they_own_the_rest() {
    let rows = [row(1, user("a"), "9"), row(1, user("b"), "8"), row(1, user("c"), "7"), row(1, user("d"), "1")];
    let rule = crate::facts::owner::OwnerRule {
        matches: vec![crate::facts::matcher::Matcher::new("identity".parse().unwrap(), "user/d@*")],
        team: "search".to_owned(),
        cost_center: None,
        from: None,
        to: None,
    };
    let derivation = Derivation { owner_rules: vec![rule], ..derivation() };
    let facts = derivation.derive(&reduced(&[&rows.iter().collect::<Vec<_>>()])).unwrap();
    let folded = facts.rows.rows().find(|fact| is_other(*fact)).unwrap();
    assert_eq!(folded.get(FactField::Owner), "search");
}

/// Many callers with many names: what one role, one user with federated users, and a stranger's file can do.
fn attack() -> Vec<Row> {
    let costs = ["3", "1", "2", "-4", "0", "1"];
    let mut rows = Vec::new();
    for (index, cost) in (0..40).zip(costs.into_iter().cycle()) {
        rows.push(row(1 + index % 3, session("agent", &format!("u{index}@a.bc")), cost));
        rows.push(row(1, format!("arn:aws:sts::{ACCOUNT}:federated-user/f{}", index % 9), cost));
        let tag = format!("t{}", index % 7);
        rows.push(tagged(session("agent", "one"), cost, &[("iamPrincipal/team", &tag)]));
        rows.push(Row { currency: "EUR", ..row(2, format!("odd {}", index % 5), cost) });
    }
    rows
}

#[test]
fn what_is_folded_follows_from_the_rows_alone() {
    let rows = attack();
    let all: Vec<&Row> = rows.iter().collect();
    let mut backwards = all.clone();
    backwards.reverse();
    let whole = derivation().derive(&reduced(&[&all])).unwrap();
    for chunks in [vec![&backwards[..]], vec![&all[..7], &all[7..80], &all[80..]], all.chunks(1).collect()] {
        let other = derivation().derive(&reduced(&chunks)).unwrap();
        assert_eq!((&other.rows, other.folded), (&whole.rows, whole.folded));
    }
    assert!(
        whole.folded.identities > 0 && whole.folded.sessions > 0 && whole.folded.tag_sets > 0,
        "{:?}",
        whole.folded
    );
}

#[test]
fn folding_moves_no_money() {
    let rows = attack();
    let reductions = reduced(&[&rows.iter().collect::<Vec<_>>()]);
    let apart = Derivation::default().derive(&reductions).unwrap();
    let folded = derivation().derive(&reductions).unwrap();
    assert!(folded.rows.len() * 2 < apart.rows.len(), "{} of {}", folded.rows.len(), apart.rows.len());
    for field in [FactField::Currency, FactField::Category, FactField::Model, FactField::AccountId] {
        assert_eq!(by(field, &folded), by(field, &apart));
    }
}

#[test]
fn a_line_finds_the_fact_that_it_was_summed_into_by_the_facts_alone() {
    let rows = attack();
    let reductions = reduced(&[&rows.iter().collect::<Vec<_>>()]);
    // What a release derived that folded nothing is found too.
    for derivation in [derivation(), Derivation::default()] {
        let facts = derivation.derive(&reductions).unwrap();
        let folding = Folding::in_facts(facts.rows.rows());
        let mut explainer = crate::facts::explanation::Explainer::new(&derivation, false, folding);
        let mut sums: BTreeMap<FactKey, Decimal> = BTreeMap::new();
        for line in reductions.iter().flat_map(|reduction| &reduction.lines) {
            let sum = sums.entry(explainer.explain(&line.key()).0).or_default();
            *sum = sum.checked_add(line.unblended_cost()).unwrap();
        }
        let expected: BTreeMap<_, _> = facts.rows.rows().map(|fact| (fact.key(), fact.unblended_cost())).collect();
        assert_eq!(expected.len(), facts.rows.len(), "each key is there once");
        assert_eq!(sums, expected);
    }
}

#[test]
fn thousands_of_invented_callers_are_no_more_facts_than_the_limits_allow() {
    let limits = Limits { identities: 500, sessions: 5, tag_sets: 100 };
    assert_eq!(Limits::default(), Limits { identities: 50_000, sessions: 512, tag_sets: 10_000 });
    let federated = (0..600).map(|index| row(1, format!("arn:aws:sts::{ACCOUNT}:federated-user/f{index}"), "0.01"));
    let sessions = (0..400).map(|index| row(1, session("agent", &format!("u{index}@a.bc")), "0.01"));
    let tag = |index| tagged(session("agent", "u0@a.bc"), "0.01", &[("iamPrincipal/team", &format!("t{index}"))]);
    let callers: Vec<_> = federated.chain(sessions).chain((0..300).map(tag)).collect();
    let derivation = Derivation { limits, ..Derivation::default() };
    let facts = derivation.derive(&reduced(&[&callers.iter().collect::<Vec<_>>()])).unwrap();
    // The role is one of the identities that are kept, with its sessions, the rest of them, and its tags.
    assert_eq!(facts.rows.len(), 499 + 1 + (5 + 1) + (100 + 1));
    assert_eq!(facts.folded, Folded { identities: 101, sessions: 395, tag_sets: 200 });
    assert_eq!(by(FactField::Currency, &facts), named(&[("USD", "13")]));
}

#[test]
fn what_the_rest_stands_for_is_said() {
    let folded = Folded { identities: 1, sessions: 61_234, tag_sets: 2 };
    assert_eq!(
        folded.sentences(),
        [
            "Identity (other) stands for 1 identity beyond the 50,000 largest of a month.",
            "Session (other) of a role stands for its sessions beyond the 512 largest of a month: 61,234 sessions in all.",
            "Tag value (other) stands for 2 combinations of session and tags beyond the 10,000 largest of an identity and \
             month.",
        ]
    );
    assert!(Folded::default().sentences().is_empty());
}
