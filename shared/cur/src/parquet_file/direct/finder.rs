//! Which of a page's texts satisfy a rule.

use spend_core::bill::bedrock_line::Rule;

use crate::parquet_file::direct::bits::Marks;
use crate::parquet_file::direct::hybrid::{Run, unpack};
use crate::parquet_file::direct::leaf::Values;
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::direct::values::split_text;

/// So many codes are compared at a time; and up to so many that satisfy the rule are compared with each.
const TOGETHER: usize = 64;
const FEW: usize = 4;

/// Finds the texts that satisfy a rule.
pub(crate) struct Finder {
    rule: Rule,
    /// Which of the dictionary's texts do.
    matches: Vec<bool>,
    /// The codes of those that do, if they are few; the last is there several times.
    few: Option<[u32; FEW]>,
    finds_any: bool,
    scratch: Vec<u32>,
}

/// Which of the texts of a dictionary page satisfy `rule`.
pub(crate) fn matches(rule: Rule, values: usize, mut bytes: &[u8]) -> Result<Vec<bool>, Odd> {
    let mut matches = Vec::with_capacity(values.min(bytes.len()));
    for _ in 0..values {
        let (text, rest) = split_text(bytes)?;
        matches.push(matches_text(rule, text)?);
        bytes = rest;
    }
    Ok(matches)
}

fn matches_text(rule: Rule, text: &[u8]) -> Result<bool, Odd> {
    str::from_utf8(text).map(|text| rule.matches(text)).map_err(|_| Odd)
}

/// Whether a text can satisfy `rule`, by its beginning: most resource ids are no ARN.
fn can_match(rule: Rule, text: &[u8]) -> bool {
    rule != Rule::Resource || text.first_chunk() == Some(b"arn:")
}

impl Finder {
    pub(crate) fn of(rule: Rule) -> Self {
        Self { rule, matches: Vec::new(), few: None, finds_any: false, scratch: Vec::new() }
    }

    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }

    /// Whether one of the dictionary's texts satisfies the rule.
    pub(crate) fn finds_any(&self) -> bool {
        self.finds_any
    }

    pub(crate) fn dictionary(&mut self, values: usize, bytes: &[u8]) -> Result<(), Odd> {
        self.matches = matches(self.rule, values, bytes)?;
        let mut found = self.matches.iter().enumerate().filter(|(_, matches)| **matches).map(|(code, _)| code);
        let codes: Vec<u32> = found.by_ref().take(FEW).map(u32::try_from).collect::<Result<_, _>>().map_err(|_| Odd)?;
        self.finds_any = !codes.is_empty();
        self.few = codes.last().filter(|_| found.next().is_none()).map(|last| {
            let mut few = [*last; FEW];
            few.iter_mut().zip(&codes).for_each(|(slot, code)| *slot = *code);
            few
        });
        Ok(())
    }

    /// Calls `found` with those of a page's slots, counted from the page's first, whose text satisfies the rule.
    pub(crate) fn find(
        &mut self,
        present: &Marks,
        count: usize,
        values: Values<'_>,
        found: &mut impl FnMut(usize),
    ) -> Result<(), Odd> {
        let with_value = present.count(0..count);
        let is_whole = with_value == count;
        // Where the value is that was found last: its number among those that are there, and its slot.
        let mut last = (0, if is_whole { 0 } else { present.find(0, 0) });
        let mut tell = |value: usize| {
            if is_whole {
                return found(value);
            }
            last = (value, present.find(last.1, value - last.0));
            found(last.1);
        };
        match values {
            Values::Codes(mut codes) => {
                let mut at = 0;
                while at < with_value {
                    let (run, length) = codes.next(with_value - at)?;
                    match run {
                        Run::Same(code) => {
                            let matches = usize::try_from(code).ok().and_then(|code| self.matches.get(code));
                            if *matches.ok_or(Odd)? {
                                (at..at + length).for_each(&mut tell);
                            }
                        }
                        Run::Packed(packed, from) => {
                            self.scratch.clear();
                            unpack(packed, codes.width(), from, length, &mut self.scratch);
                            self.find_codes(at, &mut tell)?;
                        }
                    }
                    at += length;
                }
            }
            Values::Plain(mut bytes) => {
                // Lengths are ASCII too, if texts are shorter than 128 bytes: then no text is looked at for what it is made of.
                let is_ascii = bytes.is_ascii();
                for value in 0..with_value {
                    let (text, rest) = split_text(bytes)?;
                    bytes = rest;
                    if !is_ascii && str::from_utf8(text).is_err() {
                        return Err(Odd);
                    }
                    if can_match(self.rule, text) && matches_text(self.rule, text)? {
                        tell(value);
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells of the codes that were unpacked, of which the first is the value at `at`.
    #[expect(clippy::needless_bitwise_bool, reason = "without branches several codes are compared at once")]
    fn find_codes(&self, at: usize, tell: &mut impl FnMut(usize)) -> Result<(), Odd> {
        for (index, codes) in self.scratch.chunks(TOGETHER).enumerate() {
            let most = codes.iter().copied().max().unwrap_or(0);
            if usize::try_from(most).map_or(true, |most| most >= self.matches.len()) {
                return Err(Odd);
            }
            if let Some([first, second, third, fourth]) = self.few {
                let is_one = |code: u32| (code == first) | (code == second) | (code == third) | (code == fourth);
                if !codes.iter().fold(false, |any, code| any | is_one(*code)) {
                    continue;
                }
            }
            for (place, code) in codes.iter().enumerate() {
                if usize::try_from(*code).ok().and_then(|code| self.matches.get(code)) == Some(&true) {
                    tell(at + index * TOGETHER + place);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_cannot_match_by_its_beginning_does_not_match(
            text in "(arn:|arn|a)?(aws)?:?(bedrock|s3|Bedrock)?:?.{0,8}",
        ) {
            for rule in Rule::ALL {
                prop_assert!(can_match(rule, text.as_bytes()) || !rule.matches(&text), "{rule:?}");
            }
        }
    }
}
