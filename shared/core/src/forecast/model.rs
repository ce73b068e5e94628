//! What days usually have, and what the days ahead may come to.

use super::noise;
use super::numbers::{count, mean, most, without_accidents};
use super::outcome::Outcome;
use super::regime::{Regime, regimes};
use super::rhythm::Rhythm;

/// How many days something new needs to be believed, and how likely it is to last before.
const BELIEVED_AFTER: usize = 3;
const NEW_LASTS: f64 = 0.25;
/// What part of an ordinary day is added to each, so that days without spend have logarithms.
const FLOOR: f64 = 0.05;
/// For how many days of a regime its noise is taken to be that of all.
const NOISE_DAYS: f64 = 5.0;
/// How much of a move is left after each further day: nothing moves for ever.
const DAMPING: f64 = 0.99;
/// How far a move may be another one from now on, as a part of it.
const MOVES_OTHERWISE: f64 = 0.12;

/// What days usually have.
pub(super) struct Model<'a> {
    /// What the settled days have.
    past: &'a [f64],
    /// What the days after them have so far.
    has: &'a [f64],
    rhythm: Rhythm,
    /// The variance of a day, and of a level from one day to the next, relative to the level's square.
    noise: f64,
    drift: f64,
    /// Since when it may be so.
    regimes: Vec<Regime>,
}

/// What a regime's days say.
struct Level {
    /// What an ordinary day has by the end of the settled days.
    spent: f64,
    /// From how many days that is known.
    days: f64,
    /// The variance of a day, relative to the level's square.
    noise: f64,
}

impl<'a> Model<'a> {
    /// `weekday` is that of the first day that is not settled, from Monday on.
    pub(super) fn of(past: &'a [f64], has: &'a [f64], weekday: usize) -> Self {
        let ordinary = without_accidents(past);
        let rhythm = Rhythm::of(&ordinary, weekday);
        // Days at the end without any spend have not begun; they are not days with nothing.
        let filling = has.len() - has.iter().rev().take_while(|spent| **spent <= 0.0).count();
        let known = past.iter().chain(has.iter().take(filling)).enumerate();
        let even: Vec<Option<f64>> =
            known.map(|(index, spent)| rhythm.is_telling(index).then(|| spent / rhythm.on(index))).collect();
        let settled: Vec<f64> = even.iter().take(past.len()).flatten().copied().collect();
        let telling = without_accidents(&settled);
        let floor = (FLOOR * mean(&telling)).max(f64::MIN_POSITIVE);
        let logarithm = |spent: f64| (spent.max(0.0) + floor).ln();
        let logarithms: Vec<f64> = settled.iter().copied().map(logarithm).collect();
        let days: Vec<Option<f64>> = even.into_iter().map(|spent| spent.map(logarithm)).collect();
        let regimes = regimes(&days, past.len(), mean(&logarithms), noise::of_logarithms(&logarithms));
        // The factors were fitted to these days, which therefore lie nearer to them than days to come will: the usual
        // correction for parameters, n / (n - p).
        let number = count(past.len());
        let noise = noise::of_days(&telling) * number / (number - rhythm.parameters).max(1.0);
        let drift = noise::of_level(&ordinary, noise);
        Self { past, has, rhythm, noise, drift, regimes }
    }

    /// What the days ahead may come to beyond what they have. The first `before` of them are left out.
    pub(super) fn outcomes(&self, before: usize) -> Vec<Outcome> {
        let is_new = |regime: &&Regime| regime.begun > 0 && regime.days < BELIEVED_AFTER;
        // A jump of one or two days may be an accident, however well it explains them: together such regimes weigh
        // NEW_LASTS at most.
        let new: f64 = self.regimes.iter().filter(is_new).map(|regime| regime.weight).sum();
        let believed = new.min(NEW_LASTS);
        // Where no regime is new, or none is old, that one's factor divides by zero, and is used for none.
        let (of_new, of_old) = (believed / new, (1.0 - believed) / (1.0 - new));
        let outcome = |regime: &Regime| {
            let weight = regime.weight * if is_new(&regime) { of_new } else { of_old };
            Outcome { weight, ..self.outcome(regime, before) }
        };
        self.regimes.iter().map(outcome).collect()
    }

