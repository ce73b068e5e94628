//! What each weekday has of an ordinary day.

use super::numbers::{count, mean};

/// How many days weekdays get factors of their own from: each twice. Before, workdays have one and weekends another.
const FEWEST_DAYS: usize = 14;
/// Nothing can be divided by less.
const LEAST: f64 = 0.02;
/// A weekday with less of an ordinary day says nothing about others.
const TELLING: f64 = 0.05;
/// How much of the differences is taken for chance, by those within groups: as James and Stein have it for seven.
const BY_CHANCE: f64 = 4.0 / 6.0;

/// What each weekday has of an ordinary day.
pub(super) struct Rhythm {
    /// One in the mean, from the weekday of the first day on.
    factors: [f64; 7],
    /// How much of the days' freedom went into them.
    pub(super) parameters: f64,
}

impl Rhythm {
    /// Each weekday's share of the week around it on average, drawn towards one as far as weekdays differ by chance.
    /// `next` is the weekday of the day after the last, from Monday on.
    pub(super) fn of(days: &[f64], next: usize) -> Self {
        let first = next + 7 - days.len() % 7;
        let (groups, group_of): (usize, fn(usize) -> usize) =
            if days.len() < FEWEST_DAYS { (2, |weekday| usize::from(weekday > 4)) } else { (7, |weekday| weekday) };
        let mut shares = vec![Vec::new(); groups];
        for (index, spent) in days.iter().enumerate() {
            let ordinary = mean(week_around(days, index));
            if ordinary > 0.0
                && let Some(shares) = shares.get_mut(group_of((first + index) % 7))
            {
                shares.push(spent / ordinary);
            }
        }
        let means: Vec<f64> = shares.iter().map(|shares| if shares.is_empty() { 1.0 } else { mean(shares) }).collect();
        let number: usize = shares.iter().map(Vec::len).sum();
        let groups_with_means = || shares.iter().zip(&means);
        // Shares of one weekday differ by chance. By chance alone the means of weekdays would differ by `by_chance`; they
        // differ by `apart`, and what is beyond is kept (the estimator of James and Stein, 1961).
        let within: f64 =
            groups_with_means().flat_map(|(shares, mean)| shares.iter().map(move |share| (share - mean).powi(2))).sum();
        let noise = within / count(number.saturating_sub(groups)).max(1.0);
        let by_chance: f64 = shares.iter().map(|shares| noise / count(shares.len()).max(1.0)).sum();
        let apart: f64 = means.iter().map(|mean| (mean - 1.0).powi(2)).sum();
        // Where weekdays do not differ at all, 0 / 0 is NaN, and max gives 0.
        let kept = (1.0 - BY_CHANCE * by_chance / apart).max(0.0);
        let mut factors = [1.0; 7];
        for (index, factor) in factors.iter_mut().enumerate() {
            let mean = means.get(group_of((first + index) % 7)).copied().unwrap_or(1.0);
            *factor = (1.0 + kept * (mean - 1.0)).max(LEAST);
        }
        // A mean of one, so that the level alone says how much an ordinary day has.
        let sum: f64 = factors.iter().sum();
        Self { factors: factors.map(|factor| factor * 7.0 / sum), parameters: kept * count(groups - 1) }
    }

    /// What a day has of an ordinary one.
    pub(super) fn on(&self, index: usize) -> f64 {
        self.factors.get(index % 7).copied().unwrap_or(1.0)
    }

    /// Whether what a day has tells anything about others.
    pub(super) fn is_telling(&self, index: usize) -> bool {
        self.on(index) >= TELLING
    }
}

/// The seven values around one, of which it is the middle one but at both ends.
fn week_around(values: &[f64], index: usize) -> &[f64] {
    let start = index.saturating_sub(3).min(values.len().saturating_sub(7));
    values.get(start..values.len().min(start + 7)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
