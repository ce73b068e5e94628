//! Codes for what bill lines say: each day, text and set of tags once, with a number. A bill repeats few values in very many
//! rows, so that rows are compared and summed by their codes.
//!
//! Texts are hashed with the standard library's keyed hash, because callers of Bedrock choose some of them; that is done
//! once for each distinct value of a file, not for each row.

use std::array;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};

use crate::bill::line::{LineField, LineKey};
use crate::table::codes::{number, place};
use crate::table::row_sums::Values;
use crate::table::tags::Tags;

/// How many texts a line has.
pub(crate) const FIELDS: usize = LineField::ALL.len();

/// What a text takes besides its bytes: two counters, what the allocator rounds up, and its places in hash tables here and
/// where rows are read. Measured with a million texts.
const BYTES_A_TEXT: u64 = 144;

/// What a set of tags takes, and each entry of it beyond what one node of a B-tree holds.
const BYTES_A_SET: u64 = 560;
const BYTES_AN_ENTRY: u64 = 80;
const ENTRIES_A_NODE: u64 = 11;

/// How many days are found without a search: a month and what lies about it.
const RECENT_DAYS: usize = 64;

/// What tells one bill line from another, as codes of a [`LineCoder`]. The code of an empty text and of no tags is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LineCodes {
    /// The usage day.
    pub day: u32,
    /// The fields, in the order of [`LineField::ALL`].
    pub fields: [u32; FIELDS],
    /// The set of tags.
    pub tags: u32,
}

impl LineCodes {
    pub fn get(&self, field: LineField) -> u32 {
        self.fields.get(field as usize).copied().unwrap_or(0)
    }

    pub fn set(&mut self, field: LineField, code: u32) {
        if let Some(slot) = self.fields.get_mut(field as usize) {
            *slot = code;
        }
    }
}

/// Gives codes, and says what they stand for.
#[derive(Debug)]
pub struct LineCoder {
    days: BTreeMap<NaiveDate, u32>,
    day_values: Vec<NaiveDate>,
    recent_days: [Option<(NaiveDate, u32)>; RECENT_DAYS],
    texts: [Distinct<str>; FIELDS],
    tags: Distinct<Tags>,
    bytes: u64,
}

impl Default for LineCoder {
    fn default() -> Self {
        Self {
            days: BTreeMap::new(),
            day_values: Vec::new(),
            recent_days: [None; RECENT_DAYS],
            texts: array::from_fn(|_| Distinct::beginning_with(Arc::default())),
            tags: Distinct::beginning_with(Arc::default()),
            bytes: 0,
        }
    }
}

impl LineCoder {
    /// How much memory the texts and tags take.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn day(&mut self, day: NaiveDate) -> u32 {
        let slot = usize::try_from(day.num_days_from_ce()).unwrap_or(0) % RECENT_DAYS;
        if let Some(Some((recent, code))) = self.recent_days.get(slot)
            && *recent == day
        {
            return *code;
        }
        let next = number(self.day_values.len());
        let code = *self.days.entry(day).or_insert(next);
        if code == next {
            self.day_values.push(day);
        }
        if let Some(recent) = self.recent_days.get_mut(slot) {
            *recent = Some((day, code));
        }
        code
    }

    pub fn text(&mut self, field: LineField, text: &str) -> u32 {
        let Some(texts) = self.texts.get_mut(field as usize) else { return 0 };
        if let Some(code) = texts.find(text) {
            return code;
        }
        self.bytes = self.bytes.saturating_add(BYTES_A_TEXT).saturating_add(text.len() as u64);
        texts.code(Arc::from(text))
    }

    pub fn tags(&mut self, tags: Tags) -> u32 {
        if let Some(code) = self.tags.find(&tags) {
            return code;
        }
        let more = (tags.len() as u64).saturating_sub(ENTRIES_A_NODE);
        self.bytes = self.bytes.saturating_add(BYTES_A_SET).saturating_add(more.saturating_mul(BYTES_AN_ENTRY));
        self.tags.code(Arc::new(tags))
    }

    /// The codes of a key.
    pub fn codes(&mut self, key: LineKey) -> LineCodes {
        let mut codes = LineCodes { day: self.day(key.usage_date), ..LineCodes::default() };
        for ((code, texts), text) in codes.fields.iter_mut().zip(&mut self.texts).zip(key.fields) {
            *code = texts.code(text);
        }
        codes.tags = self.tags.code(key.tags);
        codes
    }

    /// What a text's code stands for; empty if it is none of this coder's.
    pub fn get(&self, field: LineField, code: u32) -> &str {
        self.texts.get(field as usize).and_then(|texts| texts.values.get(place(code))).map_or("", |text| text)
    }

    /// What codes stand for.
    pub fn key(&self, codes: &LineCodes) -> LineKey {
        LineKey {
            usage_date: self.day_values.get(place(codes.day)).copied().unwrap_or_default(),
            fields: array::from_fn(|field| {
                let code = codes.fields.get(field).map_or(0, |code| place(*code));
                self.texts.get(field).and_then(|texts| texts.values.get(code)).map(Arc::clone).unwrap_or_default()
            }),
            tags: self.tags.values.get(place(codes.tags)).map(Arc::clone).unwrap_or_default(),
        }
    }

    /// What the codes stand for, in their order.
    pub(crate) fn into_values(self) -> Values {
        let texts = self.texts.into_iter().map(|texts| texts.values).collect();
        Values { days: self.day_values, texts, tags: self.tags.values }
    }
}

/// Values that were met, each with its code.
#[derive(Debug)]
struct Distinct<T: ?Sized> {
    codes: HashMap<Arc<T>, u32>,
    values: Vec<Arc<T>>,
}

impl<T: ?Sized + Eq + Hash> Distinct<T> {
    fn beginning_with(value: Arc<T>) -> Self {
        Self { codes: HashMap::from([(Arc::clone(&value), 0)]), values: vec![value] }
    }

    fn find(&self, value: &T) -> Option<u32> {
        self.codes.get(value).copied()
    }

    fn code(&mut self, value: Arc<T>) -> u32 {
        let next = number(self.values.len());
        let code = *self.codes.entry(Arc::clone(&value)).or_insert(next);
        if code == next {
            self.values.push(value);
        }
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_for_what_they_were_given_for() {
        let mut known = LineCoder::default();
        assert_eq!(known.text(LineField::Principal, ""), 0);
        assert_eq!(known.tags(Tags::new()), 0);
        let (alice, bob) = (known.text(LineField::Principal, "alice"), known.text(LineField::Principal, "bob"));
        assert_eq!((alice, bob, known.text(LineField::Principal, "alice")), (1, 2, 1));
        assert_eq!(known.get(LineField::Principal, bob), "bob");
        // Days that share a place among the recent ones.
        let days: Vec<_> = [1, 65, 1, 129, 65].map(|day| NaiveDate::from_yo_opt(2026, day).unwrap()).into();
        let codes: Vec<_> = days.iter().map(|day| known.day(*day)).collect();
        assert_eq!(codes, [0, 1, 0, 2, 1]);
        let mut codes = LineCodes { day: 2, ..LineCodes::default() };
        codes.set(LineField::Principal, alice);
        codes.tags = known.tags(Tags::from([(Arc::from("team"), Arc::from("search"))]));
        let key = known.key(&codes);
        assert_eq!((key.usage_date, key.get(LineField::Principal), key.tags.len()), (days[3], "alice", 1));
        assert_eq!(key.get(LineField::Region), "");
        assert_eq!(known.codes(key), codes);
    }
}
