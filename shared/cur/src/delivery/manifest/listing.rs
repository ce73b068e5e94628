//! A manifest's JSON as far as it is used, read without keeping the rest: a tree of all of it would take a hundred times
//! its size in memory.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The most data files of a delivery: each is asked for by itself before the delivery is pinned. AWS's largest deliveries
/// have some thousand.
pub const MOST_FILES: usize = 10_000;

/// The fields that name an entry's file, as readers have met them, in order of precedence.
const FIELDS: [&str; 5] = ["s3Uri", "key", "s3Key", "url", "relativePath"];

/// What a manifest says, whatever shape its fields have.
#[derive(Default)]
pub(super) struct Listing {
    data_files: Entries,
    report_keys: Entries,
    execution_id: Text,
    export_name: Text,
}

impl Listing {
    /// Reads a manifest; JSON that is no object says nothing.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        // What some tools write before UTF-8.
        serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
    }

    /// The list of files, if there is one that is not empty.
    pub(super) fn entries(&self) -> Option<&Entries> {
        [&self.data_files, &self.report_keys].into_iter().find(|entries| entries.count > 0)
    }

    pub(super) fn execution_id(&self) -> Option<&str> {
        self.execution_id.get()
    }

    pub(super) fn export_name(&self) -> Option<&str> {
        self.export_name.get()
    }
}

/// A list of files.
#[derive(Default)]
pub(super) struct Entries {
    /// The texts that name the first [`MOST_FILES`] files; `None` of one that names none.
    pub(super) named: Vec<Option<String>>,
    /// How many there are.
    pub(super) count: usize,
}

/// A text, if there is one and it is not empty.
#[derive(Default)]
struct Text(Option<String>);

impl Text {
    fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }
}

/// The text that names an entry's file: the entry itself, or the first of the fields that are texts.
struct Entry(Option<String>);

/// What becomes of JSON that is of no shape that is looked for.
macro_rules! other_shapes {
    () => {
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("any JSON")
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (text) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
    (list) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
    (object) => {
        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}

struct ListingVisitor;

impl<'de> Visitor<'de> for ListingVisitor {
    type Value = Listing;

    other_shapes!();
    other_shapes!(text);
    other_shapes!(list);

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Listing, A::Error> {
        let mut listing = Listing::default();
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "dataFiles" => listing.data_files = object.next_value()?,
                "reportKeys" => listing.report_keys = object.next_value()?,
                "executionId" => listing.execution_id = object.next_value()?,
                "exportName" => listing.export_name = object.next_value()?,
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(listing)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    other_shapes!();
    other_shapes!(text);
    other_shapes!(object);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
        let mut entries = Entries::default();
        loop {
            if entries.count < MOST_FILES {
                let Some(Entry(named)) = list.next_element()? else { break };
                entries.named.push(named);
            } else if list.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
            entries.count += 1;
        }
        Ok(entries)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<String>;

    other_shapes!();
    other_shapes!(list);
    other_shapes!(object);

    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Option<String>;

    other_shapes!();
    other_shapes!(list);

    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Option<String>, A::Error> {
        let mut found = FIELDS.map(|_| None);
        while let Some(name) = object.next_key::<String>()? {
            match FIELDS.iter().position(|field| *field == name).and_then(|at| found.get_mut(at)) {
                Some(slot) => *slot = object.next_value::<Text>()?.0,
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found.into_iter().flatten().next().filter(|text| !text.is_empty()))
    }
}

impl<'de> Deserialize<'de> for Listing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListingVisitor)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor).map(Self)
    }
}
