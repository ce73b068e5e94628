use super::*;
use crate::calendar::data_span::DataSpan;
use crate::calendar::data_status::DataStatus;
use crate::facts::spend::CostPolicy;
use crate::fixtures::{FactRow, decimal, fact, table};

fn evaluated(lack: Lack, facts: &[FactRow]) -> Vec<Measurement> {
    let hygiene = Hygiene { rule: Rule::new("owned"), lack, percent: 10, amount: decimal("100") };
    let status = DataStatus { as_of: "2026-11-21T00:00:00Z".parse().ok(), ..DataStatus::default() };
    let span = DataSpan::new([("2026-11".parse().unwrap(), status)].into());
    hygiene.evaluate(table(facts).rows(), &Known { policy: &CostPolicy::default(), span: &span, days: &[] }).unwrap()
}

fn measured(lack: Lack, facts: &[FactRow]) -> Vec<(String, String, Verdict)> {
    let found = evaluated(lack, facts);
    let whole = |found: &Measurement| match &found.detail {
        Detail::Hygiene { whole, .. } => whole.to_string(),
        other => panic!("{other:?}"),
    };
    found.iter().map(|found| (found.spent.to_string(), whole(found), found.levels[0].verdict)).collect()
}

#[test]
fn both_the_share_and_the_amount_must_be_reached() {
    for (untagged, tagged, verdict) in [
        ("100", "900", Verdict::Crossed),
        ("99", "1", Verdict::Undecided),
        ("50", "1", Verdict::Clear),
        ("100", "9000", Verdict::Clear),
    ] {
        let facts = [fact("2026-11-01", untagged, &[]), fact("2026-11-02", tagged, &[("iamPrincipal/team", "x")])];
        let found = measured(Lack::Tag("iamPrincipal/team".to_owned()), &facts);
        assert_eq!(found[0].2, verdict, "{untagged} of {tagged}");
    }
}

#[test]
fn spend_without_a_principal_is_told_apart() {
    let facts = [fact("2026-11-01", "200", &[]), fact("2026-11-02", "300", &[("principal", "arn:x")])];
    assert_eq!(measured(Lack::Principal, &facts), [("200".to_owned(), "500".to_owned(), Verdict::Crossed)]);
    assert!(measured(Lack::Principal, &facts[1..]).is_empty());
}

/// The key under which the driver is found to have what its spend is without.
fn spelt(facts: &[FactRow]) -> Option<String> {
    let lack = Lack::Tag("iamPrincipal/team".to_owned());
    match evaluated(lack, facts).remove(0).detail {
        Detail::Hygiene { spelt, .. } => spelt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tag_that_its_driver_has_under_another_key_is_found() {
    let app = |day: &str, cost: &str, key: &str| {
        fact(day, cost, &[("identity", "role/app@1"), ("identity_kind", "role"), (key, "search")])
    };
    let until = app("2026-11-07", "300", "iamPrincipal/team");
    for other in ["iamPrincipal/Team", "iamPrincipal/TEAM", "iamPrincipal/te_am"] {
        let facts = [until.clone(), app("2026-11-08", "200", other)];
        assert_eq!(spelt(&facts).as_deref(), Some(other));
    }
    for other in ["iamPrincipal/env", "accountTag/Team"] {
        assert_eq!(spelt(&[until.clone(), app("2026-11-08", "200", other)]), None, "{other}");
    }
    let of_most = [
        app("2026-11-08", "200", "iamPrincipal/Team"),
        app("2026-11-09", "300", "iamPrincipal/TEAM"),
        app("2026-11-10", "900", "iamPrincipal/env"),
    ];
    assert_eq!(spelt(&of_most).as_deref(), Some("iamPrincipal/TEAM"));
}

#[test]
fn a_tag_that_somebody_else_has_under_another_key_is_not_the_drivers() {
    let app = fact(
        "2026-11-08",
        "100",
        &[("identity", "role/app@1"), ("identity_kind", "role"), ("iamPrincipal/Team", "search")],
    );
    let bot = fact("2026-11-08", "900", &[("identity", "role/bot@1"), ("identity_kind", "role")]);
    assert_eq!(spelt(&[app, bot]), None);
}
