use super::*;

/// One of whose level a day has spoken: it has e^0 with a variance of 2.25.
fn regime() -> Regime {
    Regime { days: 1, ..Regime::new(0, 1.0, 0.0, 0.0) }
}

fn assert_near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= 1e-12, "{actual} is not {expected}");
}

#[test]
fn a_day_that_is_filling_up_speaks_for_a_level_from_a_third_of_it_on() {
    let days_after = |part: f64| {
        let mut regime = regime();
        regime.see(part.ln(), 0.01, true);
        assert_near(regime.weight, 1.0);
        assert_near(regime.level, 0.0);
        regime.days
    };
    assert_eq!([0.1, 0.33, 1.0 / 3.0, 0.34, 1.0].map(days_after), [1, 1, 2, 2, 2]);
}

#[test]
fn a_day_that_is_filling_up_counts_as_any_other_from_two_deviations_above_the_level_on() {
    // Of the level and the day together: 2 · √(2.25 + 1.75) = 4.
    let seen = |day: f64| {
        let mut regime = regime();
        regime.see(day, 1.75, true);
        regime
    };
    assert_near(seen(3.99).level, 0.0);
    assert_near(seen(3.99).weight, 1.0);
    // Nine sixteenths of the variance are the level's, so that it moves by as much of the error.
    assert_near(seen(4.0).level, 2.25);
    // How dense a normal distribution is two deviations from its mean, and an odd day.
    let dense = (-2.0_f64).exp() / (std::f64::consts::TAU * 4.0).sqrt();
    assert_near(seen(4.0).weight, 0.97 * dense + 0.03 / 8.0);
    assert_eq!(seen(4.0).days, 2);
}

#[test]
fn a_level_that_moves_is_thought_to_move_by_two_percent_a_day_at_first() {
    let regimes = regimes(&[Some(0.0), Some(1.0)], 2, 0.0, 2.25);
    let moving = regimes.iter().find(|regime| regime.begun == 0 && regime.slope_variance > 0.0).unwrap();
    // The first day halves the variance of the level, 2.25, which then moves. The second day is off by 1.
    let (level, slope) = (2.25 / 2.0 + 0.0004, 0.0004);
    assert_near(moving.slope, slope / (level + 2.25));
    assert_near(moving.slope_variance, slope - slope * slope / (level + 2.25));
}
