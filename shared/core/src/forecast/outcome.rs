//! What may come, one of several things.

/// What comes in one of several cases: a normal distribution, and how likely the case is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) weight: f64,
    pub(super) mean: f64,
    pub(super) variance: f64,
}

/// What comes is at this or below with a probability of `part`.
pub(super) fn quantile(outcomes: &[Outcome], part: f64) -> f64 {
    /// Standard deviations beyond which there is nothing.
    const FAR: f64 = 6.0;
    /// How often the range is halved: to less than a billionth of it.
    const HALVINGS: usize = 40;
    let all: f64 = outcomes.iter().map(|outcome| outcome.weight).sum();
    let below = |amount: f64| outcomes.iter().map(|outcome| outcome.weight * outcome.below(amount)).sum::<f64>();
    let reach = |far: f64| outcomes.iter().map(move |outcome| outcome.mean + far * outcome.variance.sqrt());
    let mut low = reach(-FAR).fold(f64::INFINITY, f64::min);
    let mut high = reach(FAR).fold(f64::NEG_INFINITY, f64::max);
    // By bisection: a mixture of normal distributions has no formula for its quantiles.
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if below(middle) < part * all {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

impl Outcome {
    /// How much of the distribution is below an amount, with an error below 0.00014.
    /// Source: Bowling and others, "A logistic approximation to the cumulative normal distribution", 2009.
    fn below(&self, amount: f64) -> f64 {
        let deviation = self.variance.sqrt().max(f64::MIN_POSITIVE);
        let from_mean = ((amount - self.mean) / deviation).clamp(-9.0, 9.0);
        1.0 / (1.0 + (-1.5976 * from_mean - 0.070_56 * from_mean * from_mean * from_mean).exp())
    }
}
