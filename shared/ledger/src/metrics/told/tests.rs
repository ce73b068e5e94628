use super::*;
use crate::metrics::timing::window;
use crate::outputs::MAX_DATA;
use crate::reaction_fixtures::at;
use crate::state::document::{decode_compressed, encode_compressed};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn series(member: &str) -> SpendSeries {
    SpendSeries { currency: "USD".to_owned(), of: Some(("Identity".to_owned(), member.to_owned())) }
}

fn nothing() -> Told {
    let period = "2026-11".parse().unwrap();
    Told::nothing("BedrockLedger", &Statement { export_id: "finops".to_owned(), period })
}

/// So many series with the same amount on the same day.
fn targets(count: usize, amount: &str) -> Sums {
    let days = BTreeMap::from([(day("2026-11-14"), amount.parse().unwrap())]);
    (0..count).map(|number| (series(&format!("{number:0>4}")), days.clone())).collect()
}

fn now() -> DateTime<Utc> {
    at("2026-11-20T12:00:00Z")
}

fn plan(told: &mut Told, targets: &Sums) {
    told.plan(targets, |_| true, &window(now())).unwrap();
}

fn claim(told: &mut Told) -> Option<Batch> {
    told.claim(&window(now()), &BTreeSet::new(), now())
}

fn sizes(told: &Told) -> Vec<usize> {
    told.batches.iter().map(|batch| batch.differences.len()).collect()
}

#[test]
fn a_day_is_in_the_window_until_half_an_hour_before_cloudwatch_refuses_it() {
    let first = |now: &str| *window(at(now)).start();
    assert_eq!(first("2026-11-20T23:30:00Z"), day("2026-11-07"));
    assert_eq!(first("2026-11-20T23:30:01Z"), day("2026-11-08"));
    assert_eq!(first("2026-11-20T23:29:59Z"), day("2026-11-07"));
    assert_eq!(first("2026-11-21T00:00:00Z"), day("2026-11-08"));
    assert_eq!(first("2026-11-20T00:00:00Z"), day("2026-11-07"), "the midnight of the 6th would be two weeks old");
    assert_eq!(first("2026-11-19T23:30:00Z"), day("2026-11-06"));
    assert_eq!(first("2026-11-19T23:30:01Z"), day("2026-11-07"));
}

#[test]
fn a_day_is_in_the_window_once_cloudwatch_surely_takes_it() {
    let last = |now: &str| *window(at(now)).end();
    assert_eq!(last("2026-11-20T22:29:59Z"), day("2026-11-20"));
    assert_eq!(last("2026-11-20T22:30:00Z"), day("2026-11-21"));
}

#[test]
fn batches_hold_as_many_data_as_one_call_takes() {
    for (count, batches) in
        [(0, vec![]), (1, vec![1]), (MAX_DATA, vec![1000]), (MAX_DATA + 1, vec![1000, 1]), (2001, vec![1000, 1000, 1])]
    {
        let mut told = nothing();
        plan(&mut told, &targets(count, "1"));
        assert_eq!(sizes(&told), batches);
    }
}

#[test]
fn batches_hold_as_many_bytes_as_one_call_takes() {
    let long = |count: usize| -> Sums {
        let days = BTreeMap::from([(day("2026-11-14"), Decimal::ONE)]);
        (0..count).map(|number| (series(&format!("{number:0>1024}")), days.clone())).collect()
    };
    let fit = {
        let mut told = nothing();
        plan(&mut told, &long(MAX_DATA));
        sizes(&told)[0]
    };
    assert!(fit > 500 && fit < MAX_DATA, "{fit}");
    for (count, batches) in [(fit, vec![fit]), (fit + 1, vec![fit, 1])] {
        let mut told = nothing();
        plan(&mut told, &long(count));
        assert_eq!(sizes(&told), batches);
    }
}

