//! Keys of tags and roles that somebody has to look at.

use super::*;
use crate::facts::folding::Folded;

/// The lines below a heading, as one text.
fn section(given: &Given, heading: &str) -> String {
    let body = given.text().body;
    let below = body.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no {heading} in {body}")).1;
    let lines = below.lines().take_while(|line| !line.is_empty());
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn used(day: &str, principal: &str, tags: &[(&'static str, &str)]) -> FactRow {
    let mut fields = vec![
        ("identity", "role/app@111122223333"),
        ("identity_kind", "role"),
        ("principal", principal),
        ("owner", "account/111122223333"),
    ];
    fields.extend(tags);
    fact(day, "70", &fields)
}

fn session(name: &str) -> String {
    format!("arn:aws:sts::111122223333:assumed-role/app/{name}")
}

#[test]
fn a_key_in_another_spelling_is_named_with_its_money() {
    let app = session("app-handler");
    let facts = vec![
        used("2026-11-05", &app, &[("iamPrincipal/team", "search")]),
        used("2026-11-12", &app, &[("iamPrincipal/Team", "search")]),
    ];
    let told = section(&Given { facts, ..Given::weekly() }, "Tags to mend");
    assert_eq!(
        told,
        "iamPrincipal/team: probably the same tag, under another key: iamPrincipal/Team ($70.00); set iamPrincipal/team \
         where the other is set and activate it; for the past add an [[owner]] rule"
    );
}

#[test]
fn a_tag_of_the_wrong_kind_is_named() {
    let mut given = Given { facts: vec![used("2026-11-05", &session("app-handler"), &[])], ..Given::weekly() };
    given.warnings.resource_tags.insert("resourceTags/team".to_owned());
    let told = section(&given, "Tags to mend");
    assert!(told.contains("no line of the bill has it, but resourceTags/team; callers spent $70.00"), "{told}");
    assert!(told.contains("another kind") && told.contains("activate iamPrincipal/team"), "{told}");
}

#[test]
fn roles_whose_sessions_look_like_people_are_named() {
    let facts = ["ana@example.com", "bo@example.com"].map(|name| used("2026-11-05", &session(name), &[])).into();
    let told = section(&Given { facts, ..Given::weekly() }, "Roles whose sessions look like people");
    assert_eq!(
        told,
        "app: 2 sessions look like people; if your identity provider sets them, add the role to keep_sessions"
    );
    assert!(!Given::weekly().text().body.contains("look like people"));
}

#[test]
fn callers_that_are_not_kept_apart_are_warned_of_and_sessions_of_a_fleet_are_not() {
    let mut given = Given::weekly();
    given.warnings.folded = Folded { identities: 51_200, sessions: 61_234, tag_sets: 0 };
    let body = given.text().body;
    let told = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let warning = "Warning Identity (other) stands for 51,200 identities beyond the 50,000 largest of a month.";
    assert!(told.contains(warning) && !told.contains("Session (other)"), "{body}");
}
