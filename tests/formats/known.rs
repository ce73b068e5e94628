//! What a type reads, as far as serde tells: the fields of each struct and the alternatives of each enum in it, and
//! which of them an object really has.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::value::{Error, MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use spend_ledger::state::document::Document;

/// What could be there, and what is.
#[derive(Default)]
pub(super) struct Known(RefCell<BTreeMap<Of, Names>>);

/// A struct or an enum, by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Struct(&'static str),
    Enum(&'static str),
}

#[derive(Default)]
struct Names {
    possible: BTreeSet<&'static str>,
    found: BTreeSet<String>,
}

impl Known {
    /// Reads an object as `D`, and remembers what it could have had.
    pub(super) fn read<D: Document>(&mut self, value: &Value) {
        D::deserialize(Reader { value, known: self }).map_or_else(|error| panic!("{}: {error}", D::FORMAT), drop);
    }

    /// The fields that nothing which was read has, or only as null or an empty list.
    pub(super) fn missing_fields(&self) -> Vec<String> {
        self.missing(|of| matches!(of, Of::Struct(_)))
    }

    /// The alternatives of enums that nothing which was read has.
    pub(super) fn missing_alternatives(&self) -> Vec<String> {
        self.missing(|of| matches!(of, Of::Enum(_)))
    }

    fn missing(&self, wanted: impl Fn(Of) -> bool) -> Vec<String> {
        let known = self.0.borrow();
        let missing = known.iter().filter(|(of, _)| wanted(**of)).flat_map(|(of, names)| {
            let (Of::Struct(of) | Of::Enum(of)) = of;
            let missing = names.possible.iter().filter(|name| !names.found.contains(**name));
            missing.map(move |name| format!("{name} of {of}"))
        });
        missing.collect()
    }

    /// Adds what `other` knows.
    pub(super) fn extend(&mut self, other: Self) {
        for (of, Names { possible, found }) in other.0.into_inner() {
            let names = self.0.get_mut().entry(of).or_default();
            names.possible.extend(possible);
            names.found.extend(found);
        }
    }

    fn note<'a>(&self, of: Of, possible: &[&'static str], found: impl Iterator<Item = &'a String>) {
        let mut known = self.0.borrow_mut();
        let names = known.entry(of).or_default();
        names.possible.extend(possible);
        names.found.extend(found.cloned());
    }
}

/// Reads a value for whatever asks, and listens to what it asks for.
#[derive(Clone, Copy)]
struct Reader<'a> {
    value: &'a Value,
    known: &'a Known,
}

impl<'a> Reader<'a> {
    fn of(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }
}

/// Whether it says something: an empty list says nothing of what would be in it.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => Err(Error::custom("nothing that is stored is a double")),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(|item| self.of(item)))),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (name.as_str(), self.of(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let found = self.value.as_object().into_iter().flatten().filter(|(_, value)| is_filled(value));
        self.known.note(Of::Struct(name), fields, found.map(|(name, _)| name));
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let alternative = match self.value {
            Value::String(name) => Some((name, None)),
            Value::Object(fields) => fields.iter().next().map(|(name, content)| (name, Some(self.of(content)))),
            _ => None,
        };
        let Some((found, content)) = alternative else {
            return Err(Error::invalid_type(Unexpected::Other("no alternative"), &visitor));
        };
        self.known.note(Of::Enum(name), variants, [found].into_iter());
        visitor.visit_enum(Alternative { name: found, content })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de> for Reader<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// One alternative of an enum, and what is in it.
struct Alternative<'a> {
    name: &'a str,
    content: Option<Reader<'a>>,
}

impl<'de> EnumAccess<'de> for Alternative<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name: StrDeserializer<'de, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Alternative<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.content.ok_or_else(|| Error::custom("the alternative has no content"))?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.content.ok_or_else(|| Error::custom("the alternative has no content"))?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        let content = self.content.ok_or_else(|| Error::custom("the alternative has no content"))?;
        content.deserialize_struct("an alternative", fields, visitor)
    }
}
