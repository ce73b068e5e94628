use super::*;

/// Spend that stands since a day, as so many days say.
fn standing(begun: usize, days: usize, weight: f64) -> Regime {
    let mut regime = regimes(&[Some(0.0)], 1, 0.0, 0.01).swap_remove(0);
    (regime.begun, regime.days, regime.weight) = (begun, days, weight);
    regime
}

fn assert_near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= 1e-12, "{actual} is not {expected}");
}

/// What regimes weigh after accidents are thought of.
fn assert_weigh(regimes: Vec<Regime>, expected: &[f64]) {
    let model = Model { regimes, ..Model::of(&[10.0; 10], &[0.0], 0) };
    let outcomes = model.outcomes(0);
    assert_eq!(outcomes.len(), expected.len());
    for (outcome, expected) in outcomes.iter().zip(expected) {
        assert_near(outcome.weight, *expected);
    }
}

#[test]
fn jumps_of_a_day_or_two_weigh_a_quarter_at_most_together() {
    // What there is from the first day on is not new, however few days say it.
    let regimes = vec![standing(0, 1, 0.3), standing(4, 6, 0.1), standing(8, 2, 0.45), standing(9, 1, 0.15)];
    // 0.75 shared as 3 to 1, and 0.25 as well.
    assert_weigh(regimes, &[0.5625, 0.1875, 0.1875, 0.0625]);
}

#[test]
fn jumps_that_weigh_less_than_a_quarter_or_have_three_days_weigh_what_they_do() {
    assert_weigh(vec![standing(0, 8, 0.8), standing(8, 2, 0.2)], &[0.8, 0.2]);
    assert_weigh(vec![standing(0, 7, 0.4), standing(7, 3, 0.6)], &[0.4, 0.6]);
}

#[test]
fn days_that_have_not_begun_are_no_days_with_nothing() {
    // Days with nothing would speak for what is since the eighth day.
    let past = [[10.0; 7].as_slice(), &[0.0; 14]].concat();
    let since = |has: &[f64]| -> Vec<(usize, usize)> {
        Model::of(&past, has, 0).regimes.iter().map(|regime| (regime.begun, regime.days)).collect()
    };
    assert_eq!(since(&[0.0; 3]), since(&[]));
    assert_eq!(since(&[4.0, 0.0, 0.0]), since(&[4.0]));
    assert!(since(&[]).contains(&(7, 14)));
    // A day that is filling up has begun.
    assert!(since(&[4.0]).iter().any(|(begun, _)| *begun == 21));
}

#[test]
fn a_regime_without_spend_has_a_level_of_nothing_and_the_noise_of_all_days() {
    let past = [8.0, 12.0, 8.0, 12.0, 8.0, 12.0, 8.0, 12.0, 0.0, 0.0, 0.0];
    let model = Model::of(&past, &[0.0, 5.0], 0);
    assert!(model.noise > 0.0);
    // Its days count beside the 5 that the noise of all days counts for.
    for (begun, days) in [(8, 3.0), (11, 0.0)] {
        let level = model.level(&standing(begun, 1, 1.0));
        assert_near(level.spent, 0.0);
        assert_near(level.days, days);
        assert_near(level.noise, 5.0 * model.noise / (days + 5.0 - 1.0));
    }
}

#[test]
fn days_on_which_nothing_is_usual_make_no_noise() {
    let past = [70.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0].repeat(4);
    let model = Model::of(&past, &[], 0);
    assert_near(model.noise, 0.0);
    let level = model.level(&standing(0, 28, 1.0));
    assert_near(level.spent, 10.0);
    // The factors of days without spend are 0.02, so that the one of Mondays is 7 of 7.12 parts and not of 7.
    assert_near(level.noise, 4.0 * (7.12_f64 / 7.0 - 1.0).powi(2) / (28.0 + 5.0 - 1.0));
}

#[test]
fn days_the_level_the_factors_the_slope_and_drift_make_the_variance_of_what_is_ahead() {
    let past = [10.0; 28];
    let mut model = Model::of(&past, &[0.0; 10], 0);
    (model.noise, model.drift, model.rhythm.parameters) = (0.04, 0.001, 6.0);
    let mut regime = standing(0, 28, 1.0);
    regime.slope_variance = 0.0001;
    let outcome = model.outcome(&regime, 0);
    assert_near(outcome.mean, 100.0);
    // The known days are all alike: their noise is that of all days, which counts for 5 of 28 + 5 - 1.
    let noise = 0.04 * 5.0 / 32.0;
    // Ten days of 10; their sum is off as the mean of 28 days is; three weekdays come twice and four once.
    let by_day = noise * (1000.0 + 10_000.0 / 28.0 + (7.0 * (3.0 * 400.0 + 4.0 * 100.0) - 10_000.0) / 28.0);
    // A day's distance to the middle of the known days is 14 and what is left of the days up to it: 0.99, 0.99 + 0.99², …
    let moved: f64 = (1..=10).map(|day| 99.0 * (1.0 - 0.99_f64.powi(day))).sum();
    let by_move = (10.0 * (10.0 * 14.0 + moved)).powi(2) * 0.0001;
    let by_drift = 0.001 * 10_000.0 * (28.0 + 10.0) / 3.0;
    assert!((outcome.variance - (by_day + by_move + by_drift)).abs() < 1e-6, "{}", outcome.variance);
}

#[test]
fn days_before_the_window_are_left_out_and_what_days_have_is_not_expected_again() {
    let past = [10.0; 28];
    let outcome = Model::of(&past, &[4.0, 4.0, 4.0, 25.0], 0).outcome(&standing(0, 28, 1.0), 1);
    // Two days get 6 more, and one that has more than usual gets nothing.
    assert_near(outcome.mean, 12.0);
}
