//! What may come, one of several things.

/// What comes in one of several cases: a normal distribution, and how likely the case is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) weight: f64,
    pub(super) mean: f64,
    pub(super) variance: f64,
}

/// What comes is at these or below with probabilities of `parts`, which ascend. Each is found to a billionth of the range,
/// and looked for from the one before it on: so they ascend, where that error would turn them around too.
pub(super) fn quantiles<const N: usize>(outcomes: &[Outcome], parts: [f64; N]) -> [f64; N] {
    /// Standard deviations beyond which there is nothing.
    const FAR: f64 = 6.0;
    let cases: Vec<Case> = outcomes.iter().map(Case::of).collect();
    let all: f64 = cases.iter().map(|case| case.weight).sum();
    let reach = |far: f64| cases.iter().map(move |case| case.mean + far * case.deviation);
    let low = reach(-FAR).fold(f64::INFINITY, f64::min);
    let high = reach(FAR).fold(f64::NEG_INFINITY, f64::max);
    let enough = (high - low) * 0.5_f64.powi(HALVINGS);
    let mut from = low;
    parts.map(|part| {
        from = amount_with(|amount| at(&cases, amount), part * all, from, high, enough);
        from
    })
}

/// How often the range is halved at least: to less than a billionth.
const HALVINGS: i32 = 40;

/// The amount between `low` and `high` at which or below which there is the weight `below`, off by `enough` at most: the
/// least such amount. `at` says which weight there is at or below an amount, and how fast it grows there.
fn amount_with(at: impl Fn(f64) -> (f64, f64), below: f64, mut low: f64, mut high: f64, enough: f64) -> f64 {
    /// Every so many steps the range is halved, whatever else was tried. Newton's steps then begin anew, and mostly need six
    /// or seven: halving sooner would throw away what they had nearly found.
    const HALVED_EVERY: usize = 12;
    let mut amount = f64::midpoint(low, high);
    // A mixture of normal distributions has no formula for its quantiles. Newton's steps find them soon, and go astray where
    // the mixture is nearly level, or jumps.
    for step in (1..=HALVED_EVERY).cycle().take(HALVED_EVERY * HALVINGS.unsigned_abs() as usize) {
        let (weight, density) = at(amount);
        let missing = below - weight;
        if missing > 0.0 {
            low = amount;
        } else {
            high = amount;
        }
        if high - low <= 2.0 * enough {
            break;
        }
        // A step that is too short to matter goes just past the amount looked for, so that it is known from both sides.
        let next = amount + (missing / density).abs().max(enough).copysign(missing);
        let is_newtons = step < HALVED_EVERY && (low..high).contains(&next);
        amount = if is_newtons { next } else { f64::midpoint(low, high) };
    }
    f64::midpoint(low, high)
}

/// The weight of all cases together at or below an amount, and how fast it grows there.
fn at(cases: &[Case], amount: f64) -> (f64, f64) {
    let (mut weight, mut density) = (0.0, 0.0);
    for case in cases {
        let (part, slope) = case.at(amount);
        weight += case.weight * part;
        density += case.weight * slope;
    }
    (weight, density)
}

/// A case as it is looked at again and again.
struct Case {
    weight: f64,
    mean: f64,
    deviation: f64,
}

impl Case {
    fn of(outcome: &Outcome) -> Self {
        let deviation = outcome.variance.sqrt().max(f64::MIN_POSITIVE);
        Self { weight: outcome.weight, mean: outcome.mean, deviation }
    }

    /// How much of the distribution is below an amount, with an error below 0.00014, and how much more there is for more.
    /// Source: Bowling and others, "A logistic approximation to the cumulative normal distribution", 2009.
    fn at(&self, amount: f64) -> (f64, f64) {
        const ONCE: f64 = 1.5976;
        const CUBED: f64 = 0.070_56;
        let from_mean = ((amount - self.mean) / self.deviation).clamp(-9.0, 9.0);
        let square = from_mean * from_mean;
        let below = 1.0 / (1.0 + (-from_mean * (ONCE + CUBED * square)).exp());
        (below, below * (1.0 - below) * (ONCE + 3.0 * CUBED * square) / self.deviation)
    }
}

#[cfg(test)]
mod tests;
