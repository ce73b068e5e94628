//! Which of the values of a page something is true of.

use std::ops::Range;

const WORD: usize = 64;

/// Bits in the order of the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push_run(&mut self, bit: bool, mut count: usize) {
        let word = if bit { u64::MAX } else { 0 };
        while count > 0 {
            let taken = count.min(WORD);
            self.push_word(word, taken);
            count -= taken;
        }
    }

    /// Adds the lowest `count` bits of `word`, 64 at the most.
    pub(crate) fn push_word(&mut self, word: u64, count: usize) {
        let word = if count < WORD { word & ((1 << count) - 1) } else { word };
        let used = self.length % WORD;
        match self.words.last_mut() {
            Some(last) if used > 0 => {
                *last |= word << used;
                if used + count > WORD {
                    self.words.push(word >> (WORD - used));
                }
            }
            _ => self.words.push(word),
        }
        self.length += count;
    }

    pub(crate) fn get(&self, index: usize) -> bool {
        self.words.get(index / WORD).is_some_and(|word| word >> (index % WORD) & 1 == 1)
    }

    /// How many of the bits in `range` are set.
    pub(crate) fn count(&self, range: Range<usize>) -> usize {
        let (first, last) = (range.start / WORD, range.end / WORD);
        let word = |index: usize| self.words.get(index).copied().unwrap_or(0);
        let before_end = word(last) & ((1 << (range.end % WORD)) - 1);
        if range.start >= range.end {
            return 0;
        }
        let from_start = u64::MAX << (range.start % WORD);
        if first == last {
            return ones(before_end & from_start);
        }
        let between = self.words.get(first + 1..last).unwrap_or_default();
        ones(word(first) & from_start) + between.iter().map(|word| ones(*word)).sum::<usize>() + ones(before_end)
    }

    /// Where the set bit is that has `skipped` set bits before it, from `start` on; the end of the bits if there is none.
    pub(crate) fn find(&self, start: usize, mut skipped: usize) -> usize {
        let mut index = start / WORD;
        let mut mask = u64::MAX << (start % WORD);
        while let Some(word) = self.words.get(index) {
            let mut word = word & mask;
            mask = u64::MAX;
            let here = ones(word);
            if skipped < here {
                for _ in 0..skipped {
                    word &= word - 1;
                }
                return index * WORD + usize::try_from(word.trailing_zeros()).unwrap_or(0);
            }
            skipped -= here;
            index += 1;
        }
        self.length
    }
}

fn ones(word: u64) -> usize {
    usize::try_from(word.count_ones()).unwrap_or(0)
}

/// [`Bits`] that are often all set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Marks {
    All(usize),
    Some(Bits),
}

impl Marks {
    pub(crate) fn get(&self, index: usize) -> bool {
        match self {
            Self::All(length) => index < *length,
            Self::Some(bits) => bits.get(index),
        }
    }

    pub(crate) fn count(&self, range: Range<usize>) -> usize {
        match self {
            Self::All(_) => range.len(),
            Self::Some(bits) => bits.count(range),
        }
    }

    /// The same bits, set where they are not.
    pub(crate) fn inverted(self) -> Self {
        match self {
            Self::All(length) => {
                let mut bits = Bits::default();
                bits.push_run(false, length);
                Self::Some(bits)
            }
            Self::Some(Bits { words, length }) => {
                let mut bits = Bits::default();
                for (index, word) in words.into_iter().enumerate() {
                    bits.push_word(!word, length.saturating_sub(index * WORD).min(WORD));
                }
                Self::Some(bits)
            }
        }
    }

    /// As [`Bits::find`].
    pub(crate) fn find(&self, start: usize, skipped: usize) -> usize {
        match self {
            Self::All(length) => start.saturating_add(skipped).min(*length),
            Self::Some(bits) => bits.find(start, skipped),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_and_found_across_words() {
        let mut bits = Bits::default();
        let mut told = Vec::new();
        for (bit, count) in [(true, 3), (false, 70), (true, 64), (false, 1), (true, 130), (false, 5)] {
            bits.push_run(bit, count);
            told.extend(std::iter::repeat_n(bit, count));
        }
        bits.push_word(0b1011, 4);
        told.extend([true, true, false, true]);
        assert_eq!(bits.len(), told.len());
        for start in (0..told.len()).step_by(7) {
            for end in (start..=told.len()).step_by(5) {
                let count = told[start..end].iter().filter(|bit| **bit).count();
                assert_eq!(bits.count(start..end), count, "{start}..{end}");
            }
            for skipped in [0, 1, 63, 64, 200] {
                let expected = (start..told.len()).filter(|index| told[*index]).nth(skipped).unwrap_or(told.len());
                assert_eq!(bits.find(start, skipped), expected, "{start}, {skipped}");
            }
        }
        assert!(told.iter().enumerate().all(|(index, bit)| bits.get(index) == *bit));
    }
}