    /// What the days ahead come to if it is this regime that goes on.
    fn outcome(&self, regime: &Regime, before: usize) -> Outcome {
        let Level { spent: level, days, noise } = self.level(regime);
        let (mut left, mut moved) = (1.0, 0.0);
        let usual = (self.past.len()..).zip(self.has).map(|(index, has)| {
            left *= DAMPING;
            moved += left;
            (level * growth(regime.slope() * moved) * self.rhythm.on(index), moved, *has)
        });
        let ahead: Vec<(f64, f64, f64)> = usual.skip(before).collect();
        // A day that is filling up has what it has, and may get more.
        let mean = ahead.iter().map(|(usual, _, has)| (usual - has).max(0.0)).sum();
        let all: f64 = ahead.iter().map(|(usual, ..)| usual).sum();
        let squares: f64 = ahead.iter().map(|(usual, ..)| usual * usual).sum();
        // The level is known best for the middle of its days: an error of the slope grows with the distance to it.
        let leverage: f64 = ahead.iter().map(|(usual, moved, _)| usual * (moved + days / 2.0)).sum();
        let by_weekday = (0..7).map(|first| ahead.iter().skip(first).step_by(7).map(|(usual, ..)| usual).sum::<f64>());
        // The variance of the sum has five parts, which are taken to be independent: the days themselves, the level (a
        // mean of `days` days, the same in all days ahead), the weekdays' factors, the slope, and a level that wanders.
        let by_level = all * all / days.max(1.0);
        // Each factor is known from a seventh of all days. Factors have a mean of one, so that an error that all of them
        // share is one of the level, and is taken off here.
        let of_weekdays = by_weekday.map(|usual| usual * usual).sum::<f64>() * 7.0 - all * all;
        let by_factors = of_weekdays.max(0.0) / count(self.past.len()) * self.rhythm.parameters / 6.0;
        let by_day = noise * (squares + by_level + by_factors);
        let by_move = leverage * leverage * (regime.slope_variance + (MOVES_OTHERWISE * regime.slope()).powi(2));
        // The mean of a random walk over n days has n / 3 times the variance of a step: so have the known days, and so
        // have those ahead.
        let by_drift = self.drift * all * all * (days + count(self.has.len())) / 3.0;
        Outcome { weight: regime.weight, mean, variance: by_day + by_move + by_drift }
    }

    /// What the days of a regime say, on average and not by logarithms: what is summed ahead are averages too.
    fn level(&self, regime: &Regime) -> Level {
        let settled = self.past.len();
        let days: Vec<(usize, f64)> = if regime.begun < settled {
            let of_regime = || self.past.iter().copied().enumerate().skip(regime.begun);
            let even: Vec<f64> = of_regime().map(|(index, spent)| spent / self.rhythm.on(index)).collect();
            // Where there are not three days yet, what happened three times says nothing of them.
            let most = if even.len() < BELIEVED_AFTER { f64::INFINITY } else { most(&even) };
            of_regime().map(|(index, spent)| (index, spent.clamp(0.0, most * self.rhythm.on(index)))).collect()
        } else {
            // A regime of unsettled days alone: they count as far as they have anything.
            let filling = (settled..).zip(self.has.iter().copied()).skip(regime.begun - settled);
            filling.take_while(|(_, spent)| *spent > 0.0).collect()
        };
        let shape = |index: usize| {
            let ago = count(settled) - 1.0 - count(index);
            self.rhythm.on(index) * growth(-regime.slope() * ago)
        };
        let spent: f64 = days.iter().map(|(_, spent)| spent).sum();
        let shaped: Vec<f64> = days.iter().map(|(index, _)| shape(*index)).collect();
        let shapes: f64 = shaped.iter().sum();
        let (level, number) = (if shapes > 0.0 { spent / shapes } else { 0.0 }, count(days.len()));
        let telling = days.iter().zip(&shaped).filter(|((index, _), _)| level > 0.0 && self.rhythm.is_telling(*index));
        let squares: f64 = telling.map(|((_, spent), shape)| (spent / (level * shape) - 1.0).powi(2)).sum();
        // A few days say little of their noise: it is drawn towards that of all days, which counts as NOISE_DAYS more.
        let noise = (squares + NOISE_DAYS * self.noise) / (number + NOISE_DAYS - 1.0);
        Level { spent: level, days: number, noise }
    }
}

/// By how much spend grows that moves by a logarithm. Most regimes stand, and an exponential is not cheap.
fn growth(logarithm: f64) -> f64 {
    if logarithm == 0.0 { 1.0 } else { logarithm.exp() }
}

#[cfg(test)]
mod tests;
