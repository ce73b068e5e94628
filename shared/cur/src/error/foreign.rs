//! Files that are no chunk: what they are, and what to do about each.

use std::fmt;

/// What a file is that is no chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It has no bytes.
    Empty,
    /// A ZIP archive.
    Zip,
    /// Parquet whose footer is encrypted.
    EncryptedParquet,
    /// HTML or XML.
    Page,
    Json,
    /// Some other text.
    Text,
    /// Something that was compressed once more.
    Wrapped,
    /// Nothing known.
    Unknown,
}

impl Foreign {
    /// The stable name of the kind of error.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Empty => "export.empty_file",
            Self::Zip => "export.zip",
            Self::EncryptedParquet => "export.encrypted",
            Self::Page | Self::Json => "export.error_page",
            Self::Text => "export.uncompressed",
            Self::Wrapped => "export.compressed_twice",
            Self::Unknown => "export.unknown_format",
        }
    }
}

/// What it is, and the cure.
impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => {
                "the file is empty, without even a header: copy it again, or wait for the next delivery to replace it"
            }
            Self::Zip => {
                "this is a ZIP archive: unpack it, or create the export with the format Parquet, or text with GZIP"
            }
            Self::EncryptedParquet => {
                "this is Parquet with an encrypted footer, which no export writes: remove whatever encrypts the files, \
                 and copy them as they lie in the export's bucket"
            }
            Self::Page => {
                "this is an HTML or XML page, so an error message was saved in place of the file: copy the file again, \
                 and check that whoever copies it may read the export's bucket"
            }
            Self::Json => {
                "this is JSON, so a manifest or an error message was saved in place of the file: copy the file again"
            }
            Self::Text => {
                "this is text that is not compressed, so a tool unpacked it on the way: copy the .csv.gz file as it \
                 lies in the export's bucket, or compress this one with gzip"
            }
            Self::Wrapped => {
                "this was compressed once more with gzip, so a tool packed it on the way: decompress it once, or copy \
                 the file as it lies in the export's bucket"
            }
            Self::Unknown => {
                "this is neither Parquet nor gzip nor anything else that is known: it may have been encrypted by a \
                 client or a tool before it was uploaded; copy the file as it lies in the export's bucket, decrypted"
            }
        })
    }
}
