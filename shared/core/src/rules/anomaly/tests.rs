use super::*;
use crate::calendar::data_status::DataStatus;
use crate::facts::spend::CostPolicy;
use crate::fixtures::{FactRow, decimal, fact, table};

fn anomaly() -> Anomaly {
    Anomaly { rule: Rule::new("odd"), minimum: decimal("50"), deviations: 6, runaway: 10, new_above: decimal("100") }
}

fn span(as_of: &str) -> DataSpan {
    let status = DataStatus { as_of: format!("{as_of}T00:00:00Z").parse().ok(), ..DataStatus::default() };
    DataSpan::new(["2026-10", "2026-11"].map(|month| (month.parse().unwrap(), status)).into())
}

/// Facts of every day from a day to 20 November.
fn from(first: &str, spent: impl Fn(NaiveDate) -> i64) -> Vec<FactRow> {
    let last = "2026-11-20".parse().unwrap();
    let days = first.parse::<NaiveDate>().unwrap().iter_days().take_while(|day| *day <= last);
    days.map(|day| fact(&day.to_string(), &spent(day).to_string(), &[])).collect()
}

/// What is crossed on each day of November, as soon as the data has that day.
fn crossed(facts: &[FactRow]) -> Vec<(u32, String)> {
    let mut crossed = Vec::new();
    for number in 1..=20 {
        let day: NaiveDate = format!("2026-11-{number:02}").parse().unwrap();
        let known = table(facts.iter().filter(|fact| fact.key.usage_date <= day));
        let span = span(&(day + Days::new(1)).to_string());
        let found = anomaly()
            .evaluate(known.rows(), &Known { policy: &CostPolicy::default(), span: &span, days: &[day] })
            .unwrap();
        crossed.extend(found.iter().flat_map(Measurement::crossed).map(|level| (number, level.name.clone())));
        // The verdict of a day stays when the days after it come.
        let later = anomaly()
            .evaluate(
                table(facts).rows(),
                &Known {
                    policy: &CostPolicy::default(),
                    span: &crate::rules::anomaly::tests::span("2026-11-21"),
                    days: &[day],
                },
            )
            .unwrap();
        assert_eq!(
            found.iter().map(|found| &found.levels).collect::<Vec<_>>(),
            later.iter().map(|found| &found.levels).collect::<Vec<_>>()
        );
    }
    crossed
}

fn named(found: &[(u32, &str)]) -> Vec<(u32, String)> {
    found.iter().map(|(day, name)| (*day, (*name).to_owned())).collect()
}

#[test]
fn a_runaway_day_is_told_on_the_day_itself_and_the_days_after_are_not() {
    let spent = |day: NaiveDate| if day.to_string() == "2026-11-17" { 1200 } else { 60 };
    assert_eq!(crossed(&from("2026-10-01", spent)), named(&[(17, "spike"), (17, "runaway")]));
}

#[test]
fn a_weekly_rhythm_is_no_anomaly() {
    let monday = |day: NaiveDate| if day.weekday() == chrono::Weekday::Mon { 900 } else { 60 };
    assert!(crossed(&from("2026-10-01", monday)).is_empty());
    let weekdays = |day: NaiveDate| if day.weekday().number_from_monday() > 5 { 5 } else { 300 };
    assert!(crossed(&from("2026-10-01", weekdays)).is_empty());
}

#[test]
fn what_came_twice_before_is_a_rhythm_too() {
    let fortnight =
        |day: NaiveDate| if day.to_string().ends_with("-01") || day.to_string().ends_with("-15") { 900 } else { 60 };
    assert!(!crossed(&from("2026-10-01", fortnight)).iter().any(|(day, _)| *day == 15));
}

#[test]
fn less_than_the_minimum_is_nobodys_trouble() {
    let spent = |day: NaiveDate| if day.to_string() == "2026-11-17" { 49 } else { 1 };
    assert!(crossed(&from("2026-10-01", spent)).is_empty());
}

#[test]
fn a_new_spender_is_told_of_once_on_the_day_that_it_has_spent_too_much() {
    assert_eq!(crossed(&from("2026-11-10", |_| 40)), named(&[(12, "new")]));
    assert!(crossed(&from("2026-11-10", |_| 10)).is_empty());
}

