use super::*;

fn assert_near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= 1e-12, "{actual} is not {expected}");
}

/// Weeks of days that are alike, by what a day of each has.
fn weeks(of_a_day: &[f64]) -> Vec<f64> {
    of_a_day.iter().flat_map(|spent| [*spent; 7]).collect()
}

#[test]
fn days_without_spend_have_no_noise() {
    assert_near(of_days(&[0.0; 5]), 0.0);
}

#[test]
fn days_of_all_or_nothing_have_ten_times_what_their_pairs_say() {
    // A pair differs by 10, which makes 50, and has a mean of 5, which makes 25. So nothing is left for the square of the
    // level, which is taken to be a tenth of 25.
    assert_near(of_days(&[10.0, 0.0, 10.0]), 50.0 / 2.5);
}

/// Steps of 1, as parts of the mean of two weeks, are from 10 to 30 and back.
const UP_AND_DOWN: [f64; 5] = [10.0, 30.0, 10.0, 30.0, 10.0];

#[test]
fn a_level_drifts_by_what_weeks_differ_beyond_the_noise_of_their_days() {
    // The steps 1, -1, 1 and -1 without one of them have a mean of a third, and squares from there of
    // 2 · 4/9 + 16/9 = 8/3, of which two are free. Each has 2 · 0.7 / 7 = 0.2 by noise.
    let by_day = (8.0 / 3.0 - 2.0 * 0.2) * 3.0 / 14.0;
    assert_near(of_level(&weeks(&UP_AND_DOWN), 0.7), (by_day + 3.0 * 0.0001) / (2.0 + 3.0));
}

#[test]
fn the_step_that_is_least_like_the_others_is_no_drift_wherever_it_is() {
    // Of the steps 2/3, 2/3, 2/3 and another one, those that are alike stay: 3 - 1 are free.
    for launch in [[1.0, 2.0, 4.0, 8.0, 800.0], [1.0, 200.0, 400.0, 800.0, 1600.0], [1.0, 2.0, 4.0, 400.0, 800.0]] {
        assert_near(of_level(&weeks(&launch), 0.0), 3.0 * 0.0001 / (2.0 + 3.0));
    }
    // A fall between growing weeks.
    for fall in [[8.0, 16.0, 32.0, 1.0, 2.0], [32.0, 1.0, 2.0, 4.0, 8.0], [4.0, 8.0, 16.0, 32.0, 1.0]] {
        assert_near(of_level(&weeks(&fall), 0.0), 3.0 * 0.0001 / (2.0 + 3.0));
    }
}

#[test]
fn weeks_without_spend_are_no_steps_and_the_first_with_spend_is_one() {
    // From nothing to anything is a step of 2: it is the one left out. The steps 1, -1, 1 and -1 stay, of which three are
    // free.
    let paused = [[0.0, 0.0].as_slice(), &UP_AND_DOWN].concat();
    assert_near(of_level(&weeks(&paused), 0.0), (4.0 * 3.0 / 14.0 + 3.0 * 0.0001) / (3.0 + 3.0));
}
