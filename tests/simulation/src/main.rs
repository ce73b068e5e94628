//! Plays many histories, one for each seed, and prints the shortest that fails of each seed that does.
//!
//! `spend-simulation [--seeds N] [--start SEED] [--most-failures N] [--tell] [--whole] [--each-call]`: `--tell` prints every
//! call of what it prints, `--whole` prints histories as they are. `--each-call` plays instead one history with one call
//! gone wrong, for each call and every way.

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use spend_simulation::history::generate::history;
use spend_simulation::history::trouble::Trouble;
use spend_simulation::once::{difference, peaceful, variants};
use spend_simulation::parallel;
use spend_simulation::play::play;
use spend_simulation::shrink::shrink;
use spend_simulation::world::Tally;

struct Arguments {
    seeds: u64,
    start: u64,
    most_failures: usize,
    is_told: bool,
    is_whole: bool,
    is_each_call: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut found =
        Arguments { seeds: 1000, start: 0, most_failures: 1, is_told: false, is_whole: false, is_each_call: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let next = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            next.parse::<u64>().map_err(|error| format!("{word} {next}: {error}"))
        };
        match word.as_str() {
            "--seeds" => found.seeds = number()?,
            "--start" => found.start = number()?,
            "--most-failures" => found.most_failures = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--tell" => found.is_told = true,
            "--whole" => found.is_whole = true,
            "--each-call" => found.is_each_call = true,
            other => {
                let options = "--seeds, --start, --most-failures, --tell, --whole, --each-call";
                return Err(format!("{other} is no option: {options}"));
            }
        }
    }
    Ok(found)
}

fn each_call(most_failures: usize) -> ExitCode {
    let begun = Instant::now();
    let peaceful = peaceful();
    let outcome = play(&peaceful, false);
    if let Some(violation) = outcome.violation {
        println!("{peaceful}=> {violation}");
        return ExitCode::FAILURE;
    }
    let variants = variants(&peaceful, &Trouble::ALL);
    let (found, played) = parallel::find(0..variants.len() as u64, most_failures, |number| {
        let variant = &variants[usize::try_from(number).unwrap()];
        difference(variant, &outcome.end).inspect(|how| println!("{variant}=> {how}\n"))
    });
    println!("{played} of {} in {:.1} s: {} failures", variants.len(), begun.elapsed().as_secs_f64(), found.len());
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    // A panic is a violation, which is printed with its history.
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|_| {}));
    }
    if arguments.is_each_call {
        return each_call(arguments.most_failures);
    }
    let begun = Instant::now();
    let tally = Mutex::new(Tally::default());
    let seeds = arguments.start..arguments.start + arguments.seeds;
    let (failures, played) = parallel::find(seeds, arguments.most_failures, |seed| {
        let outcome = play(&history(seed), false);
        *tally.lock().unwrap() += outcome.tally;
        if let Some(violation) = &outcome.violation {
            println!("seed {seed}: {violation}");
        }
        outcome.violation
    });
    let seconds = begun.elapsed().as_secs_f64();
    for (seed, violation) in &failures {
        let whole = (history(*seed), violation.clone());
        let (shortest, violation) = if arguments.is_whole { whole } else { shrink(&whole.0).unwrap_or(whole) };
        println!("{shortest}=> {violation}\n");
        if arguments.is_told {
            play(&shortest, true).lines.iter().for_each(|line| println!("{line}"));
        }
    }
    let Tally { calls, faults, deliveries, sandboxes } = *tally.lock().unwrap();
    println!(
        "{played} seeds in {seconds:.1} s: {deliveries} deliveries, {sandboxes} sandboxes, {calls} calls, {faults} faults; \
         {} failures",
        failures.len()
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
