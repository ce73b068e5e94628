//! The first look at a record, before any of it is unquoted: most records plainly are not Bedrock's.
//!
//! What is not plain is looked at again: it may be Bedrock's, or have a value that cannot be read, which is an error even
//! in a row of another service.

use spend_core::bill::bedrock_line::Rule;
use spend_core::bill::line::LineField;
use spend_core::bill::line::limits::MOST_ENTRIES;

use crate::columns::plan::{PRODUCT_KEYS, Plan};
use crate::columns::schema::Kind;
use crate::csv_file::borders::{Borders, Extent};
use crate::csv_file::columns::CsvColumn;

/// What the first look at a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glance {
    /// It is another service's, and nothing is wrong with it.
    Other {
        length: usize,
        line_feeds: u64,
    },
    /// It goes on beyond the text.
    Open,
    Unclear,
}

/// The fields that tell Bedrock rows from others.
pub(crate) struct Telling {
    columns: Vec<TellingColumn>,
    /// How many fields a record has.
    fields: usize,
    borders: Borders,
}

struct TellingColumn {
    field: usize,
    rule: Rule,
    kind: Kind,
}

impl Telling {
    /// Looks at records of so many `fields`.
    pub(crate) fn new(plan: &Plan, columns: &[CsvColumn], fields: usize) -> Self {
        let telling = plan.telling.iter().filter_map(|(rule, name)| {
            let column = columns.iter().find(|column| column.name == *name)?;
            Some(TellingColumn { field: column.field, rule: *rule, kind: column.kind })
        });
        let telling: Vec<_> = telling.collect();
        let borders = Borders::of(telling.iter().map(|column| column.field));
        Self { columns: telling, fields, borders }
    }

    /// Looks at the record that `text` begins with.
    pub(crate) fn glance(&mut self, text: &[u8]) -> Glance {
        match self.borders.record(text) {
            Extent::Whole { length, fields, line_feeds } if fields == self.fields && self.is_other(text) => {
                Glance::Other { length, line_feeds }
            }
            Extent::Open => Glance::Open,
            Extent::Whole { .. } | Extent::Odd => Glance::Unclear,
        }
    }

    fn is_other(&self, text: &[u8]) -> bool {
        self.columns.iter().all(|column| {
            let value = self.borders.field(text, column.field).and_then(content);
            value.is_some_and(|value| match column.kind {
                Kind::Text => !value.contains('"') && !column.rule.matches(value),
                Kind::TextMap => names_other(value, column.rule) == Some(true),
                Kind::Number | Kind::Time | Kind::NumberMap => false,
            })
        })
    }
}

/// What a field has between its quotes, if it has any, and if nothing follows them. Quotes in it are still doubled.
fn content(field: &[u8]) -> Option<&str> {
    let content = match field.strip_prefix(b"\"") {
        Some(rest) => rest.strip_suffix(b"\"")?,
        None => field,
    };
    str::from_utf8(content).ok()
}

/// Whether the names in a map of a product, in which quotes are still doubled, are another product's; `None` if it takes
/// a parser to tell. A map that is written as AWS writes it, without escapes, is told here.
fn names_other(map: &str, rule: Rule) -> Option<bool> {
    if map.is_empty() || map == "{}" {
        return Some(true);
    }
    let mut rest = map.strip_prefix('{')?;
    for _ in 0..MOST_ENTRIES {
        let (key, after) = plain_text(rest)?;
        let (value, after) = plain_text(after.strip_prefix(':')?)?;
        let is_name = || PRODUCT_KEYS.iter().any(|(name, _, field)| *field == LineField::ProductName && *name == key);
        if rule.matches(value) && is_name() {
            return Some(false);
        }
        if after == "}" {
            return Some(true);
        }
        rest = after.strip_prefix(',')?;
    }
    None
}

/// The text that `json` begins with, and what comes after it; `None` if there is an escape in it or a control character,
/// which JSON does not allow.
fn plain_text(json: &str) -> Option<(&str, &str)> {
    let text = json.strip_prefix("\"\"")?;
    let end = text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '))?;
    let (text, rest) = text.split_at_checked(end)?;
    Some((text, rest.strip_prefix("\"\"")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_told_by_their_names_unless_it_takes_a_parser() {
        let entries = |number| {
            let entries: Vec<_> = (0..number).map(|key| format!("\"\"{key}\"\":\"\"\"\"")).collect();
            format!("{{{}}}", entries.join(","))
        };
        for (map, expected) in [
            ("", Some(true)),
            ("{}", Some(true)),
            (r#"{""product_name"":""Amazon EC2"",""servicename"":""""}"#, Some(true)),
            (r#"{""model"":""Bedrock"",""product_name"":""Amazon EC2""}"#, Some(true)),
            (r#"{""product_name"":""Claude (Amazon Bedrock Edition)""}"#, Some(false)),
            (r#"{""x"":""y"",""servicename"":""Amazon Bedrock""}"#, Some(false)),
            (r#"{""product_name"":""Bed\u0072ock""}"#, None),
            (r#"{""product_n\u0061me"":""Bedrock""}"#, None),
            (r#"{""product_name"": ""Amazon EC2""}"#, None),
            (r#"{""product_name"":null}"#, None),
            (r#"{""product_name"":""a"""#, None),
            (r#"{""product_name"":""a"",}"#, None),
            (r#"{""product_name"":""a""}}"#, None),
            (r#"{""product_name""}"#, None),
            (r#"[""product_name""]"#, None),
            ("{\"\"a\"\":\"\"\n\"\"}", None),
            ("{", None),
            (&entries(MOST_ENTRIES), Some(true)),
            (&entries(MOST_ENTRIES + 1), None),
        ] {
            assert_eq!(names_other(map, Rule::ProductName), expected, "{map}");
        }
    }

    #[test]
    fn only_what_can_be_read_without_unquoting_is_told() {
        for (field, expected) in [
            (&b""[..], Some("")),
            (b"\"\"", Some("")),
            (b"AmazonEC2", Some("AmazonEC2")),
            (b"\"a,b\"", Some("a,b")),
            (b"\"a\"b", None),
            (b"\"", None),
            (b"\xff", None),
        ] {
            assert_eq!(content(field), expected);
        }
    }
}