#[test]
fn a_plan_takes_the_place_of_what_nobody_claimed_and_adds_to_what_somebody_did() {
    let mut told = nothing();
    plan(&mut told, &targets(1, "5"));
    plan(&mut told, &targets(1, "7"));
    assert_eq!(told.waiting(), 1, "the five were never put");
    assert_eq!(told.batches[0].differences[0].amount, "7".parse().unwrap());
    let claimed = claim(&mut told).unwrap();
    assert_eq!(claim(&mut told), None, "nobody else puts it");
    plan(&mut told, &targets(1, "4"));
    let amounts: Vec<_> = told.batches.iter().map(|batch| batch.differences[0].amount.to_string()).collect();
    assert_eq!(amounts, ["7", "-3"]);
    told.learn(&claimed, Fate::Landed).unwrap();
    assert_eq!((told.waiting(), told.doubts.len()), (1, 0));
}

#[test]
fn a_series_that_is_gone_is_taken_back_to_zero() {
    let mut told = nothing();
    plan(&mut told, &targets(2, "5"));
    while let Some(batch) = claim(&mut told) {
        told.learn(&batch, Fate::Landed).unwrap();
    }
    plan(&mut told, &targets(1, "5"));
    let [batch] = &told.batches[..] else { panic!("one difference") };
    assert_eq!((&batch.differences[0].series, batch.differences[0].amount), (&series("0001"), "-5".parse().unwrap()));
}

#[test]
fn a_claim_that_nobody_was_heard_of_is_given_up_after_half_an_hour() {
    let mut told = nothing();
    plan(&mut told, &targets(1, "5"));
    let batch = claim(&mut told).unwrap();
    assert_eq!(told.orphans(at("2026-11-20T12:30:00Z")), []);
    assert_eq!(told.orphans(at("2026-11-20T12:30:01Z")), [batch]);
    assert_eq!(told.orphans(at("2026-11-20T11:29:59Z")).len(), 1, "its clock ran ahead");
}

#[test]
fn a_fate_that_is_heard_of_late_counts() {
    let doubtful = || {
        let mut told = nothing();
        plan(&mut told, &targets(2, "5"));
        let batch = claim(&mut told).unwrap();
        told.learn(&batch, Fate::InDoubt).unwrap();
        (told, batch)
    };
    let (mut told, batch) = doubtful();
    told.learn(&batch, Fate::Landed).unwrap();
    assert_eq!(
        (told.doubts.len(), told.day(&series("0001"), day("2026-11-14")).unwrap().sum),
        (0, "5".parse().unwrap())
    );
    let (mut told, batch) = doubtful();
    "basis".clone_into(&mut told.planned_for);
    told.learn(&batch, Fate::NotPut).unwrap();
    assert_eq!((told.doubts.len(), told.day(&series("0001"), day("2026-11-14")).unwrap().sum), (0, Decimal::ZERO));
    assert_eq!(told.planned_for, "", "it is to be planned again");
}

#[test]
fn what_was_noted_before_takes_no_claim_from_anybody() {
    let mut told = nothing();
    plan(&mut told, &targets(1, "5"));
    let mine = claim(&mut told).unwrap();
    told.learn(&mine, Fate::NotPut).unwrap();
    let theirs = claim(&mut told).unwrap();
    told.learn(&mine, Fate::NotPut).unwrap();
    assert_eq!(claim(&mut told), None, "it is theirs");
    told.learn(&theirs, Fate::Landed).unwrap();
    assert_eq!(told.waiting(), 0);
}

#[test]
fn what_was_told_reads_back() {
    let mut told = nothing();
    plan(&mut told, &targets(3, "0.000000001"));
    let claimed = claim(&mut told).unwrap();
    told.learn(&claimed, Fate::InDoubt).unwrap();
    plan(&mut told, &targets(2, "-2"));
    let bytes = encode_compressed(&told).unwrap();
    assert_eq!(decode_compressed::<Told>("k", &bytes).unwrap(), told);
}

#[test]
fn what_was_refused_comes_last_and_is_claimed_once_in_a_call() {
    let mut told = nothing();
    plan(&mut told, &targets(MAX_DATA + 1, "1"));
    let first = claim(&mut told).unwrap();
    told.learn(&first, Fate::Refused).unwrap();
    assert_eq!(sizes(&told), [1, 1000]);
    let tried = BTreeSet::from([first.number]);
    let second = told.claim(&window(now()), &tried, now()).unwrap();
    assert_eq!(second.differences.len(), 1, "the others go first");
    assert_eq!((told.claim(&window(now()), &tried, now()), told.free(&window(now()), &tried)), (None, 0));
    told.learn(&second, Fate::Landed).unwrap();
    assert_eq!(claim(&mut told).unwrap().differences.len(), 1000, "the next call tries it again");
}

