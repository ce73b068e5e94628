//! Reading tables strictly: every key is asked for by name, what nobody asked for is a problem, and problems are
//! collected with their lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

use chrono::NaiveDate;
use spend_core::bill::line::KeptTags;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::problem::{Kind, Problem};
use crate::config::tag_keys::{keep_problem, tag_key_problem};

/// Where something stands in the text, in bytes.
pub(super) type Span = Range<usize>;

/// The text and what was found to be wrong with it.
pub(super) struct Reader<'i> {
    text: &'i str,
    problems: Vec<Problem>,
    /// The tags that the ledger keeps, from where they are listed on.
    pub(super) kept: KeptTags,
    /// The files beside the configuration, by name.
    files: &'i BTreeMap<String, String>,
    /// The names of rules, also of those that are a problem otherwise.
    pub(super) names: Vec<(Span, String)>,
    /// What is to stand in the place of parts of the text.
    stand_ins: Vec<(Span, String)>,
}

impl<'i> Reader<'i> {
    pub(super) fn new(text: &'i str, files: &'i BTreeMap<String, String>) -> Self {
        Self { text, problems: Vec::new(), kept: KeptTags::default(), files, names: Vec::new(), stand_ins: Vec::new() }
    }

    /// A file beside the configuration.
    pub(super) fn file(&self, name: &str) -> Option<&'i str> {
        self.files.get(name).map(String::as_str)
    }

    /// A problem in a file beside the configuration.
    pub(super) fn invalid_in(&mut self, file: &str, line: usize, message: &str) {
        let (kind, message) = (Kind::Invalid.as_str(), message.to_owned());
        self.problems.push(Problem { file: Some(file.to_owned()), line, kind, message });
    }

    /// Lets `key` with a text stand in the place of the entry at `span`.
    pub(super) fn stand_in(&mut self, span: Span, key: &str, text: &str) {
        self.stand_ins.push((span, format!("{key} = {}", quoted(text))));
    }

    /// The text with everything in place that stands in for something.
    pub(super) fn stood_in(&self) -> String {
        let mut text = self.text.to_owned();
        let mut stand_ins: Vec<_> = self.stand_ins.iter().collect();
        // From the end on, so that what is before stays where it is.
        stand_ins.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        for (span, stand_in) in stand_ins {
            text.replace_range(span.clone(), stand_in);
        }
        text
    }

    /// The document, unless it is not TOML.
    pub(super) fn document(&mut self) -> Option<Spanned<DeTable<'i>>> {
        match DeTable::parse(self.text) {
            Ok(document) => Some(document),
            Err(error) => {
                let span = error.span().unwrap_or_default();
                self.add(&span, Kind::Syntax, format!("this is not TOML: {}", error.message()));
                None
            }
        }
    }

    pub(super) fn invalid(&mut self, span: &Span, message: &str) {
        self.add(span, Kind::Invalid, message.to_owned());
    }

    pub(super) fn unsupported(&mut self, span: &Span, what: &str) {
        let message = format!(
            "{what} is not evaluated by this release: remove it, because a rule that is silently inert would be worse"
        );
        self.add(span, Kind::Unsupported, message);
    }

    /// The line that `span` begins on, counted from 1. What is missing at the end is missing on the last line.
    pub(super) fn line(&self, span: &Span) -> usize {
        let before = self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count();
        (before + 1).min(self.text.lines().count().max(1))
    }

    fn add(&mut self, span: &Span, kind: Kind, message: String) {
        self.problems.push(Problem { file: None, line: self.line(span), kind: kind.as_str(), message });
    }

    /// What is wrong, by line.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.file.clone(), problem.line));
        self.problems
    }
}

/// A table being read.
pub(super) struct Section<'t, 'i> {
    /// How errors call it: `[cost]`, or empty for the file itself.
    name: String,
    table: &'t DeTable<'i>,
    /// Where the table begins.
    pub(super) span: Span,
    asked: BTreeSet<String>,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn root(document: &'t Spanned<DeTable<'i>>) -> Self {
        Self::new(String::new(), document.get_ref(), document.span())
    }

    fn new(name: String, table: &'t DeTable<'i>, span: Span) -> Self {
        Self { name, table, span, asked: BTreeSet::new() }
    }

    fn value(&mut self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.asked.insert(key.to_owned());
        self.table.get(key)
    }

    /// Every key.
    pub(super) fn keys(&self) -> Vec<String> {
        self.table.iter().map(|(key, _)| key.get_ref().to_string()).collect()
    }

