use super::*;
use crate::fixtures::fact;

#[test]
fn globs_match_whole_values_and_never_nothing() {
    let key = |team: &str| fact("2026-11-01", "1", &[("iamPrincipal/team", team)]).key;
    let untagged = fact("2026-11-01", "1", &[]).key;
    let team = |glob: &str| Matcher::new("tag:iamPrincipal/team".parse().unwrap(), glob);
    assert!(team("search*").matches(&key("search-eu")));
    assert!(!team("search").matches(&key("search-eu")), "a glob is over the whole value");
    assert!(!team("Search*").matches(&key("search-eu")), "globs are case-sensitive");
    assert!(team("*").matches(&key("x")));
    for empty in [&key(""), &untagged] {
        assert!(!team("*").matches(empty), "no glob matches nothing");
        assert!(team("(none)").matches(empty));
    }
    assert!(!team("(none)").matches(&key("x")));
    assert_eq!(team("search*").to_string(), "tag:iamPrincipal/team = search*");
}

#[test]
fn a_template_that_cannot_be_filled_in_is_an_error() {
    for text in ["", " ", "{team}", "{tag:}", "{member", "member}", "{a{member}}", "}{member}"] {
        assert!(text.parse::<OwnerTemplate>().is_err(), "{text}");
    }
    assert!("{member}".parse::<OwnerTemplate>().unwrap().needs_member());
}

#[test]
fn a_rule_is_about_the_facts_that_all_its_globs_match() {
    let facts = [
        [("model", "a"), ("identity", "ana")],
        [("model", "a"), ("identity", "bob")],
        [("model", "b"), ("identity", "ana")],
    ];
    let facts = crate::fixtures::table(&facts.map(|fields| fact("2026-11-01", "1", &fields)));
    let matched = |matches: &[(&str, &str)]| {
        let matches = matches.iter().map(|(key, glob)| Matcher::new(key.parse().unwrap(), glob)).collect();
        let rule = Rule { matches, ..Rule::new("r") };
        facts.rows().filter(|fact| rule.matches(*fact)).count()
    };
    assert_eq!(matched(&[]), 3);
    assert_eq!(matched(&[("model", "a")]), 2);
    assert_eq!(matched(&[("model", "a"), ("identity", "ana")]), 1);
    assert_eq!(matched(&[("model", "c")]), 0);
}
