//! Seeds, and what was found by them.

use crate::history::generate::history;
use crate::play::play;

#[test]
fn the_first_seeds_hold() {
    let first: u64 = std::env::var("START").map_or(0, |text| text.parse().unwrap());
    let count: u64 = std::env::var("SEEDS").map_or(20, |text| text.parse().unwrap());
    let started = std::time::Instant::now();
    let mut tally = crate::world::Tally::default();
    for seed in first..first + count {
        let outcome = play(&history(seed), false);
        tally += outcome.tally;
        if let Some(violation) = outcome.violation {
            println!("seed {seed}: {violation}");
        }
    }
    println!("{tally:?} {:?}", started.elapsed());
}