    /// The table below `key`.
    pub(super) fn section(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Section<'t, 'i>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(format!("[{key}]"), table, value.span())),
            other => {
                self.wrong_type(reader, &value.span(), key, &format!("a table, written [{key}]"), other);
                None
            }
        }
    }

    /// The tables below `key`, each written `[[key]]`.
    pub(super) fn sections(&mut self, reader: &mut Reader<'_>, key: &str) -> Vec<Section<'t, 'i>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.bare_name()) };
        let expected = format!("a list of tables, each written [[{name}]]");
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(reader, &value.span(), key, &expected, value.get_ref());
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => sections.push(Section::new(format!("[[{name}]]"), table, item.span())),
                other => self.wrong_type(reader, &item.span(), key, &expected, other),
            }
        }
        sections
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<(Span, String)> {
        let value = self.value(key)?;
        let text = self.text_of(reader, key, value)?;
        Some((value.span(), text))
    }

    fn text_of(&self, reader: &mut Reader<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                reader.invalid(&value.span(), &format!("`{key}` is empty: fill it in or leave it out"));
                None
            }
            DeValue::String(text) => Some(text.to_string()),
            other => {
                // An unquoted name with a dot is two names: `claude-sonnet-4.6 = …`.
                let expected = if matches!(other, DeValue::Table(_)) {
                    "a text; put a name with dots in quotes"
                } else {
                    "a text"
                };
                self.wrong_type(reader, &value.span(), key, expected, other);
                None
            }
        }
    }

    /// A list of texts, each with where it stands.
    fn texts(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<(Span, Vec<(Span, String)>)> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(reader, &value.span(), key, "a list of texts", value.get_ref());
            return None;
        };
        let mut texts: Vec<(Span, String)> = Vec::new();
        for item in items {
            let Some(text) = self.text_of(reader, key, item) else { continue };
            if texts.iter().any(|(_, earlier)| *earlier == text) {
                reader.invalid(&item.span(), &format!("`{key}` names `{text}` twice: remove one"));
            } else {
                texts.push((item.span(), text));
            }
        }
        Some((value.span(), texts))
    }

    /// A list of globs.
    pub(super) fn globs(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Vec<String>> {
        self.texts(reader, key).map(|(_, globs)| globs.into_iter().map(|(_, glob)| glob).collect())
    }

    /// A list of globs; an empty one is a problem, told with `cure`.
    pub(super) fn some_globs(&mut self, reader: &mut Reader<'_>, key: &str, cure: &str) -> Option<Vec<String>> {
        self.require_items(reader, key, cure);
        self.globs(reader, key)
    }

    /// A list of tag keys as the bill has them.
    pub(super) fn tags(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Vec<String>> {
        let (_, tags) = self.texts(reader, key)?;
        for (span, tag) in &tags {
            if let Some(problem) = tag_key_problem(tag, &reader.kept) {
                reader.invalid(span, &problem);
            }
        }
        Some(tags.into_iter().map(|(_, tag)| tag).collect())
    }

    /// A tag key as the bill has it.
    pub(super) fn tag(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<String> {
        let (span, tag) = self.text(reader, key)?;
        if let Some(problem) = tag_key_problem(&tag, &reader.kept) {
            reader.invalid(&span, &problem);
        }
        Some(tag)
    }

    /// A list of tag keys that are to be kept, of resources too.
    pub(super) fn keep_tags(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Vec<String>> {
        let (_, tags) = self.texts(reader, key)?;
        for (span, tag) in &tags {
            if let Some(problem) = keep_problem(tag) {
                reader.invalid(span, &problem);
            }
        }
        Some(tags.into_iter().map(|(_, tag)| tag).collect())
    }

    /// One of some names.
    pub(super) fn choice<T: Copy>(&mut self, reader: &mut Reader<'_>, key: &str, known: &[(&str, T)]) -> Option<T> {
        let (span, text) = self.text(reader, key)?;
        choose(reader, &span, key, &text, known)
    }

    /// A list of some names; an empty one is a problem, told with `cure`.
    pub(super) fn choices<T: Copy>(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        known: &[(&str, T)],
        cure: &str,
    ) -> Option<(Span, Vec<T>)> {
        let (span, texts) = self.texts(reader, key)?;
        self.require_items(reader, key, cure);
        let chosen = texts.iter().filter_map(|(span, text)| choose(reader, span, key, text, known)).collect();
        Some((span, chosen))
    }

    /// True or false.
    pub(super) fn flag(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        self.wrong_type(reader, &value.span(), key, "true or false", value.get_ref());
        None
    }

    /// A whole number.
    pub(super) fn integer(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<(Span, i64)> {
        let value = self.value(key)?;
        self.integer_of(reader, key, value)
    }

    /// Whether `key` is a table.
    pub(super) fn is_table(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Whether `key` is a table without entries.
    pub(super) fn is_empty_table(&self, key: &str) -> bool {
        let value = self.table.get(key).map(Spanned::get_ref);
        matches!(value, Some(DeValue::Table(table)) if table.is_empty())
    }

    /// An exact number as it is written: in quotes, or whole. With a point and without quotes it would be a float.
    pub(super) fn number_text(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<(Span, String)> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some((value.span(), text.trim().to_owned())),
            DeValue::Integer(number) if number.radix() == 10 => Some((value.span(), number.as_str().to_owned())),
            other => {
                self.wrong_type(reader, &value.span(), key, "a number in quotes, such as \"5000.00\"", other);
                None
            }
        }
    }

    /// Tells of a list without items.
    fn require_items(&mut self, reader: &mut Reader<'_>, key: &str, cure: &str) {
        if let Some(value) =
            self.value(key).filter(|value| value.get_ref().as_array().is_some_and(|list| list.is_empty()))
        {
            reader.invalid(&value.span(), &format!("`{key}` is empty{cure}"));
        }
    }

    /// Whether a list without items stands there.
    pub(super) fn is_empty_list(&mut self, key: &str) -> bool {
        self.value(key).is_some_and(|value| value.get_ref().as_array().is_some_and(|list| list.is_empty()))
    }

    /// A list of whole numbers; it may be empty.
    pub(super) fn integers(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Vec<(Span, i64)>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(reader, &value.span(), key, "a list of whole numbers", value.get_ref());
            return None;
        };
        Some(items.iter().filter_map(|item| self.integer_of(reader, key, item)).collect())
    }

    fn integer_of(&self, reader: &mut Reader<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<(Span, i64)> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_type(reader, &value.span(), key, "a whole number", value.get_ref());
        }
        number.map(|number| (value.span(), number))
    }

    /// A day, written as one.
    pub(super) fn date(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<(Span, NaiveDate)> {
        let value = self.value(key)?;
        let day = match value.get_ref() {
            DeValue::Datetime(found) if found.time.is_none() && found.offset.is_none() => found
                .date
                .and_then(|date| NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())),
            DeValue::String(text) => text.parse().ok(),
            _ => None,
        };
        if day.is_none() {
            self.wrong_type(reader, &value.span(), key, "a day, such as 2026-12-01", value.get_ref());
        }
        day.map(|day| (value.span(), day))
    }

    /// Where an entry stands, from its key to the end of its value.
    pub(super) fn entry(&self, key: &str) -> Option<Span> {
        let (name, value) = self.table.get_key_value(key)?;
        Some(name.span().start..value.span().end)
    }

    /// Asks for `key` without reading it; where it is, if it is there.
    pub(super) fn position(&mut self, key: &str) -> Option<Span> {
        self.value(key).map(Spanned::span)
    }

    /// Every key that nobody asked for is a problem; those in `unsupported` are of another release.
    pub(super) fn finish(self, reader: &mut Reader<'_>, unsupported: &[&str]) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.asked.contains(name) {
                continue;
            }
            let place = if self.name.is_empty() { String::new() } else { format!(" of {}", self.name) };
            if unsupported.contains(&name) {
                reader.unsupported(&key.span(), &format!("`{name}`{place}"));
            } else {
                let known: Vec<_> = self.asked.iter().map(String::as_str).collect();
                let message = format!("`{name}`{place} is not known: remove it, or use one of {}", known.join(", "));
                reader.invalid(&key.span(), &message);
            }
        }
    }

    fn bare_name(&self) -> &str {
        self.name.trim_matches(['[', ']'])
    }

    fn wrong_type(&self, reader: &mut Reader<'_>, span: &Span, key: &str, expected: &str, found: &DeValue<'_>) {
        let place = if self.name.is_empty() { String::new() } else { format!(" of {}", self.name) };
        let found = match found {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        reader.invalid(span, &format!("`{key}`{place} is {found}: it must be {expected}"));
    }
}

fn choose<T: Copy>(reader: &mut Reader<'_>, span: &Span, key: &str, text: &str, known: &[(&str, T)]) -> Option<T> {
    let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        reader.invalid(span, &format!("`{key}` is `{text}`: use one of {}", names.join(", ")));
    }
    found
}

/// A text as a TOML string on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
