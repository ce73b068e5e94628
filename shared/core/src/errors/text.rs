//! Errors as they are logged and told: whatever an error quotes, a key, a name or what a library says, its text ends
//! somewhere.

use std::borrow::Cow;

/// The most bytes of an error's text. The longest sentences with their cures have some 700.
pub const LONGEST: usize = 2_048;

/// `text`, or its beginning and how many bytes are left out.
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(LONGEST);
    let (kept, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    Cow::Owned(format!("{kept}… ({} bytes more)", rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_between_characters_and_says_so() {
        let fits = "x".repeat(LONGEST);
        assert_eq!(cut(&fits), fits);
        assert_eq!(cut(&format!("{fits}yz")), format!("{fits}… (2 bytes more)"));
        let wide = "日".repeat(3 << 20);
        let said = cut(&wide);
        assert!(said.ends_with(&format!("日… ({} bytes more)", (9 << 20) - 2_046)), "{}", said.len());
    }
}
