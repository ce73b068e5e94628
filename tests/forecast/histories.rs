//! Histories of daily spend that are made up, each of a kind, the same every time.

use chrono::{Datelike, NaiveDate};

/// How many histories there are of each kind.
pub const HISTORIES: u64 = 60;

/// A kind of history.
pub struct Kind {
    pub name: &'static str,
    /// What its days have, from [`first_day`] to [`last_day`].
    spent: fn(&mut Numbers, launch: u32) -> Vec<f64>,
    /// On which days of November it is asked where November is heading: those days are the last settled ones.
    pub asked_on: &'static [u32],
    /// How many settled days there are when it is asked, where there are fewer than all.
    pub settled_days: Option<u32>,
}

/// What forecasts were made for, and what a change of them is measured by.
pub const KINDS: [Kind; 6] = [
    Kind::new("steady", |numbers, _| history(numbers, 0.12, |_, _| 1.0)),
    Kind::new("weekly", |numbers, _| history(numbers, 0.12, |day, _| weekly(day, 0.25))),
    Kind::new("growing", |numbers, _| history(numbers, 0.12, |day, _| weekly(day, 0.25) * grown(day, 0.015))),
    Kind::new("launched", |numbers, launch| {
        history(numbers, 0.12, |day, _| weekly(day, 0.25) * if is_since(day, launch) { 4.0 } else { 1.0 })
    }),
    Kind::new("spiky", |numbers, _| history(numbers, 0.12, |_, luck| if luck < 0.12 { 6.0 } else { 1.0 })),
    Kind::new("runaway", |numbers, launch| {
        history(numbers, 0.12, |day, _| if is_on(day, launch) { 20.0 } else { weekly(day, 0.25) })
    }),
];

/// The same and other kinds with other parameters: a check that forecasts are not made for the first ones alone.
pub const OTHER_KINDS: [Kind; 22] = [
    Kind::new("steady, 5% noise", |numbers, _| history(numbers, 0.05, |_, _| 1.0)),
    Kind::new("steady, 30% noise", |numbers, _| history(numbers, 0.3, |_, _| 1.0)),
    Kind::new("wandering 4% a day", |numbers, _| wandering(numbers)),
    Kind::new("weekends a tenth", |numbers, _| history(numbers, 0.2, |day, _| weekly(day, 0.1))),
    Kind::new("weekends a half", |numbers, _| history(numbers, 0.2, |day, _| weekly(day, 0.5))),
    Kind::new("growing 0.5% a day", |numbers, _| history(numbers, 0.12, |day, _| grown(day, 0.005))),
    Kind::new("growing 3% a day", |numbers, _| history(numbers, 0.2, |day, _| weekly(day, 0.25) * grown(day, 0.03))),
    Kind::new("declining 1.5% a day", |numbers, _| {
        history(numbers, 0.12, |day, _| weekly(day, 0.5) * grown(day, -0.015))
    }),
    Kind::new("launched ×2", |numbers, launch| {
        history(numbers, 0.12, |day, _| weekly(day, 0.5) * if is_since(day, 2 * launch - 7) { 2.0 } else { 1.0 })
    }),
    Kind::new("launched ×10", |numbers, launch| {
        history(numbers, 0.2, |day, _| weekly(day, 0.25) * if is_since(day, 2 * launch - 7) { 10.0 } else { 1.0 })
    }),
    Kind::new("stopped", |numbers, launch| {
        history(numbers, 0.12, |day, _| weekly(day, 0.5) * if is_since(day, launch) { 0.1 } else { 1.0 })
    }),
    Kind::new("two members", |numbers, launch| {
        let grows = history(numbers, 0.12, |day, _| weekly(day, 0.1) * grown(day, 0.01));
        let launches = history(numbers, 0.2, |day, _| if is_since(day, launch) { 1.5 } else { 0.5 });
        grows.iter().zip(launches).map(|(one, other)| one + other).collect()
    }),
    Kind::new("runaway ×50 of two days", |numbers, launch| {
        history(
            numbers,
            0.12,
            |day, _| if is_on(day, launch) || is_on(day, launch + 1) { 50.0 } else { weekly(day, 0.5) },
        )
    }),
    Kind::new("spikes ×3", |numbers, _| history(numbers, 0.12, |_, luck| if luck < 0.25 { 3.0 } else { 1.0 })),
    Kind::new("three days of ten", |numbers, _| history(numbers, 0.3, |_, luck| if luck < 0.3 { 1.0 } else { 0.0 })),
    Kind::new("Mondays alone", |numbers, _| {
        history(numbers, 0.2, |day, _| if day.weekday().number_from_monday() == 1 { 1.0 } else { 0.0 })
    }),
    Kind::new("steady, 10 days", |numbers, _| history(numbers, 0.12, |_, _| 1.0)).of(10),
    Kind::new("weekly, 10 days", |numbers, _| history(numbers, 0.12, |day, _| weekly(day, 0.25))).of(10),
    Kind::new("weekly, 20 days", |numbers, _| history(numbers, 0.12, |day, _| weekly(day, 0.25))).of(20),
    Kind::new("growing, 20 days", |numbers, _| history(numbers, 0.12, |day, _| weekly(day, 0.25) * grown(day, 0.015)))
        .of(20),
    Kind::new("growing, 35 days", |numbers, _| history(numbers, 0.12, |day, _| weekly(day, 0.25) * grown(day, 0.015)))
        .of(35),
    Kind::new("weekly, asked early", |numbers, _| history(numbers, 0.12, |day, _| weekly(day, 0.25))).on(&[1, 2, 4, 6]),
];

