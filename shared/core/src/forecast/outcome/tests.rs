use std::cell::Cell;

use proptest::prelude::*;

use super::*;

/// By halving alone, which cannot go astray.
fn halved(outcomes: &[Outcome], part: f64) -> f64 {
    let cases: Vec<Case> = outcomes.iter().map(Case::of).collect();
    let all: f64 = cases.iter().map(|case| case.weight).sum();
    let reach = |far: f64| cases.iter().map(move |case| case.mean + far * case.deviation);
    let (mut low, mut high) = (reach(-6.0).fold(f64::INFINITY, f64::min), reach(6.0).fold(f64::NEG_INFINITY, f64::max));
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at(&cases, middle).0 < part * all { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    // Cases may be very sure, or not at all.
    let deviation = prop_oneof![Just(0.0), 1e-9..1e-3, 0.1..1e3, 1e5..1e6];
    (0.001..1.0, 0.0..1e5, deviation).prop_map(|(weight, mean, deviation)| Outcome {
        weight,
        mean,
        variance: deviation * deviation,
    })
}

proptest! {
    #[test]
    fn newtons_steps_end_where_halving_does(
        outcomes in prop::collection::vec(outcome(), 1..40),
        part in prop_oneof![Just(0.1), Just(0.5), Just(0.9), 0.01..0.99],
    ) {
        let ([found], expected) = (quantiles(&outcomes, [part]), halved(&outcomes, part));
        let range = outcomes.iter().map(|outcome| outcome.mean.abs() + 6.0 * outcome.variance.sqrt()).fold(0.0, f64::max);
        prop_assert!((found - expected).abs() <= 1e-10 * range, "{found} {expected}");
    }

    #[test]
    fn more_of_what_may_come_is_never_less(
        outcomes in prop::collection::vec(outcome(), 1..5),
        mut parts in prop::array::uniform3(0.01..0.99),
    ) {
        parts.sort_by(f64::total_cmp);
        let found = quantiles(&outcomes, parts);
        prop_assert!(found.is_sorted(), "{found:?}");
    }
}

/// Both lie where the sum jumps, and each was found with an error of its own.
#[test]
fn what_is_certain_is_no_reason_to_turn_quantiles_around() {
    let [certain, open] = [(1000.0, 0.0), (3e9, 1e12)].map(|(mean, variance)| Outcome { weight: 0.5, mean, variance });
    let found = quantiles(&[certain, open], [0.1, 0.5, 0.9]);
    assert!(found.is_sorted(), "{found:?}");
}

#[test]
fn one_case_has_its_mean_in_the_middle() {
    let outcomes = [Outcome { weight: 0.3, mean: 1234.5, variance: 25.0 }];
    assert!((quantiles(&outcomes, [0.5])[0] - 1234.5).abs() < 1e-6);
    // Nine tenths of a normal distribution lie below 1.2816 deviations.
    assert!((quantiles(&outcomes, [0.9])[0] - (1234.5 + 5.0 * 1.2816)).abs() < 0.01);
}

#[test]
fn amounts_are_as_exact_wherever_they_lie() {
    // The first range begins at zero. The last one is far narrower than it is far away.
    for mean in [6.0, 100.0, 1e12] {
        let found = quantiles(&[Outcome { weight: 1.0, mean, variance: 1.0 }], [0.1, 0.5, 0.9]);
        for (found, deviations) in found.iter().zip([-1.2816, 0.0, 1.2816]) {
            assert!((found - mean - deviations).abs() < 0.002, "{found} of {mean}");
        }
    }
}

#[test]
fn of_amounts_that_have_as_much_below_them_the_least_is_taken() {
    // Every amount between 10 and 100 has half of all cases below it.
    let outcomes = [100.0, 10.0].map(|mean| Outcome { weight: 0.5, mean, variance: 0.0 });
    let [found] = quantiles(&outcomes, [0.5]);
    assert!((found - 10.0).abs() < 1e-6, "{found}");
}

/// Three cases that overlap.
fn cases() -> Vec<Case> {
    let outcome = |(weight, mean, variance)| Outcome { weight, mean, variance };
    [(0.7, 100.0, 400.0), (0.2, 130.0, 25.0), (0.1, 90.0, 2500.0)].map(outcome).iter().map(Case::of).collect()
}

#[test]
fn the_weight_grows_as_fast_as_it_is_said_to() {
    for amount in (40..=160).step_by(10).map(f64::from) {
        let by = 1e-3;
        let quotient = (at(&cases(), amount + by).0 - at(&cases(), amount - by).0) / (2.0 * by);
        let density = at(&cases(), amount).1;
        assert!((density - quotient).abs() < 1e-6 * quotient, "{density} is not {quotient} at {amount}");
    }
}

#[test]
fn newtons_steps_find_an_amount_soon() {
    // Halving alone looks at 40 amounts.
    for part in [0.1, 0.3, 0.5, 0.7, 0.9] {
        let looks = Cell::new(0);
        let counted = |amount: f64| {
            looks.set(looks.get() + 1);
            at(&cases(), amount)
        };
        let (low, high) = (-210.0, 390.0);
        amount_with(counted, part, low, high, (high - low) * 0.5_f64.powi(HALVINGS));
        assert!(looks.get() <= 12, "{} for {part}", looks.get());
    }
}
