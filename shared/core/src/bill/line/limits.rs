//! How long a text of the bill may be, wherever it enters the ledger: from a file of an export, or from an object that a
//! release stored before there was a limit. A caller of Bedrock chooses session names and session tags, and whoever can
//! write to the export's bucket chooses everything else; what is behind the readers need not expect long texts.

/// The most bytes of a text in UTF-8. The longest that AWS writes in a column that is kept are ARNs: of an assumed role
/// 20 + 12 + 64 + 64 characters with their separators, of a user with a path of 512 characters some 640.
/// Source: AWS IAM user guide, "IAM and AWS STS quotas".
pub const MOST_BYTES: usize = 2_048;

/// The most characters of a tag's key or value: 256 more than AWS allows for a value, and so within [`MOST_BYTES`] in any
/// script. A key has 128 at the most, behind its prefix.
/// Source: AWS Billing user guide, "User-defined tag restrictions"; AWS IAM user guide, "Session tags".
pub const MOST_TAG_CHARACTERS: usize = 512;

/// The most entries of a map in one row. A resource has 50 tags, a payer 50 cost categories and 500 active tag keys, a
/// session 50 tags of its own and 50 of its role.
/// Source: AWS Billing user guide, "Quotas and restrictions".
pub const MOST_ENTRIES: usize = 1_024;

/// A text is too long. It says by how much, and never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooLong {
    /// Of any column.
    #[error("has a text of {bytes} bytes, and {MOST_BYTES} are the most that is read")]
    Text {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A tag's key or value.
    #[error(
        "has a tag with a key or value of {characters} characters, and {MOST_TAG_CHARACTERS} are the most that is read \
         (AWS allows 256)"
    )]
    Tag {
        /// Its length in characters.
        characters: usize,
    },
}

/// Refuses a text that is too long.
pub fn check_text(text: &str) -> Result<(), TooLong> {
    if text.len() > MOST_BYTES { Err(TooLong::Text { bytes: text.len() }) } else { Ok(()) }
}

/// Refuses a tag's key or value that is too long.
pub fn check_tag(text: &str) -> Result<(), TooLong> {
    if text.len() <= MOST_TAG_CHARACTERS {
        return Ok(());
    }
    let characters = text.chars().count();
    if characters > MOST_TAG_CHARACTERS { Err(TooLong::Tag { characters }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_most_bytes_is_taken_and_one_more_is_not() {
        assert_eq!(check_text(&"x".repeat(2_048)), Ok(()));
        assert_eq!(check_text(&"x".repeat(2_049)), Err(TooLong::Text { bytes: 2_049 }));
    }

    #[test]
    fn a_tag_is_measured_in_characters_as_aws_measures_it() {
        for character in ["x", "é", "日", "😀"] {
            let longest = character.repeat(512);
            assert_eq!((check_tag(&longest), check_text(&longest)), (Ok(()), Ok(())), "{character}");
            assert_eq!(check_tag(&character.repeat(513)), Err(TooLong::Tag { characters: 513 }), "{character}");
        }
    }
}
