use std::collections::BTreeMap;

use proptest::prelude::*;
use spend_core::money::decimal::Decimal;

use super::name::{Name, NameError, is_alias};
use super::*;
use crate::reaction_fixtures::{applied, fact, rows, table};
use crate::state::document::{decode_as, encode};
use crate::state::history::HistoryEntry;

const ALIAS: &str = "forgotten-1@example.com";

fn dana() -> Forgotten {
    let mut forgotten = Forgotten::salted("5a17".to_owned());
    forgotten.add(&Name::of("Dana@Example.com").unwrap(), ALIAS);
    forgotten
}

#[test]
fn a_name_is_taken_from_whatever_shows_it() {
    for (shown, name) in [
        ("Dana@Example.com", "dana@example.com"),
        ("user/alice@111122223333", "alice"),
        ("federated/Sam@111122223333", "sam"),
        ("api-key/BedrockAPIKey-a1b2@111122223333", "bedrockapikey-a1b2"),
        ("arn:aws:sts::111122223333:assumed-role/OktaDevelopers/Frank.Lee", "frank.lee"),
        ("arn:aws:iam::111122223333:user/division/bob", "bob"),
    ] {
        assert_eq!(Name::of(shown).unwrap().as_str(), name, "{shown}");
    }
    assert!(matches!(Name::of("role/app@111122223333"), Err(NameError::Role(_))));
    for word in ["assumed-role", "AWS", "arn:aws:iam::111122223333:user"] {
        assert!(matches!(Name::of(word), Err(NameError::Word(_))), "{word} is in every ARN");
    }
    for shown in ["", "x", "1234", "dana lee", "a\nb", "dana\u{e9}", &"x".repeat(65), "arn:aws:iam::1:user/"] {
        assert!(matches!(Name::of(shown), Err(NameError::Shape(_))), "{shown}");
    }
}

#[test]
fn an_alias_can_be_a_name_and_nothing_else() {
    for alias in ["forgotten-1", ALIAS, "p.17"] {
        assert!(is_alias(alias), "{alias}");
    }
    for alias in ["", "x", "Forgotten", "a b", "role/x", "x\u{1b}[0m", "=cmd", "x:y", "-x", "x@", "a,b", "123", "<b>"] {
        assert!(!is_alias(alias), "{alias}");
    }
}

#[test]
fn the_list_holds_no_name_and_knows_every_spelling() {
    let forgotten = dana();
    let stored = String::from_utf8(encode(&forgotten).unwrap().to_vec()).unwrap().to_lowercase();
    assert!(!stored.contains("dana"), "{stored}");
    for (text, renamed) in [
        ("dana@example.com", ALIAS.to_owned()),
        ("DANA@EXAMPLE.COM", ALIAS.to_owned()),
        (
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/Dana@Example.com",
            format!("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/{ALIAS}"),
        ),
        ("user/dana@example.com@111122223333", format!("user/{ALIAS}@111122223333")),
        ("mailto:dana@example.com, lee@example.com", format!("mailto:{ALIAS}, lee@example.com")),
        ("a=dana@example.com,b=Dana@example.com.", format!("a={ALIAS},b={ALIAS}.")),
    ] {
        assert_eq!(forgotten.renamed(text), Some(renamed), "{text}");
    }
    for other in ["", "dana", "x-dana@example.com", "dana@example.com.au", "lee@example.com", "role/dana@111122223333"]
    {
        assert_eq!(forgotten.renamed(other), None, "{other}");
    }
    let other_salt = Forgotten { salt: "other".to_owned(), ..forgotten };
    assert_eq!(other_salt.renamed("dana@example.com"), None, "a hash is worth nothing without its salt");
}

#[test]
fn an_alias_that_is_forgotten_is_replaced_for_whom_it_stood() {
    let mut forgotten = dana();
    forgotten.add(&Name::of(ALIAS).unwrap(), "nobody-2");
    assert_eq!(forgotten.renamed("dana@example.com").as_deref(), Some("nobody-2"));
    assert_eq!(forgotten.renamed(ALIAS).as_deref(), Some("nobody-2"));
}

