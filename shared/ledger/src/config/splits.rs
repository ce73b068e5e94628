//! Reading `[[split]]`.

use spend_core::allocation::split::{Split, SplitBy, SplitWhat};
use spend_core::bill::category::Category;
use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::FactField;
use spend_core::facts::matcher::Matcher;
use spend_core::money::decimal::Decimal;

use crate::config::reader::{Reader, Section, Span};

/// How `what` and `by` are written.
const WHATS: &str = "write { category = \"credit\" }, { identity = \"role/gateway@*\" } or \"unattributed\"";
const BYS: &str = "write \"usage\", \"even\", \"file\" or a table of shares such as { search = 60, growth = 40 }";

pub(super) fn read(root: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Vec<Split> {
    let mut splits: Vec<(usize, Split)> = Vec::new();
    for section in root.sections(reader, "split") {
        let span = section.span.clone();
        let Some(split) = read_split(section, reader) else { continue };
        if let Some((line, _)) = splits.iter().find(|(_, earlier)| earlier.what == split.what) {
            let message = format!("line {line} splits the same, and the first one takes it all: remove one");
            reader.invalid(&span, &message);
        }
        splits.push((reader.line(&span), split));
    }
    splits.into_iter().map(|(_, split)| split).collect()
}

/// The split; `None` after a problem without which it cannot be made.
fn read_split(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> Option<Split> {
    let what = read_what(&mut section, reader);
    let by_span = section.position("by");
    let by = read_by(&mut section, reader);
    section.finish(reader, &[]);
    let (what, by) = (what?, by?);
    if by == SplitBy::File && !matches!(what, SplitWhat::Identity(_)) {
        let cure = "only identities have metering records: split by usage, even or shares";
        reader.invalid(&by_span.unwrap_or_default(), &format!("`by` is `file`: {cure}"));
    }
    Some(Split { what, by })
}

fn read_what(section: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Option<SplitWhat> {
    let Some(span) = section.position("what") else {
        let header = section.span.clone();
        reader.invalid(&header, &format!("this split says not what it splits: add what; {WHATS}"));
        return None;
    };
    if !section.is_table("what") {
        let (span, text) = section.text(reader, "what")?;
        if text != "unattributed" {
            reader.invalid(&span, &format!("`what` is `{text}`: {WHATS}"));
            return None;
        }
        return Some(SplitWhat::Unattributed);
    }
    let mut table = section.section(reader, "what")?;
    let categories: Vec<_> = Category::ALL.into_iter().filter(|category| *category != Category::Usage).collect();
    let categories: Vec<_> = categories.into_iter().map(|category| (category.as_str(), category)).collect();
    let category = table.choice(reader, "category", &categories);
    let identity = table.text(reader, "identity");
    let keys = table.keys().len();
    let unread = category.is_none() && identity.is_none();
    table.finish(reader, &[]);
    match (category, identity) {
        _ if keys != 1 && !(unread && keys > 0) => {
            reader.invalid(&span, &format!("`what` must name one thing: {WHATS}"));
            None
        }
        (Some(category), _) => Some(SplitWhat::Category(category)),
        (None, Some((_, glob))) => {
            Some(SplitWhat::Identity(Matcher::new(Dimension::Field(FactField::Identity), &glob)))
        }
        (None, None) => None,
    }
}

fn read_by(section: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> Option<SplitBy> {
    let Some(span) = section.position("by") else {
        let header = section.span.clone();
        reader.invalid(&header, &format!("this split says not by what: add by; {BYS}"));
        return None;
    };
    if section.is_table("by") {
        return read_shares(section, reader, &span);
    }
    let (span, text) = section.text(reader, "by")?;
    match text.as_str() {
        "usage" => Some(SplitBy::Usage),
        "even" => Some(SplitBy::Even),
        "file" => Some(SplitBy::File),
        _ => {
            reader.invalid(&span, &format!("`by` is `{text}`: {BYS}"));
            None
        }
    }
}

fn read_shares(section: &mut Section<'_, '_>, reader: &mut Reader<'_>, span: &Span) -> Option<SplitBy> {
    let mut table = section.section(reader, "by")?;
    let mut shares = Vec::new();
    for owner in table.keys() {
        let Some((span, text)) = table.number_text(reader, &owner) else { continue };
        match text.parse::<Decimal>() {
            Ok(share) if share > Decimal::ZERO => shares.push((owner, share)),
            Ok(share) => reader.invalid(&span, &format!("the share of `{owner}` is {share}: it must be above zero")),
            Err(error) => reader.invalid(&span, &format!("the share of `{owner}`: {error}")),
        }
    }
    if table.keys().is_empty() {
        reader.invalid(span, &format!("`by` has no shares: {BYS}"));
    }
    (!shares.is_empty()).then_some(SplitBy::Shares(shares))
}

#[cfg(test)]
mod tests {
    use crate::config::settings::Config;

    #[test]
    fn every_kind_of_split_is_read() {
        let text = "[[split]]\nwhat = { category = \"credit\" }\nby = \"usage\"\n\
                    [[split]]\nwhat = { identity = \"role/gw@*\" }\nby = \"file\"\n\
                    [[split]]\nwhat = \"unattributed\"\nby = \"even\"\n\
                    [[split]]\nwhat = { category = \"tax\" }\nby = { search = 60, growth = \"0.5\" }\n";
        let config = Config::parse("ledger.toml", text).unwrap();
        let splits: Vec<_> = config.splits.iter().map(ToString::to_string).collect();
        let expected = [
            "category credit by usage",
            "identity = role/gw@* by file",
            "unattributed by even",
            "category tax by shares",
        ];
        assert_eq!(splits, expected);
        assert_eq!(config.derivation_fingerprint(), Config::default().derivation_fingerprint(), "facts are as billed");
    }

    #[test]
    fn a_split_that_contradicts_itself_is_one_error_with_its_line() {
        for (text, error) in [
            ("by = \"usage\"", "ledger.toml:1: this split says not what"),
            ("what = \"unattributed\"", "ledger.toml:1: this split says not by what"),
            ("what = \"credits\"\nby = \"usage\"", "ledger.toml:2: `what` is `credits`"),
            ("what = { category = \"usage\" }\nby = \"usage\"", "ledger.toml:2: `category` is `usage`: use one of"),
            (
                "what = { category = \"tax\", identity = \"x\" }\nby = \"usage\"",
                "ledger.toml:2: `what` must name one thing",
            ),
            ("what = {}\nby = \"usage\"", "ledger.toml:2: `what` must name one thing"),
            ("what = { owner = \"x\" }\nby = \"usage\"", "ledger.toml:2: `owner` of [what] is not known"),
            ("what = { category = \"tax\" }\nby = \"file\"", "ledger.toml:3: `by` is `file`: only identities"),
            ("what = \"unattributed\"\nby = \"cost\"", "ledger.toml:3: `by` is `cost`"),
            ("what = \"unattributed\"\nby = {}", "ledger.toml:3: `by` has no shares"),
            ("what = \"unattributed\"\nby = { a = 0 }", "ledger.toml:3: the share of `a` is 0"),
            ("what = \"unattributed\"\nby = { a = 0.5 }", "ledger.toml:3: `a` of [by] is a number with a point"),
            ("what = \"unattributed\"\nby = \"usage\"\nto = 1", "ledger.toml:4: `to` of [[split]] is not known"),
            (
                "what = \"unattributed\"\nby = \"usage\"\n[[split]]\nwhat = \"unattributed\"\nby = \"even\"",
                "ledger.toml:4: line 1 splits the same",
            ),
        ] {
            let found = Config::parse("ledger.toml", &format!("[[split]]\n{text}")).unwrap_err().to_string();
            assert!(found.starts_with(error) && found.lines().count() == 1, "{text}\n{found}");
        }
    }
}