#[test]
fn a_new_spender_that_begins_with_just_the_limit_is_told_of_with_the_next_cent() {
    let spent = |day: NaiveDate| if day.to_string() == "2026-11-07" { 100 } else { 4000 };
    assert_eq!(crossed(&from("2026-11-07", spent)), named(&[(8, "new")]));
}

#[test]
fn a_new_spender_is_new_until_its_past_can_speak() {
    for late in 8..=10 {
        let begun = "2026-11-07".parse::<NaiveDate>().unwrap();
        let spent = |day: NaiveDate| match (day - begun).num_days() + 1 {
            1 => 1,
            number if number == late => 9000,
            _ => 0,
        };
        let told = u32::try_from(6 + late).unwrap();
        assert_eq!(crossed(&from("2026-11-07", spent)), named(&[(told, "new")]), "on its day {late}");
    }
    // From the eleventh day on there are seven days that had settled before.
    let spent = |day: NaiveDate| if day.to_string() == "2026-11-17" { 9000 } else { 5 };
    assert_eq!(crossed(&from("2026-11-07", spent)), named(&[(17, "spike"), (17, "runaway")]));
}

#[test]
fn what_a_new_spender_is_told_of_is_explained_by_all_of_its_days() {
    let facts = table(&from("2026-11-10", |_| 40));
    let day = "2026-11-12".parse().unwrap();
    let found = anomaly()
        .evaluate(facts.rows(), &Known { policy: &CostPolicy::default(), span: &span("2026-11-21"), days: &[day] })
        .unwrap();
    assert_eq!(found[0].covered, ("2026-11-10".parse().unwrap(), day));
    assert_eq!(found[0].driver.as_ref().unwrap().spent, decimal("120"));
}

#[test]
fn a_runaway_day_names_its_own_limit() {
    let facts = table(&from("2026-10-01", |day| if day.to_string() == "2026-11-17" { 1200 } else { 60 }));
    let day = "2026-11-17".parse().unwrap();
    let found = anomaly()
        .evaluate(facts.rows(), &Known { policy: &CostPolicy::default(), span: &span("2026-11-21"), days: &[day] })
        .unwrap();
    match found[0].detail {
        Detail::Anomaly { shape, limit, .. } => assert_eq!((shape, limit), (Shape::Runaway, decimal("600"))),
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_is_new_in_a_ledger_that_has_just_begun() {
    let facts = table(&from("2026-10-05", |_| 400));
    let days: Vec<NaiveDate> = facts.rows().map(Fact::day).collect();
    let found = anomaly()
        .evaluate(facts.rows(), &Known { policy: &CostPolicy::default(), span: &span("2026-11-21"), days: &days })
        .unwrap();
    assert!(found.iter().flat_map(Measurement::crossed).next().is_none());
}

/// How much is crossed on a day, by what is known of November alone.
fn crossed_on(day: &str, as_of: &str, facts: &[FactRow]) -> usize {
    let status = DataStatus { as_of: format!("{as_of}T00:00:00Z").parse().ok(), ..DataStatus::default() };
    let span = DataSpan::new([("2026-11".parse().unwrap(), status)].into());
    let days = [day.parse().unwrap()];
    let found = anomaly()
        .evaluate(table(facts).rows(), &Known { policy: &CostPolicy::default(), span: &span, days: &days })
        .unwrap();
    found.iter().flat_map(Measurement::crossed).count()
}

#[test]
fn seven_settled_days_are_a_past_and_six_are_none() {
    let spike_on = |spike: u32| from("2026-11-01", move |day| if day.day() == spike { 5_000 } else { 9 });
    // The 1st to the 7th had settled when the 11th began.
    assert!(crossed_on("2026-11-11", "2026-11-12", &spike_on(11)) > 0);
    assert_eq!(crossed_on("2026-11-10", "2026-11-11", &spike_on(10)), 0);
    assert_eq!(crossed_on("2026-11-08", "2026-11-20", &spike_on(8)), 0, "also once more has settled");
}

#[test]
fn a_day_whose_past_has_not_settled_yet_is_not_judged() {
    let facts = from("2026-11-01", |day| if day.day() == 15 { 5_000 } else { 9 });
    assert_eq!(crossed_on("2026-11-15", "2026-11-14", &facts), 0, "the 11th settles on the 15th");
    assert!(crossed_on("2026-11-15", "2026-11-15", &facts) > 0);
}
