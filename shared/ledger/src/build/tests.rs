use super::*;

#[test]
fn a_build_without_a_commit_is_named_by_its_version_alone() {
    assert_eq!(named(known(None)), VERSION);
    assert_eq!(named(known(Some(""))), VERSION);
    assert_eq!(named(known(Some("1a2b3c4d5e6f"))), format!("{VERSION} (1a2b3c4d5e6f)"));
}

/// Names end up in HTTP headers and in JSON.
#[test]
fn this_build_s_name_begins_with_its_version_and_is_printable_ascii() {
    assert!(name().starts_with(VERSION), "{}", name());
    assert!(name().bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", name());
    assert!(as_creator().starts_with(&format!("bedrock-ledger version {VERSION}")), "{}", as_creator());
}
