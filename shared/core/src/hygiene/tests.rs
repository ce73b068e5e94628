use super::*;
use crate::data_status::DataStatus;
use crate::fixtures::{decimal, fact};
use crate::window::WindowKind;

fn measured(lack: Lack, facts: &[Fact]) -> Vec<(String, String, Verdict)> {
    let hygiene = Hygiene { rule: Rule::new("owned"), lack, percent: 10, amount: decimal("100") };
    let status = DataStatus { as_of: "2026-11-21T00:00:00Z".parse().ok(), ..DataStatus::default() };
    let span = DataSpan::new([("2026-11".parse().unwrap(), status)].into());
    let windows = [Window::of(WindowKind::Month, "2026-11-01".parse().unwrap())].into();
    let found = evaluate(&hygiene, facts.iter(), &CostPolicy::default(), &span, &windows).unwrap();
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
