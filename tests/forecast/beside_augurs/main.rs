//! How far forecasts of a month are off on generated histories, beside augurs' and the naive run-rate's:
//! `make forecast-table` prints the tables.

#[path = "../backtest.rs"]
mod backtest;
#[path = "../histories.rs"]
mod histories;
mod library;

use backtest::{Method, Question, Score};
use histories::{KINDS, Kind, OTHER_KINDS};

fn main() {
    let methods: [(&str, Method); 5] = [
        ("forecast", backtest::ours),
        ("AutoETS", library::ets),
        ("MSTL, AutoETS", library::mstl),
        ("the same of logarithms", library::mstl_of_logarithms),
        ("run-rate", backtest::run_rate),
    ];
    println!("\nMean error (one of ten is further off); how many totals lay within the interval, and its mean width.");
    for (title, kinds) in [("history", &KINDS[..]), ("other history", &OTHER_KINDS)] {
        table(title, kinds, &methods);
    }
}

/// A row for each kind; of each way of forecasting the mean error, how far one of ten is off, how many totals lay within
/// the interval, and how wide it was.
fn table(title: &str, kinds: &[Kind], methods: &[(&str, Method)]) {
    let heads: Vec<&str> = methods.iter().map(|(name, _)| *name).collect();
    println!("\n| {title} | {} |\n|---|{}", heads.join(" | "), "---|".repeat(methods.len()));
    let mut all: Vec<Score> = methods.iter().map(|_| Score::default()).collect();
    for kind in kinds {
        let questions = Question::of(kind);
        let scores: Vec<Score> = methods.iter().map(|(_, method)| Score::of(*method, &questions)).collect();
        println!("| {} | {} |", kind.name, cells(&scores).join(" | "));
        for (all, score) in all.iter_mut().zip(&scores) {
            all.add(score);
        }
    }
    println!("| all | {} |", cells(&all).join(" | "));
}

fn cells(scores: &[Score]) -> Vec<String> {
    let cell = |score: &Score| {
        let error = if score.mean_error() > 1000.0 { ">1000".to_owned() } else { format!("{:.1}", score.mean_error()) };
        let errors = format!("{error}% ({:.1}%)", score.worst_tenth());
        // Beyond any use.
        let width = if score.width() > 1000.0 { ">1000".to_owned() } else { format!("{:.0}", score.width()) };
        if score.width().is_nan() { errors } else { format!("{errors}; {:.0}% in {width}%", score.covered()) }
    };
    scores.iter().map(cell).collect()
}
