use chrono::{Days, NaiveDate};

use crate::bounds;
use crate::company::Company;
use crate::life::{FIRST_MONTH, Life, Settings};

const SMALL: Settings =
    Settings { company: Company { identities: 6, chunks: 1 }, months: 30, deliveries_a_day: 1, every: 30 };

#[tokio::test]
async fn what_is_kept_stops_growing() {
    let mut life = Life::new(SMALL);
    for number in 1..=SMALL.months {
        life.month(|_| ()).await;
        let passed = bounds::passed(life.holdings.last().unwrap(), &SMALL, life.deliveries, number);
        assert_eq!(passed, Vec::<String>::new(), "after {number} months");
    }
    // What expires has done so after 14 months.
    let (before, after) = (&life.holdings[14..22], &life.holdings[22..]);
    assert_eq!(bounds::grown(before, after), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_told_of_a_company_is_its_bill() {
    let mut life = Life::new(Settings { months: 2, ..SMALL });
    for _ in 0..2 {
        life.month(|_| ()).await;
    }
    let (year, month) = FIRST_MONTH;
    let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap() + Days::new(50);
    for day in 0..5 {
        assert!(life.is_told(first + Days::new(day)), "{day}");
    }
}