#[test]
fn what_version_1_says_is_read() {
    let mut told = nothing();
    plan(&mut told, &targets(2, "1"));
    let mut document = serde_json::to_value(&told).unwrap();
    document.as_object_mut().unwrap().remove("from").unwrap();
    let text = document.to_string().replacen('{', "{\"format\": \"told-metrics/1\",", 1);
    let bytes = zstd::encode_all(text.as_bytes(), 3).unwrap();
    assert_eq!(decode_compressed::<Told>("k", &bytes).unwrap(), told);
}

#[test]
fn a_renamed_member_keeps_its_sums_and_adds_to_what_the_other_had() {
    let (mut told, on) = (nothing(), day("2026-11-19"));
    let amounts = [("dana", "3"), ("alias", "2"), ("lee", "1")];
    plan(&mut told, &amounts.map(|(of, amount)| (series(of), [(on, amount.parse().unwrap())].into())).into());
    let renamed = |member: &str| (member == "dana").then(|| "alias".to_owned());
    let mut planned = told.clone();
    assert_eq!(planned.rename(renamed).unwrap(), Ok(()));
    assert_eq!(planned.day(&series("alias"), on).unwrap().sum, "5".parse().unwrap());
    assert_eq!(planned.day(&series("dana"), on), None);
    assert!(planned.awaits(&series("alias"), on) && !planned.awaits(&series("dana"), on));
    assert_eq!(planned.batches_so_far(), told.batches_so_far(), "it is no earlier version");

    let batch = claim(&mut told).unwrap();
    let claimed = told.clone();
    assert_eq!(told.rename(renamed).unwrap(), Err(Busy), "it is being put");
    assert_eq!(told, claimed);
    told.learn(&batch, Fate::InDoubt).unwrap();
    assert_eq!(told.rename(renamed).unwrap(), Err(Busy), "nobody knows whether it was taken");
    assert_eq!(told.rename(|member| (member == "x").then(String::new)).unwrap(), Ok(()), "others can be");
}

#[test]
fn what_was_put_of_a_name_lies_in_its_own_series_and_what_was_only_planned_does_not() {
    let (mut told, on) = (nothing(), day("2026-11-19"));
    let target = |of: &str, amount: &str| (series(of), BTreeMap::from([(on, amount.parse().unwrap())]));
    plan(&mut told, &[target("dana", "3"), target("alias", "2")].into());
    let batch = claim(&mut told).unwrap();
    told.learn(&batch, Fate::Landed).unwrap();
    plan(&mut told, &[target("dana", "7"), target("alias", "2")].into());
    let alias = |told: &Told| {
        let of_day = told.day(&series("alias"), on).unwrap();
        (of_day.sum.to_string(), of_day.put_here().unwrap().to_string())
    };
    let renamed = |member: &str| (member == "dana").then(|| "alias".to_owned());
    told.rename(renamed).unwrap().unwrap();
    assert_eq!(alias(&told), ("9".to_owned(), "6".to_owned()), "2 were put, and 4 will be");
    let stored = encode_compressed(&told).unwrap();
    assert_eq!(alias(&decode_compressed("k", &stored).unwrap()).1, "6");
    // Whoever was renamed once can be again: all but what is planned lies elsewhere.
    let batch = claim(&mut told).unwrap();
    told.learn(&batch, Fate::Landed).unwrap();
    told.rename(|member| (member == "alias").then(|| "other".to_owned())).unwrap().unwrap();
    assert_eq!(told.day(&series("other"), on).unwrap().put_here().unwrap(), Decimal::ZERO);
}

#[test]
fn days_outside_the_window_are_known_in_money_and_the_older_ones_by_their_number() {
    let total = |currency: &str| SpendSeries { currency: currency.to_owned(), of: None };
    // The window goes from the 7th to the 20th.
    let days =
        [("2026-11-05", "1"), ("2026-11-06", "2"), ("2026-11-07", "4"), ("2026-11-20", "8"), ("2026-11-21", "16")];
    let days: BTreeMap<_, _> = days.map(|(on, amount)| (day(on), amount.parse().unwrap())).into();
    let mut told = nothing();
    let targets = [(total("USD"), days.clone()), (total("EUR"), days.clone()), (series("ana"), days)].into();
    for _ in 0..2 {
        plan(&mut told, &targets);
        assert_eq!(told.too_old, 6, "two of each series, however often it is planned");
        let outside = told.outside.iter().map(|(currency, amount)| (currency.as_str(), amount.to_string()));
        assert_eq!(outside.collect::<Vec<_>>(), [("EUR", "19".to_owned()), ("USD", "19".to_owned())]);
        assert_eq!(told.waiting(), 6);
    }
}