impl Kind {
    const fn new(name: &'static str, spent: fn(&mut Numbers, u32) -> Vec<f64>) -> Self {
        Self { name, spent, asked_on: &[8, 13, 18, 23], settled_days: None }
    }

    /// With so many settled days when it is asked.
    const fn of(self, settled_days: u32) -> Self {
        Self { settled_days: Some(settled_days), ..self }
    }

    const fn on(self, asked_on: &'static [u32]) -> Self {
        Self { asked_on, ..self }
    }

    /// What the days of one of its histories have, from [`first_day`] on.
    pub fn history(&self, seed: u64) -> Vec<f64> {
        (self.spent)(&mut Numbers(seed * 1_000_003 + 17), 4 + u32::try_from(seed % 8).unwrap())
    }
}

/// The first day of every history.
pub fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, 15).unwrap()
}

/// The last day of every history, and of the month that is asked for.
pub fn last_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 30).unwrap()
}

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

fn days() -> impl Iterator<Item = NaiveDate> {
    first_day().iter_days().take_while(|day| *day <= last_day())
}

/// Days about a hundred times what `shape` says of a day and its luck, which is from 0 to 1.
fn history(numbers: &mut Numbers, noise: f64, shape: impl Fn(NaiveDate, f64) -> f64) -> Vec<f64> {
    days()
        .map(|day| {
            let noise = numbers.about(noise);
            100.0 * noise.max(0.0) * shape(day, numbers.next())
        })
        .collect()
}

/// Each day's level is near that of the day before.
fn wandering(numbers: &mut Numbers) -> Vec<f64> {
    let mut level = 1.0;
    let levels: Vec<f64> = days()
        .map(|_| {
            level *= numbers.about(0.04);
            level
        })
        .collect();
    history(numbers, 0.08, |day, _| weekly(day, 0.5)).iter().zip(levels).map(|(spent, level)| spent * level).collect()
}

fn weekly(day: NaiveDate, weekend: f64) -> f64 {
    if day.weekday().number_from_monday() > 5 { weekend } else { 1.0 }
}

fn grown(day: NaiveDate, by_day: f64) -> f64 {
    (1.0 + by_day).powf(f64::from(i32::try_from((day - first_day()).num_days()).unwrap()))
}

/// Whether it is this day of November.
fn is_on(day: NaiveDate, number: u32) -> bool {
    day.month() == 11 && day.day() == number
}

fn is_since(day: NaiveDate, number: u32) -> bool {
    day.month() == 11 && day.day() >= number
}
