//! Numbers that follow from a seed alone: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
//! 2014), which is a few lines, and whose numbers are as good as a simulation needs them.

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The sequence of several numbers together. What is drawn for one purpose then does not depend on how much was drawn
    /// for another: a history that is made shorter stays the same in what is left of it.
    pub fn of_all(parts: &[u64]) -> Self {
        let mut state = 0;
        for part in parts {
            state = Self(state ^ part).number();
        }
        Self(state)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, exclusive.
    pub fn below(&mut self, end: u64) -> u64 {
        // The upper bits; the bias of a 64-bit product is far below what anybody could see here.
        u64::try_from((u128::from(self.number()) * u128::from(end)) >> 64).unwrap()
    }

    /// The same for counts.
    pub fn count(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap()
    }

    /// A number from `first` to `last`, inclusive.
    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        let span = u64::try_from(last - first).unwrap() + 1;
        first + i64::try_from(self.below(span)).unwrap()
    }

    /// Whether something happens that happens so many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.count(all.len())]
    }

    /// Another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for place in (1..all.len()).rev() {
            all.swap(place, self.count(place + 1));
        }
    }
}
