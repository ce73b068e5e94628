//! Sums over few numbers.

pub(super) fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// Of nothing it is nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len()).max(1.0)
}

/// Each value with the one after it.
pub(super) fn neighbours(values: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    values.iter().copied().zip(values.iter().copied().skip(1))
}

/// The values, none of them below zero or far above what was reached three times: what happens once or twice is an
/// accident, what happens three times is a habit.
pub(super) fn without_accidents(values: &[f64]) -> Vec<f64> {
    let most = most(values);
    values.iter().map(|value| value.clamp(0.0, most)).collect()
}

/// What a value counts for at most.
pub(super) fn most(values: &[f64]) -> f64 {
    /// How far above the third largest value is no accident yet.
    const FAR: f64 = 1.25;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|left, right| right.total_cmp(left));
    FAR * sorted.get(2).copied().unwrap_or(0.0).max(0.0)
}
