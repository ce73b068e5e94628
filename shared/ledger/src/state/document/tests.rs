use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// As release 2 has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    text: String,
    #[serde(default)]
    tags: BTreeMap<String, u32>,
}

impl Document for Note {
    const FORMAT: &'static str = "note";
    const VERSION: u32 = 2;
    const READS_FROM: u32 = 1;
}

/// As release 3 has it, which reads no other.
#[derive(Debug, Serialize, Deserialize)]
struct NextNote {
    lines: Vec<String>,
}

impl Document for NextNote {
    const FORMAT: &'static str = "note";
    const VERSION: u32 = 3;
}

fn note() -> Note {
    Note { text: "é".to_owned(), tags: BTreeMap::from([("b".to_owned(), 2), ("a".to_owned(), 1)]) }
}

#[test]
fn a_document_is_indented_json_that_begins_with_its_format() {
    let text = "{\n  \"format\": \"note/2\",\n  \"text\": \"é\",\n  \"tags\": {\n    \"a\": 1,\n    \"b\": 2\n  }\n}\n";
    let bytes = encode(&note()).unwrap();
    assert_eq!(std::str::from_utf8(&bytes).unwrap(), text);
    assert_eq!(decode::<Note>("k", &bytes).unwrap(), note());
}

#[test]
fn the_version_before_is_read_where_the_type_says_so() {
    let before = br#"{"format":"note/1","text":"x"}"#;
    assert_eq!(decode::<Note>("k", before).unwrap(), Note { text: "x".to_owned(), tags: BTreeMap::new() });
    let error = decode::<NextNote>("a/k", br#"{"format":"note/2","text":"x"}"#).unwrap_err();
    assert_eq!(error.kind(), "store.older_format");
    assert_eq!(
        error.to_string(),
        "a/k was written by a release too old for this one (format note/2, this one reads from note/3): run the release between the two first; nothing was written"
    );
}

#[test]
fn a_newer_version_is_told_from_damage_and_says_what_to_do() {
    let newer = encode(&NextNote { lines: vec!["x".to_owned()] }).unwrap();
    let error = decode::<Note>("a/k", &newer).unwrap_err();
    assert_eq!(error.kind(), "store.newer_format");
    assert_eq!(
        error.to_string(),
        "a/k was written by a newer release (format note/3, this one reads note/2): upgrade this program; nothing was written"
    );
    assert_eq!(error.class(), Class::Operator);
}

#[test]
fn what_is_no_such_document_is_an_error_that_names_the_key() {
    for (text, kind) in [
        (r#"{"format":"other/2","text":"x"}"#, "store.wrong_format"),
        (r#"{"format":"note","text":"x"}"#, "store.wrong_format"),
        (r#"{"format":"note/","text":"x"}"#, "store.wrong_format"),
        (r#"{"format":"note/02","text":"x"}"#, "store.wrong_format"),
        (r#"{"format":"note/+2","text":"x"}"#, "store.wrong_format"),
        (r#"{"format":"note/99999999999","text":"x"}"#, "store.wrong_format"),
        (r#"{"format":"notes/2","text":"x"}"#, "store.wrong_format"),
        (r#"{"text":"x","format":"note/2"}"#, "store.wrong_format"),
        ("{}", "store.wrong_format"),
        (r#"{"format":2,"text":"x"}"#, "store.damaged"),
        (r#"{"format":"note/2"}"#, "store.damaged"),
        (r#"{"format":"note/2","text":"x","more":1}"#, "store.damaged"),
        (r#"{"format":"note/2","text":"x","text":"y"}"#, "store.damaged"),
        (r#"{"format":"note/2","text":"x"} {}"#, "store.damaged"),
        (r#"{"format":"note/2","text":"x""#, "store.damaged"),
        ("[]", "store.damaged"),
        ("", "store.damaged"),
    ] {
        let error = decode::<Note>("a/k", text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}");
        assert!(error.to_string().starts_with("a/k "), "{error}");
    }
}

/// A type whose older versions are brought up to this one.
#[derive(Debug, Serialize, Deserialize)]
struct Raised {
    text: String,
}

impl Document for Raised {
    const FORMAT: &'static str = "raised";
    const VERSION: u32 = 3;
    const READS_FROM: u32 = 2;

    fn upgraded(self, version: u32) -> Self {
        Self { text: format!("{}, raised from {version}", self.text) }
    }
}

#[test]
fn only_what_is_of_an_older_version_is_upgraded() {
    for (version, text) in [(2, "x, raised from 2"), (3, "x")] {
        let stored = format!("{{\"format\":\"raised/{version}\",\"text\":\"x\"}}");
        assert_eq!(decode::<Raised>("k", stored.as_bytes()).unwrap().text, text);
    }
}

#[test]
fn a_format_is_checked_without_the_rest() {
    for (version, kind) in [(1, Some("store.older_format")), (2, None), (3, None), (4, Some("store.newer_format"))] {
        let line = format!("{{\"format\":\"raised/{version}\",\"anything\":true}}");
        let error = check_format::<Raised>("a/k", line.as_bytes()).err();
        assert_eq!(error.map(|error| error.kind()), kind, "{version}");
    }
}

#[test]
fn what_is_no_object_is_damage_that_says_what_should_be_there() {
    let error = decode::<Note>("a/k", b"[]").unwrap_err().to_string();
    assert!(error.contains("expected an object that begins with the format note"), "{error}");
}

#[test]
fn a_compressed_document_reads_back_and_equal_ones_have_equal_bytes() {
    let large = Note { text: "0123456789".repeat(100_000), ..note() };
    let bytes = encode_compressed(&large).unwrap();
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    assert_eq!(bytes, encode_compressed(&large.clone()).unwrap());
    assert_eq!(decode_compressed::<Note>("k", &bytes).unwrap(), large);
}

#[test]
fn a_document_that_unpacks_to_more_than_the_limit_is_neither_read_nor_written() {
    let large = Note { text: "0".repeat(10_000), tags: BTreeMap::new() };
    let length = serde_json::to_vec(&Envelope::of(&large)).unwrap().len() as u64;
    let bytes = encode_compressed_within(&large, length).unwrap();
    assert_eq!(decode_compressed_within::<Note>("k", &bytes, length).unwrap(), large);
    let error = decode_compressed_within::<Note>("k", &bytes, length - 1).unwrap_err();
    assert!(matches!(error, DocumentError::TooLarge { .. }), "{error}");
    let error = encode_compressed_within(&large, length - 1).unwrap_err();
    assert!(matches!(error, DocumentError::TooLargeToWrite { .. }), "{error}");
}

#[test]
fn what_unpacks_to_too_much_is_not_unpacked_to_its_end() {
    let large = Note { text: (0..200_000).map(|number| number.to_string()).collect(), tags: BTreeMap::new() };
    let mut bytes = encode_compressed(&large).unwrap().to_vec();
    // Its end is damaged: whoever reads on finds that first.
    *bytes.last_mut().unwrap() ^= 1;
    assert!(matches!(decode_compressed::<Note>("k", &bytes), Err(DocumentError::NotCompressed { .. })));
    let error = decode_compressed_within::<Note>("k", &bytes, 1000).unwrap_err();
    assert!(matches!(error, DocumentError::TooLarge { limit: 1000, .. }), "{error}");
}

#[test]
fn damage_to_a_compressed_document_is_found() {
    let bytes = encode_compressed(&Note { text: "some text, some text".to_owned(), ..note() }).unwrap();
    for index in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[index] ^= 0x10;
        // Where a flipped bit changes nothing that was said, the document must be the same.
        if let Ok(read) = decode_compressed::<Note>("k", &damaged) {
            assert_eq!(read.text, "some text, some text", "byte {index}");
        }
        assert!(decode_compressed::<Note>("k", &bytes[..index]).is_err(), "cut at {index}");
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert_eq!(decode_compressed::<Note>("k", &longer).unwrap_err().kind(), "store.damaged");
    assert_eq!(decode_compressed::<Note>("k", b"{}").unwrap_err().kind(), "store.damaged");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), text in "\\PC{0,40}") {
        let _ = decode::<Note>("k", &bytes);
        let _ = decode_compressed::<Note>("k", &bytes);
        let _ = decode::<Note>("k", format!("{{\"format\":\"{text}").as_bytes());
    }
}