#[test]
fn a_text_loses_the_name_wherever_it_stands_as_one() {
    let name = Name::of("dana@example.com").unwrap();
    for (text, replaced) in [
        ("Dana@Example.com spent $5. Ask dana@example.com.", "A spent $5. Ask A."),
        (r#"{"body":"to:\ndana@example.com\n"}"#, r#"{"body":"to:\nA\n"}"#),
        ("cap:user%2fdana@example.com:USD", "cap:user%2fA:USD"),
        (r#"{"dana@example.com":1}"#, r#"{"A":1}"#),
        ("<td title=\"dana@example.com\">dana@example.com's", "<td title=\"A\">A's"),
        ("dana@example.com@111122223333", "A@111122223333"),
        ("\u{201c}dana@example.com\u{201d}\u{2026}", "\u{201c}A\u{201d}\u{2026}"),
    ] {
        assert_eq!(name.replaced(text, "A").as_deref(), Some(replaced), "{text}");
    }
    for (text, replaced) in [
        ("user/dana@example.com@1111...  $5", "user/A@1111...  $5"),
        ("dana@exa...  $5", "A...  $5"),
        ("user/dana@example.com@11\u{2026}2222", "user/A@11\u{2026}2222"),
        ("dana@exampl\u{2026}com", "A\u{2026}com"),
    ] {
        assert_eq!(name.replaced(text, "A").as_deref(), Some(replaced), "{text}");
    }
    for text in ["dana...", "dan\u{2026}", "dana@exa.", "x-dana@exa..."] {
        assert_eq!(name.replaced(text, "A"), None, "{text} could be anybody's");
    }
    for text in ["bill-dana@example.com", "dana@example.com.au", "dana@example.com@1111", "", "dana"] {
        assert_eq!(name.replaced(text, "A"), None, "{text}");
    }
    let word = Name::of("user/state@111122223333").unwrap();
    let text = r#"{"state":"user/state@111122223333","estate":1}"#;
    let replaced = r#"{"state":"user/A@111122223333","estate":1}"#;
    assert_eq!(word.replaced(text, "A").as_deref(), Some(replaced), "a word of the format stays");
}

#[test]
fn facts_that_become_one_keep_their_sums() {
    let forgotten = dana();
    let principal = |session: &str| format!("arn:aws:sts::111122223333:assumed-role/Okta/{session}");
    let (upper, lower, other) = (principal("Dana@Example.com"), principal("dana@example.com"), principal("lee"));
    let of = |cost: &str, principal: &str, identity: &str| {
        fact("2026-11-03", cost, &[("principal", principal), ("identity", identity)])
    };
    let facts = vec![
        of("1.000000000000000001", &upper, "dana@example.com"),
        of("2", &lower, "dana@example.com"),
        of("4", &other, "lee"),
    ];
    let sum = |facts: &FactTable| {
        facts.rows().fold(Decimal::ZERO, |sum, fact| sum.checked_add(fact.unblended_cost()).unwrap())
    };
    let facts = table(facts);
    let total = sum(&facts);
    let renamed = forgotten.facts(facts).unwrap();
    assert_eq!((renamed.len(), sum(&renamed)), (2, total));
    assert!(rows(&renamed).is_sorted_by(|left, right| left.key < right.key));
    let alias = renamed.rows().find(|fact| fact.get(FactField::Identity) == ALIAS).unwrap();
    assert_eq!(alias.unblended_cost(), "3.000000000000000001".parse().unwrap());
    assert_eq!(forgotten.facts(renamed.clone()).unwrap(), renamed, "doing it again changes nothing");
}

#[test]
fn what_moved_from_a_name_to_its_alias_has_not_moved() {
    let row = |identity: &str, before: &str, after: &str| Moved {
        day: Some("2026-11-03".parse().unwrap()),
        identity: Some(identity.to_owned()),
        category: Some("usage".to_owned()),
        currency: "USD".to_owned(),
        before: before.parse().unwrap(),
        after: after.parse().unwrap(),
    };
    let forgotten = dana();
    let moved = forgotten.moved(vec![row("dana@example.com", "3", "0"), row(ALIAS, "0", "3"), row("lee", "1", "2")]);
    assert_eq!(moved.unwrap(), [row("lee", "1", "2")]);
    let moved = forgotten.moved(vec![row("Dana@example.com", "3", "0"), row(ALIAS, "0", "4")]).unwrap();
    assert_eq!(moved, [row(ALIAS, "3", "4")]);
}

proptest! {
    /// What the list replaces and what a text loses agree: else a name would come back, or be said to be there.
    #[test]
    fn the_list_and_the_search_find_the_same_names(text in "([a-c\u{201c}\u{e9}.@:/, =_-]|dana@example\\.com|Dana@Example\\.com){0,12}") {
        let name = Name::of("dana@example.com").unwrap();
        let renamed = dana().renamed(&text);
        prop_assert_eq!(renamed.is_some(), name.is_in(&text), "{}", text);
        if let Some(renamed) = renamed {
            prop_assert!(!name.is_in(&renamed), "{} from {}", renamed, text);
        }
    }
}

#[test]
fn every_spelling_has_one_hash() {
    let names: BTreeMap<_, _> = dana().names;
    assert_eq!(names.len(), 1);
}

#[test]
fn an_entry_of_the_history_stays_what_its_key_says() {
    let stored = r#"{"format":"history/1","export_id":"cur","period":"2026-11","kind":"delivery","delivery":DELIVERY,
        "replaced":null,"after_close":false,"totals":[],
        "moved":[{"day":"2026-11-03","identity":"dana@example.com","category":"usage","currency":"USD","before":"1","after":"2"}]}"#
        .replace("DELIVERY", &serde_json::to_string(&applied("one", "2026-11-19T00:00:00Z")).unwrap());
    let compressed = zstd::encode_all(stored.as_bytes(), 1).unwrap();
    let (name, forgotten) = (Name::of("dana@example.com").unwrap(), dana());
    for (key, bytes) in [("history/e/1.json", stored.into_bytes()), ("history/e/1.json.zst", compressed)] {
        let rewritten = rewrite::rewritten(key, &bytes.into(), &name, &forgotten).unwrap().expect(key);
        let entry: HistoryEntry = decode_as(key, &rewritten).unwrap();
        assert_eq!(entry.moved[0].identity.as_deref(), Some(ALIAS), "{key}");
        assert!(!rewrite::holds(key, &rewritten, &name).unwrap(), "{key}");
    }
}
