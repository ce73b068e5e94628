//! Stored JSON objects. Each begins with its format's name and version, so that a release never misreads what another
//! wrote: `{"format": "NAME/1", …}`.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::{self, BufWriter, Write};
use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use spend_core::errors::class::Class;
use spend_core::errors::fault::{Fault, Says};

use crate::state::contexts;
use crate::state::keys;
use crate::state::objects::cure;

/// A struct that is stored as a JSON object. Its fields must serialize the same way each time (sorted maps, no
/// hashed ones) and none of them may be called `format`.
pub trait Document: Serialize + DeserializeOwned {
    /// The format's name, without a version.
    const FORMAT: &'static str;
    /// The version that this release writes.
    const VERSION: u32;
    /// The oldest version that the type's `Deserialize` can read: its own, unless the type says that it fills in what
    /// the one before did not have.
    const READS_FROM: u32 = Self::VERSION;
    /// Whether it is written with a line for each value, for people to read: a large one is several times as large so.
    const IS_INDENTED: bool = true;

    /// What was read of a document of `version`, which is older than [`Document::VERSION`], with what this one has besides.
    fn upgraded(self, version: u32) -> Self {
        let _ = version;
        self
    }
}

/// Why a stored document cannot be used. Nothing may be written over one that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A newer release was here.
    #[error(
        "{key} was written by a newer release (format {name}/{found}, this one reads {name}/{reads}): upgrade this program; nothing was written"
    )]
    Newer {
        /// The object.
        key: String,
        /// The format's name.
        name: &'static str,
        /// The version found.
        found: u32,
        /// The newest version that can be read.
        reads: u32,
    },
    /// This release does not read that old a version any more.
    #[error(
        "{key} was written by a release too old for this one (format {name}/{found}, this one reads from {name}/{reads_from}): run the release between the two first; nothing was written"
    )]
    Older {
        /// The object.
        key: String,
        /// The format's name.
        name: &'static str,
        /// The version found.
        found: u32,
        /// The oldest version that can be read.
        reads_from: u32,
    },
    /// It is something else.
    #[error(
        "{key} does not begin with the format {name} but with {found:?}: it is another kind of object; {}",
        cure(key)
    )]
    WrongFormat {
        /// The object.
        key: String,
        /// The format's name.
        name: &'static str,
        /// What stands in the format's place.
        found: String,
    },
    /// It is no JSON, or not the JSON that its format says.
    #[error("{key} is damaged: {source}; {}", cure(key))]
    Damaged {
        /// The object.
        key: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is not compressed as it should be.
    #[error("{key} is damaged: it cannot be decompressed: {source}; {}", cure(key))]
    NotCompressed {
        /// The object.
        key: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Decompressed, it is larger than anything that this program writes.
    #[error("{key} is damaged: decompressed it has more than {limit} bytes; {}", cure(key))]
    TooLarge {
        /// The object.
        key: String,
        /// The most bytes that are read.
        limit: u64,
    },
    /// It is larger than what could be read again.
    #[error("a document of format {name} would have more than {limit} bytes; nothing was written")]
    TooLargeToWrite {
        /// The format's name.
        name: &'static str,
        /// The most bytes that are read.
        limit: u64,
    },
    /// The type cannot be written as JSON: a mistake in this program.
    #[error("failed to encode a document of format {name}: {source}; nothing was written; report this")]
    Unwritable {
        /// The format's name.
        name: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

impl Fault for DocumentError {
    // None of these mends itself.
    fn says(&self) -> Says<'_> {
        match self {
            Self::Newer { .. } => Says::Itself("store.newer_format", Class::Operator),
            Self::Older { .. } => Says::Itself("store.older_format", Class::Operator),
            Self::WrongFormat { .. } => Says::Itself("store.wrong_format", Class::Operator),
            Self::Damaged { .. } | Self::NotCompressed { .. } | Self::TooLarge { .. } => {
                Says::Itself("store.damaged", Class::Operator)
            }
            Self::TooLargeToWrite { .. } => Says::Itself("store.too_large", Class::Operator),
            Self::Unwritable { .. } => Says::Itself("bug.document", Class::Operator),
        }
    }
}

/// The most bytes that a compressed document may have once it is decompressed. Ten million rows stay below it; what
/// does not is damage, or made to exhaust memory.
pub const MAX_DECOMPRESSED_BYTES: u64 = 1 << 30;

/// zstd's own default: above it the size hardly shrinks and the time grows.
const COMPRESSION_LEVEL: i32 = 3;

/// The document as JSON with the format first and a line break at the end, indented unless its type is too large for
/// that. Equal documents give equal bytes.
pub fn encode<D: Document>(document: &D) -> Result<Bytes, DocumentError> {
    let envelope = Envelope::of(document);
    let written = if D::IS_INDENTED { serde_json::to_vec_pretty(&envelope) } else { serde_json::to_vec(&envelope) };
    let mut bytes = written.map_err(|source| DocumentError::Unwritable { name: D::FORMAT, source })?;
    bytes.push(b'\n');
    Ok(bytes.into())
}

/// The document as one line of JSON, with the format first.
pub(crate) fn encode_line<D: Document>(document: &D) -> Result<Vec<u8>, DocumentError> {
    let written = serde_json::to_vec(&Envelope::of(document));
    let mut bytes = written.map_err(|source| DocumentError::Unwritable { name: D::FORMAT, source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Refuses what is of another format or of a version that is not read, by a JSON object that begins with its format.
pub(crate) fn check_format<D: Document>(key: &str, json: &[u8]) -> Result<(), DocumentError> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: String,
    }
    let (key, name) = (key.to_owned(), D::FORMAT);
    let found = match serde_json::from_slice::<Format>(json) {
        Ok(Format { format }) => format,
        Err(source) => return Err(DocumentError::Damaged { key, source }),
    };
    match version::<D>(&found) {
        None => Err(DocumentError::WrongFormat { key, name, found }),
        Some(found) if found > D::VERSION => Err(DocumentError::Newer { key, name, found, reads: D::VERSION }),
        Some(found) if found < D::READS_FROM => {
            Err(DocumentError::Older { key, name, found, reads_from: D::READS_FROM })
        }
        Some(_) => Ok(()),
    }
}

/// As [`encode`], in ASCII: whatever names are in it, they can do nothing to who looks at it.
pub(crate) fn encode_ascii<D: Document>(document: &D) -> Result<String, DocumentError> {
    // JSON is UTF-8: nothing is replaced.
    Ok(ascii(&String::from_utf8_lossy(&encode(document)?)))
}

/// JSON with everything escaped that is not plain ASCII, or that a page of HTML would take for its own. Outside of texts
/// JSON has no such character, so that it still says the same.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~' | '\n') && !matches!(character, '<' | '>' | '&') {
            escaped.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// Reads the document stored at `key`.
pub fn decode<D: Document>(key: &str, bytes: &[u8]) -> Result<D, DocumentError> {
    let refused = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Versioned { refused: &refused, document: PhantomData };
    let read = seed.deserialize(&mut reader).and_then(|document| reader.end().map(|()| document));
    read.map_err(|source| {
        let (key, name) = (key.to_owned(), D::FORMAT);
        match refused.take() {
            None => DocumentError::Damaged { key, source },
            Some(Refused::Name(found)) => DocumentError::WrongFormat { key, name, found },
            Some(Refused::Version(found)) if found > D::VERSION => {
                DocumentError::Newer { key, name, found, reads: D::VERSION }
            }
            Some(Refused::Version(found)) => DocumentError::Older { key, name, found, reads_from: D::READS_FROM },
        }
    })
}

/// The document as JSON in a zstd frame with a checksum, for large ones. Equal documents give equal bytes as long as
/// the compressor stays the same.
pub fn encode_compressed<D: Document>(document: &D) -> Result<Bytes, DocumentError> {
    encode_compressed_within(document, MAX_DECOMPRESSED_BYTES)
}

fn encode_compressed_within<D: Document>(document: &D, limit: u64) -> Result<Bytes, DocumentError> {
    let name = D::FORMAT;
    let unwritable = |source: io::Error| DocumentError::Unwritable { name, source: serde_json::Error::custom(source) };
    let mut encoder = zstd::Encoder::new(Vec::new(), COMPRESSION_LEVEL).map_err(unwritable)?;
    encoder.include_checksum(true).map_err(unwritable)?;
    let mut writer = Counting { inner: BufWriter::new(encoder), written: 0 };
    let written = serde_json::to_writer(&mut writer, &Envelope::of(document));
    written.map_err(|source| DocumentError::Unwritable { name, source })?;
    if writer.written > limit {
        return Err(DocumentError::TooLargeToWrite { name, limit });
    }
    let encoder = writer.inner.into_inner().map_err(|error| unwritable(error.into_error()))?;
    Ok(encoder.finish().map_err(unwritable)?.into())
}

/// The document as its key says: compressed, or JSON for people.
pub fn encode_as<D: Document>(key: &str, document: &D) -> Result<Bytes, DocumentError> {
    if keys::is_compressed(key) { encode_compressed(document) } else { encode(document) }
}

/// Reads the document stored at `key`, compressed if the key says so.
pub fn decode_as<D: Document>(key: &str, bytes: &[u8]) -> Result<D, DocumentError> {
    if keys::is_compressed(key) { decode_compressed(key, bytes) } else { decode(key, bytes) }
}

/// Reads the compressed document stored at `key`.
pub fn decode_compressed<D: Document>(key: &str, bytes: &[u8]) -> Result<D, DocumentError> {
    decode_compressed_within(key, bytes, MAX_DECOMPRESSED_BYTES)
}

/// What a compressed document is before it is compressed.
pub fn decompressed(key: &str, bytes: &[u8]) -> Result<Vec<u8>, DocumentError> {
    decompressed_within(key, bytes, MAX_DECOMPRESSED_BYTES)
}

fn decode_compressed_within<D: Document>(key: &str, bytes: &[u8], limit: u64) -> Result<D, DocumentError> {
    decode(key, &decompressed_within(key, bytes, limit)?)
}

fn decompressed_within(key: &str, bytes: &[u8], limit: u64) -> Result<Vec<u8>, DocumentError> {
    let damaged = |source| DocumentError::NotCompressed { key: key.to_owned(), source };
    // One more than allowed tells a document that is too large from one that just fits.
    let json = contexts::stream(bytes, limit.saturating_add(1)).map_err(damaged)?;
    if u64::try_from(json.len()).is_ok_and(|length| length <= limit) {
        Ok(json)
    } else {
        Err(DocumentError::TooLarge { key: key.to_owned(), limit })
    }
}

/// Counts what is written, since a stream does not tell.
struct Counting<W> {
    inner: W,
    written: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.written = self.written.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[derive(Serialize)]
struct Envelope<'a, D> {
    format: String,
    #[serde(flatten)]
    document: &'a D,
}

impl<'a, D: Document> Envelope<'a, D> {
    fn of(document: &'a D) -> Self {
        Self { format: format!("{}/{}", D::FORMAT, D::VERSION), document }
    }
}

/// Why the rest of an object was not read.
enum Refused {
    /// Another format, or none.
    Name(String),
    /// A version that this release does not read.
    Version(u32),
}

/// Reads the format, and only if it is right hands the rest of the object to the document's type: a newer one is told
/// apart from a damaged one however little it resembles this one.
struct Versioned<'a, D> {
    refused: &'a RefCell<Option<Refused>>,
    document: PhantomData<D>,
}

impl<'de, D: Document> DeserializeSeed<'de> for Versioned<'_, D> {
    type Value = D;

    fn deserialize<T: Deserializer<'de>>(self, deserializer: T) -> Result<D, T::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, D: Document> Visitor<'de> for Versioned<'_, D> {
    type Value = D;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object that begins with the format {}", D::FORMAT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<D, A::Error> {
        let refuse = |why| {
            self.refused.replace(Some(why));
            Err(A::Error::custom("the format is not the one expected"))
        };
        let first: Option<String> = map.next_key()?;
        if first.as_deref() != Some("format") {
            return refuse(Refused::Name(first.unwrap_or_default()));
        }
        let format: String = map.next_value()?;
        match version::<D>(&format) {
            None => refuse(Refused::Name(format)),
            Some(version) if (D::READS_FROM..=D::VERSION).contains(&version) => {
                let document = D::deserialize(MapAccessDeserializer::new(map))?;
                Ok(if version < D::VERSION { document.upgraded(version) } else { document })
            }
            Some(version) => refuse(Refused::Version(version)),
        }
    }
}

/// The version in `NAME/VERSION`, if the name is the document's.
fn version<D: Document>(format: &str) -> Option<u32> {
    let version = format.strip_prefix(D::FORMAT)?.strip_prefix('/')?;
    let is_plain = version.bytes().all(|byte| byte.is_ascii_digit()) && !version.starts_with('0');
    is_plain.then(|| version.parse().ok()).flatten()
}
