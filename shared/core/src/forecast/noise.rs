//! By how much days and weeks differ without a reason.

use super::numbers::{count, mean, neighbours};

/// The least variance of logarithms: days that are alike to a twentieth are alike.
const LEAST: f64 = 0.0025;
/// How much a level moves in a day where nothing is known of it, and how many weeks that counts for.
const DRIFT: f64 = 0.01;
const DRIFT_WEEKS: f64 = 3.0;

/// The variance of a day, by logarithms of neighbouring days without the tenth of them that differ most: those may be of
/// different levels.
pub(super) fn of_logarithms(days: &[f64]) -> f64 {
    // Half of the squared difference of neighbours is their variance on average (von Neumann, 1941). A level that moves
    // slowly hardly shows in it, as it would in distances from the mean.
    let mut squares: Vec<f64> = neighbours(days).map(|(one, other)| (one - other).powi(2) / 2.0).collect();
    squares.sort_unstable_by(f64::total_cmp);
    squares.truncate(squares.len() - squares.len() / 10);
    mean(&squares).max(LEAST)
}

/// The variance of a day relative to the square of its level, by neighbouring days.
pub(super) fn of_days(days: &[f64]) -> f64 {
    let apart: f64 = neighbours(days).map(|(one, other)| (one - other).powi(2) / 2.0).sum();
    let together: f64 = neighbours(days).map(|(one, other)| f64::midpoint(one, other).powi(2)).sum();
    // The square of a pair's mean is that of the level and half of the variance.
    if together > 0.0 { apart / (together - apart / 2.0).max(together / 10.0) } else { 0.0 }
}

/// The variance of a level from one day to the next, relative to its square: by how much neighbouring weeks differ more
/// than the noise of their days has it, but for one step and an even growth. Weeks have every weekday once.
pub(super) fn of_level(days: &[f64], noise: f64) -> f64 {
    let weeks: Vec<f64> = days.rchunks_exact(7).map(mean).collect();
    let pairs = neighbours(&weeks).filter(|(later, earlier)| later + earlier > 0.0);
    let mut steps: Vec<f64> = pairs.map(|(later, earlier)| 2.0 * (later - earlier) / (later + earlier)).collect();
    // The step that is least like the others may be a launch, which is no drift.
    let with_outlier = mean(&steps);
    steps.sort_unstable_by(|one, other| (one - with_outlier).abs().total_cmp(&(other - with_outlier).abs()));
    steps.pop();
    let usual = mean(&steps);
    let known = count(steps.len().saturating_sub(1));
    let squares: f64 = steps.iter().map(|step| (step - usual).powi(2)).sum();
    // Neighbouring means of n days of a random walk differ with a variance of 2n/3 steps, here n = 7. The noise of days
    // adds 2 · noise / 7, which is taken off first.
    let by_day = (squares - known * 2.0 * noise / 7.0) / (7.0 * 2.0 / 3.0);
    // DRIFT counts as what DRIFT_WEEKS further weeks have said, so that few weeks say little.
    let least = DRIFT * DRIFT / 10.0;
    ((by_day + DRIFT_WEEKS * DRIFT * DRIFT) / (known + DRIFT_WEEKS)).max(least)
}

#[cfg(test)]
mod tests;
