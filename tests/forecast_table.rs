//! How far forecasts of a month are off, beside the naive run-rate's, on generated histories: `make forecast-table`
//! prints the table.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, TimeDelta};
use spend_core::data_span::DataSpan;
use spend_core::data_status::DataStatus;
use spend_core::decimal::Decimal;
use spend_core::forecast::{Outlook, outlook};
use spend_core::period::BillingPeriod;
use spend_core::window::Window;

/// How many histories there are of each kind.
const HISTORIES: u64 = 60;
/// On which days of the month it is asked where the month is heading.
const ASKED_ON: [u32; 4] = [8, 13, 18, 23];

/// Numbers that look random and are the same every time (splitmix64).
struct Numbers(u64);

impl Numbers {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }

    /// About one, give or take so much.
    fn about(&mut self, spread: f64) -> f64 {
        // Four together are nearly normal.
        1.0 + spread * ((0..4).map(|_| self.next()).sum::<f64>() - 2.0) * 1.732
    }
}

const KINDS: [&str; 6] = ["steady", "weekly", "growing", "launched", "spiky", "runaway"];

/// What a day of a history has. `launch` is the day of November on which the launched begins and the runaway happens.
fn spent(kind: &str, day: NaiveDate, launch: u32, numbers: &mut Numbers) -> f64 {
    let number = f64::from(i32::try_from((day - start()).num_days()).unwrap());
    let weekend = if day.weekday().number_from_monday() > 5 { 0.25 } else { 1.0 };
    let noise = numbers.about(0.12);
    let luck = numbers.next();
    let is_november = day.month() == 11;
    100.0
        * noise
        * match kind {
            "steady" => 1.0,
            "weekly" => weekend,
            "growing" => weekend * 1.015_f64.powf(number),
            "launched" if is_november && day.day() >= launch => weekend * 4.0,
            "launched" => weekend,
            "spiky" if luck < 0.12 => 6.0,
            "spiky" => 1.0,
            _ if is_november && day.day() == launch => 20.0,
            _ => weekend,
        }
}

fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, 15).unwrap()
}

/// What was measured of one kind.
#[derive(Default)]
struct Score {
    ours: Vec<f64>,
    naive: Vec<f64>,
    within: usize,
}

fn score(kind: &str) -> Score {
    let november = Window::from("2026-11".parse::<BillingPeriod>().unwrap());
    let mut score = Score::default();
    for seed in 0..HISTORIES {
        let mut numbers = Numbers(seed * 1_000_003 + 17);
        let launch = 4 + u32::try_from(seed % 8).unwrap();
        let days: BTreeMap<NaiveDate, Decimal> = start()
            .iter_days()
            .take_while(|day| *day <= november.last_day())
            .map(|day| (day, Decimal::from_f64(spent(kind, day, launch, &mut numbers)).unwrap().round_to(2)))
            .collect();
        let of_month =
            |to: NaiveDate| -> f64 { days.range(november.first_day()..=to).map(|(_, spent)| spent.to_f64()).sum() };
        let total = of_month(november.last_day());
        for asked_on in ASKED_ON {
            let settled = NaiveDate::from_ymd_opt(2026, 11, asked_on).unwrap();
            // The data ends three days after the last settled day; those three are still filling up.
            let as_of = (settled + TimeDelta::days(4)).and_hms_opt(0, 0, 0).unwrap().and_utc();
            let known: BTreeMap<_, _> = days
                .iter()
                .filter(|(day, _)| **day <= settled + TimeDelta::days(3))
                .map(|(day, spent)| (*day, if *day > settled { half(*spent) } else { *spent }))
                .collect();
            let months = ["2026-09", "2026-10", "2026-11"]
                .map(|month| (month.parse().unwrap(), DataStatus { as_of: Some(as_of), ..DataStatus::default() }));
            let Outlook::Forecast(forecast) = outlook(&known, november, &DataSpan::new(months.into())).unwrap() else {
                panic!("there are weeks of history");
            };
            let naive = of_month(settled) / f64::from(asked_on) * 30.0;
            score.ours.push((forecast.expected.to_f64() - total).abs() / total * 100.0);
            score.naive.push((naive - total).abs() / total * 100.0);
            let interval = forecast.low.to_f64()..=forecast.high.to_f64();
            score.within += usize::from(interval.contains(&total));
        }
    }
    score
}

fn half(spent: Decimal) -> Decimal {
    Decimal::from_units(spent.units() / 2).unwrap()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap())
}

fn worst_tenth(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[values.len() * 9 / 10]
}

#[test]
fn forecasts_are_nearer_than_the_run_rate() {
    println!(
        "\n| history | forecast: mean error | one of ten beyond | run-rate: mean error | one of ten beyond | within interval |"
    );
    println!("|---|---|---|---|---|---|");
    let mut all = (Vec::new(), Vec::new());
    for kind in KINDS {
        let Score { ours, naive, within } = score(kind);
        let covered = 100 * within / ours.len();
        println!(
            "| {kind} | {:.1}% | {:.1}% | {:.1}% | {:.1}% | {covered}% |",
            mean(&ours),
            worst_tenth(&ours),
            mean(&naive),
            worst_tenth(&naive)
        );
        if kind != "steady" && kind != "spiky" {
            assert!(mean(&ours) < mean(&naive), "{kind}");
        }
        assert!(mean(&ours) < mean(&naive) + 1.5, "{kind}");
        all.0.extend(ours);
        all.1.extend(naive);
    }
    println!(
        "| all | {:.1}% | {:.1}% | {:.1}% | {:.1}% | |",
        mean(&all.0),
        worst_tenth(&all.0),
        mean(&all.1),
        worst_tenth(&all.1)
    );
    assert!(mean(&all.0) * 2.0 < mean(&all.1), "less than half as far off on the whole");
}
