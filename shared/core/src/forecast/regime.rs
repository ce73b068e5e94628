//! Since when spend is as it is: every day since which it may be so, weighed by how well that explains the days.
//!
//! This is Bayesian online changepoint detection (Adams and `MacKay`, 2007) over logarithms, with levels that stand or
//! move evenly, and with odd days that change nothing.

/// How likely it is that spend changes for good on a day.
const CHANGE: f64 = 0.002;
/// How likely spend that changed is moving since, and not standing.
const MOVING: f64 = 0.2;
/// How likely a day is to be odd, and how dense what it then has is: it may be anything.
const ODD: f64 = 0.03;
const ODD_DENSITY: f64 = 1.0 / 8.0;
/// The variances of a new level and of how it moves in a day.
const NEW_LEVEL: f64 = 1.5 * 1.5;
const NEW_SLOPE: f64 = 0.02 * 0.02;
/// No level moves by more in a day for long.
const MOST_SLOPE: f64 = 0.05;
/// A day that is filling up speaks for a level from this part of it on.
const PART: f64 = 1.0 / 3.0;
/// What is less likely is let go.
const NEGLIGIBLE: f64 = 2e-4;

/// Spend that stands or moves evenly since a day.
#[derive(Clone, Debug)]
pub(super) struct Regime {
    /// The index of its first day.
    pub(super) begun: usize,
    /// How likely it is.
    pub(super) weight: f64,
    /// How many days speak for it.
    pub(super) days: usize,
    /// What it has on the next day, as a logarithm.
    level: f64,
    level_variance: f64,
    /// By how much it moves in a day.
    slope: f64,
    pub(super) slope_variance: f64,
    covariance: f64,
}

/// What explains the days, logarithms of them where a day is telling. Those from `settled` on are filling up: they tell
/// only where they have more than was expected. `usual` and `variance` are those of days.
pub(super) fn regimes(days: &[Option<f64>], settled: usize, usual: f64, variance: f64) -> Vec<Regime> {
    let mut regimes: Vec<Regime> = Vec::new();
    for (index, day) in days.iter().enumerate() {
        // Every regime goes on with 1 - CHANGE; what is left begins on this day, standing or moving. On the first day
        // one of the two begins for certain.
        let change = if index == 0 { 1.0 } else { CHANGE };
        for regime in &mut regimes {
            regime.weight *= 1.0 - change;
        }
        regimes.push(Regime::new(index, change * (1.0 - MOVING), usual, 0.0));
        regimes.push(Regime::new(index, change * MOVING, usual, NEW_SLOPE));
        if let Some(day) = *day {
            for regime in &mut regimes {
                regime.see(day, variance, index >= settled);
            }
        }
        let sum: f64 = regimes.iter().map(|regime| regime.weight).sum();
        regimes.retain_mut(|regime| {
            regime.pass();
            regime.weight /= sum;
            regime.weight >= NEGLIGIBLE
        });
    }
    regimes
}

impl Regime {
    fn new(begun: usize, weight: f64, level: f64, slope_variance: f64) -> Self {
        let (days, level_variance, slope, covariance) = (0, NEW_LEVEL, 0.0, 0.0);
        Self { begun, weight, days, level, level_variance, slope, slope_variance, covariance }
    }

    /// By how much it moves in a day.
    pub(super) fn slope(&self) -> f64 {
        self.slope.clamp(-MOST_SLOPE, MOST_SLOPE)
    }

    /// Weighs the regime by how well it explains a day, and learns the level and its slope from the day.
    fn see(&mut self, day: f64, variance: f64, is_filling: bool) {
        // A step of Kalman's filter with the state (level, slope), of which the level alone is seen: the gains are
        // P·H' / (H·P·H' + R), and P is the matrix of level_variance, covariance and slope_variance.
        let error = day - self.level;
        let expected = self.level_variance + variance;
        // A day that is filling up can only grow: unless it is far above the level, it proves nothing against it.
        if is_filling && self.days > 0 && error < 2.0 * expected.sqrt() {
            self.days += usize::from(error >= PART.ln());
            return;
        }
        let ordinary =
            (1.0 - ODD) * (-0.5 * error * error / expected).exp() / (std::f64::consts::TAU * expected).sqrt();
        // An odd day is as likely under every regime, so that it tells none from another, and it moves no level.
        let odd = ODD * ODD_DENSITY;
        self.weight *= ordinary + odd;
        if odd >= ordinary {
            return;
        }
        self.days += 1;
        let (of_level, of_slope) = (self.level_variance / expected, self.covariance / expected);
        self.level += of_level * error;
        self.slope += of_slope * error;
        // The slope's variance first: it needs the covariance from before the step.
        self.slope_variance -= of_slope * self.covariance;
        self.covariance *= 1.0 - of_level;
        self.level_variance *= 1.0 - of_level;
    }

    /// Predicts the next day: level and variances move by the slope's.
    fn pass(&mut self) {
        self.level += self.slope;
        self.level_variance += 2.0 * self.covariance + self.slope_variance;
        self.covariance += self.slope_variance;
    }
}

#[cfg(test)]
mod tests;
