//! Words in names that are written in many ways: `Claude4.6Sonnet`, `claude-sonnet-4-6`, `CacheWrite1hInputTokenCount`.

/// A word of a longer text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    /// Where it starts in the longer text, in bytes.
    pub(crate) start: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Digit,
    Dot,
    Gap,
}

impl Class {
    fn is_letter(self) -> bool {
        matches!(self, Self::Lower | Self::Upper)
    }
}

/// Splits at everything that is neither letter nor digit, at a change of case, and between a word and a number.
///
/// Numbers keep their decimal point (`4.6`), and a number keeps the single letter beside it: sizes (`120b`, `8x7b`),
/// generations (`v2`, `m2.5`) and durations (`1h`) are one word. A `v` before a number never belongs to the word
/// before it (`sonnetv2` is `sonnet`, `v2`).
pub(crate) fn split(text: &str) -> Vec<Word<'_>> {
    let classes = classify(text);
    let class_at = |index: usize| classes.get(index).map_or(Class::Gap, |(_, _, class)| *class);
    let mut words = Vec::new();
    let mut push = |start: usize, end: usize| {
        if let Some(text) = text.get(start..end).filter(|text| !text.is_empty()) {
            words.push(Word { text, start });
        }
    };
    // Where the word at hand starts, and how many letters it ends with.
    let mut open: Option<usize> = None;
    let mut letters = 0_usize;
    let mut before: Option<(usize, char, Class)> = None;
    for (index, &(at, letter, class)) in classes.iter().enumerate() {
        if class == Class::Gap {
            if let Some(start) = open.take() {
                push(start, at);
            }
            letters = 0;
        } else {
            if let (Some(start), Some((before_at, before_letter, before_class))) = (open, before) {
                let next = class_at(index + 1);
                let is_alone = !next.is_letter()
                    || (class, next) == (Class::Lower, Class::Upper)
                    || ((class, next) == (Class::Upper, Class::Upper) && class_at(index + 2) == Class::Lower);
                let cut = match (before_class, class) {
                    (Class::Lower, Class::Upper) => Some(at),
                    (Class::Upper, Class::Upper) if next == Class::Lower => Some(at),
                    (Class::Lower | Class::Upper, Class::Digit) if letters > 1 => {
                        Some(if before_letter.eq_ignore_ascii_case(&'v') { before_at } else { at })
                    }
                    (Class::Digit, Class::Lower | Class::Upper)
                        if !is_alone || (letter.eq_ignore_ascii_case(&'v') && next == Class::Digit) =>
                    {
                        Some(at)
                    }
                    _ => None,
                };
                if let Some(cut) = cut {
                    push(start, cut);
                    open = Some(cut);
                    letters = 0;
                }
            } else {
                open = Some(at);
            }
            letters = if class.is_letter() { letters + 1 } else { 0 };
        }
        before = Some((at, letter, class));
    }
    if let Some(start) = open {
        push(start, text.len());
    }
    words
}

/// Each character with its place and class.
fn classify(text: &str) -> Vec<(usize, char, Class)> {
    let mut letters = text.char_indices().peekable();
    let mut before_is_digit = false;
    let mut classes = Vec::with_capacity(text.len());
    while let Some((at, letter)) = letters.next() {
        let next_is_digit = letters.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        let class = match letter {
            _ if letter.is_ascii_digit() => Class::Digit,
            '.' if before_is_digit && next_is_digit => Class::Dot,
            _ if letter.is_uppercase() => Class::Upper,
            _ if letter.is_alphanumeric() => Class::Lower,
            _ => Class::Gap,
        };
        before_is_digit = class == Class::Digit;
        classes.push((at, letter, class));
    }
    classes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        split(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn names_split_into_words_numbers_and_sizes() {
        for (text, words) in [
            ("Claude4.6Sonnet", "Claude 4.6 Sonnet"),
            ("claude-sonnet-4-6", "claude sonnet 4 6"),
            ("claude3haiku", "claude 3 haiku"),
            ("Claude3.5SonnetV2", "Claude 3.5 Sonnet V2"),
            ("Claude3.5Sonnetv2", "Claude 3.5 Sonnet v2"),
            ("sonnet4v2", "sonnet 4 v2"),
            ("Llama3-3-70BInstruct", "Llama 3 3 70B Instruct"),
            ("mixtral-8x7b", "mixtral 8x7b"),
            ("Qwen3-235B-A22B", "Qwen 3 235B A22B"),
            ("MiniMax M2.5", "Mini Max M2.5"),
            ("DeepSeekV3-1", "Deep Seek V3 1"),
            ("TitanTextG1-Express", "Titan Text G1 Express"),
            ("CacheWrite1hInputTokenCount_Global", "Cache Write 1h Input Token Count Global"),
            ("Reserved_1Month_InputTPM_Geo", "Reserved 1 Month Input TPM Geo"),
            ("Ray-V2-Medfps-HDRes", "Ray V2 Medfps HD Res"),
            ("NovaCanvas-T2I-1024", "Nova Canvas T2I 1024"),
            ("Runtime:Consumption-based:vCPU", "Runtime Consumption based v CPU"),
            ("a..1.b", "a 1 b"),
            ("Größe3Über", "Größe 3 Über"),
            ("", ""),
        ] {
            assert_eq!(texts(text).join(" "), words, "{text}");
        }
    }

    proptest! {
        #[test]
        fn words_stand_where_they_say_and_lose_no_letter(text in ".*|[A-Za-z0-9._-]{0,20}") {
            let mut end = 0;
            for word in split(&text) {
                prop_assert!(word.start >= end);
                end = word.start + word.text.len();
                prop_assert_eq!(text.get(word.start..end), Some(word.text));
            }
            let kept: usize = split(&text).iter().flat_map(|word| word.text.chars()).filter(|c| c.is_alphanumeric()).count();
            prop_assert_eq!(kept, text.chars().filter(|c| c.is_alphanumeric()).count());
        }
    }
}
