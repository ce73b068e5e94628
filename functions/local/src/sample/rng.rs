//! Repeatable randomness: the same seed, the same sample.

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// A stream of its own for each `path`: what is drawn for one day does not move what is drawn for another.
    pub(super) fn of(seed: u64, path: &[u64]) -> Self {
        path.iter().fold(Self(seed), |mut rng, step| Self(rng.next() ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In `[0, 1)`.
    pub(super) fn fraction(&mut self) -> f64 {
        let [_, _, _, _, high @ ..] = self.next().to_le_bytes();
        f64::from(u32::from_le_bytes(high)) / (f64::from(u32::MAX) + 1.0)
    }

    /// In `[low, high)`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.fraction() * (high - low)
    }

    /// In `0..bound`; 0 if there is nothing to choose from.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let [_, _, _, _, high @ ..] = self.next().to_le_bytes();
        u32::from_le_bytes(high).checked_rem(bound).unwrap_or(0)
    }

    /// One of `choices`, unless there is none.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let bound = u32::try_from(choices.len()).unwrap_or(u32::MAX);
        choices.get(usize::try_from(self.below(bound)).unwrap_or(0))
    }

    /// Brings `items` into a random order (Fisher-Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
            items.swap(last, usize::try_from(self.below(bound)).unwrap_or(0));
        }
    }

    /// `length` characters of `alphabet`, which is ASCII and has at most 256.
    pub(super) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let drawn = self.next().to_le_bytes();
            let left = length - text.len();
            let picks = drawn.into_iter().filter_map(|byte| usize::from(byte).checked_rem(alphabet.len()));
            text.extend(picks.take(left).filter_map(|index| alphabet.get(index)).copied().map(char::from));
            if alphabet.is_empty() {
                break;
            }
        }
        text
    }

    /// `length` hex digits.
    pub(super) fn hex(&mut self, length: usize) -> String {
        self.text(b"0123456789abcdef", length)
    }

    /// Something that looks like a UUID.
    pub(super) fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|length| self.hex(length)).join("-")
    }
}