#[test]
fn each_batch_and_each_claim_has_a_number_that_nothing_had_before() {
    let mut told = nothing();
    let mut numbers = BTreeSet::new();
    plan(&mut told, &targets(MAX_DATA + 1, "1"));
    numbers.extend(told.batches.iter().map(|batch| batch.number));
    for _ in 0..3 {
        let before = told.batches_so_far();
        let batch = claim(&mut told).unwrap();
        assert!(numbers.insert(batch.number), "{}", batch.number);
        assert_eq!(told.batches_so_far(), before + 1);
        told.learn(&batch, Fate::NotPut).unwrap();
    }
    assert_eq!(numbers.len(), 5);
}

#[test]
fn what_was_put_says_when_and_what_was_planned_alone_does_not() {
    let mut told = nothing();
    plan(&mut told, &targets(1, "1"));
    let put_at = |told: &Told| told.day(&series("0000"), day("2026-11-14")).unwrap().put_at;
    assert_eq!(put_at(&told), None);
    claim(&mut told).unwrap();
    assert_eq!(put_at(&told), Some(now()));
}

#[test]
fn a_batch_waits_for_its_series_and_day_alone() {
    let mut told = nothing();
    plan(&mut told, &targets(1, "1"));
    assert!(told.awaits(&series("0000"), day("2026-11-14")));
    assert!(!told.awaits(&series("0001"), day("2026-11-14")) && !told.awaits(&series("0000"), day("2026-11-15")));
}

#[test]
fn a_batch_with_a_day_that_has_left_the_window_is_stale_and_free_for_nobody() {
    let mut told = nothing();
    let on = |on: &str| BTreeMap::from([(day(on), Decimal::ONE)]);
    plan(&mut told, &[(series("ana"), on("2026-11-07")), (series("bob"), on("2026-11-14"))].into());
    let later = window(at("2026-11-21T12:00:00Z"));
    assert!(!told.is_stale(&window(now())) && told.is_stale(&later));
    assert_eq!((told.free(&window(now()), &BTreeSet::new()), told.free(&later, &BTreeSet::new())), (2, 0));
    assert_eq!(told.clone().claim(&later, &BTreeSet::new(), now()), None, "one call would put both");
    claim(&mut told).unwrap();
    assert!(!told.is_stale(&later), "somebody is putting it");
}

#[test]
fn the_currencies_of_a_month_are_those_of_which_a_day_was_ever_told() {
    let total = |currency: &str| SpendSeries { currency: currency.to_owned(), of: None };
    let on = |on: &str| BTreeMap::from([(day(on), Decimal::ONE)]);
    let mut told = nothing();
    let of_ana = SpendSeries { currency: "GBP".to_owned(), ..series("ana") };
    let first = [(total("EUR"), on("2026-11-14")), (total("USD"), on("2026-11-14")), (of_ana, on("2026-11-14"))];
    plan(&mut told, &first.into());
    while let Some(batch) = claim(&mut told) {
        told.learn(&batch, Fate::Landed).unwrap();
    }
    plan(&mut told, &[(total("USD"), on("2026-11-14"))].into());
    let of = |month: &str| told.totals_of(month.parse().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("2026-11"), ["EUR", "USD"], "also where it is back at zero, and of totals alone");
    assert_eq!(of("2026-10"), [""; 0]);
}

#[test]
fn of_a_day_of_which_all_was_put_to_its_own_series_nothing_else_is_stored() {
    let stored = |elsewhere| serde_json::to_value(ToldDay { elsewhere, ..ToldDay::default() }).unwrap();
    assert_eq!(stored(Decimal::ZERO).get("elsewhere"), None);
    assert!(stored(Decimal::ONE).get("elsewhere").is_some());
}
