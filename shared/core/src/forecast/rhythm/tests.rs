use super::*;

fn assert_near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= 1e-12, "{actual} is not {expected}");
}

/// Up to a Sunday. Mondays have twice what other workdays have, weekends a tenth of it.
fn weekly(days: usize) -> Rhythm {
    let week = [20.0, 10.0, 10.0, 10.0, 10.0, 1.0, 1.0];
    let spent: Vec<f64> = week.into_iter().cycle().skip(21 - days).take(days).collect();
    Rhythm::of(&spent, 0)
}

#[test]
fn a_day_on_which_nothing_is_usual_tells_nothing_and_all_have_one_in_the_mean() {
    let week = [70.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let rhythm = Rhythm::of(&week.repeat(4), 0);
    // Every week around a day has 10 a day, so Mondays have 7 times that, and others nothing: LEAST stands for it.
    let sum = 7.0 + 6.0 * 0.02;
    assert_near(rhythm.on(0), 7.0 * 7.0 / sum);
    assert_near(rhythm.on(1), 0.02 * 7.0 / sum);
    assert!(rhythm.is_telling(0) && !rhythm.is_telling(1));
}

#[test]
fn what_weekdays_differ_by_chance_is_taken_off() {
    let rhythm = Rhythm::of(&[14.0, 10.0, 12.0, 14.0, 10.0, 5.0, 5.0], 0);
    // Of the mean, 10, workdays have 1.2 on average and weekends 0.5. Four workdays are off by 0.2, so that a day's
    // variance is 4 · 0.04 / (7 - 2) = 0.032.
    let (by_chance, apart) = (0.032 / 5.0 + 0.032 / 2.0, 0.04 + 0.25);
    let kept = 1.0 - 4.0 / 6.0 * by_chance / apart;
    assert_near(rhythm.on(0), 1.0 + 0.2 * kept);
    assert_near(rhythm.on(6), 1.0 - 0.5 * kept);
    assert_near(rhythm.parameters, kept);
}

#[test]
fn before_two_weeks_workdays_have_one_factor_and_weekends_another() {
    // From a Tuesday on.
    let rhythm = weekly(13);
    let [tuesday, friday, saturday, sunday, monday] = [0, 3, 4, 5, 6].map(|index| rhythm.on(index));
    assert_near(friday, tuesday);
    assert_near(monday, tuesday);
    assert_near(sunday, saturday);
    assert!(saturday < tuesday / 2.0, "{saturday} {tuesday}");
}

#[test]
fn from_two_weeks_on_each_weekday_has_a_factor_of_its_own() {
    // From a Monday on.
    let rhythm = weekly(14);
    let [monday, tuesday, saturday] = [0, 1, 5].map(|index| rhythm.on(index));
    assert!(saturday < tuesday / 2.0 && tuesday < monday / 1.5, "{saturday} {tuesday} {monday}");
}

#[test]
fn days_that_are_all_alike_take_no_parameters() {
    let rhythm = Rhythm::of(&[10.0; 28], 0);
    assert_near(rhythm.parameters, 0.0);
    assert_near(rhythm.on(0), 1.0);
}

#[test]
fn a_week_without_spend_says_nothing_of_weekdays() {
    let paused = [[0.0; 7].as_slice(), &[10.0; 21]].concat();
    let rhythm = Rhythm::of(&paused, 0);
    for index in 0..7 {
        assert!((rhythm.on(index) - 1.0).abs() < 0.1, "{index}: {}", rhythm.on(index));
    }
}
