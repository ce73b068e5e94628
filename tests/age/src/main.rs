//! Lets a ledger grow old, and prints by year what it keeps and what each step costs. Fails where more is kept than the
//! bounds allow.
//!
//! `spend-age [--identities N] [--months N] [--deliveries-a-day N] [--every DAYS] [--chunks N] [--daily]`

use std::process::ExitCode;
use std::time::Instant;

use spend_age::bounds;
use spend_age::company::Company;
use spend_age::figures::{table, taken};
use spend_age::life::{Holdings, Life, Settings};

struct Arguments {
    settings: Settings,
    /// Whether figures are printed of each day rather than of each year.
    is_daily: bool,
}

fn arguments() -> Result<Arguments, String> {
    let company = Company { identities: 5000, chunks: 2 };
    let mut settings = Settings { company, months: 36, deliveries_a_day: 3, every: 1 };
    let mut is_daily = false;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--daily" {
            is_daily = true;
            continue;
        }
        let next = words.next().ok_or_else(|| format!("{word} needs a number"))?;
        let number: u32 = next.parse().map_err(|error| format!("{word} {next}: {error}"))?;
        match word.as_str() {
            "--identities" => settings.company.identities = number.into(),
            "--months" => settings.months = number.into(),
            "--deliveries-a-day" => settings.deliveries_a_day = number,
            "--every" => settings.every = number.into(),
            "--chunks" => settings.company.chunks = number as usize,
            other => {
                let options = "--identities, --months, --deliveries-a-day, --every, --chunks, --daily";
                return Err(format!("{other} is no option: {options}"));
            }
        }
    }
    Ok(Arguments { settings, is_daily })
}

fn kept(life: &Life, holdings: &Holdings, months: u64) -> String {
    let mut text = format!(
        "  {:16} {:>8} {:>9} {:>12} {:>12} {:>9} {:>12}\n",
        "kind", "objects", "at most", "KB", "largest KB", "at most", "replaced KB"
    );
    let kilobytes = |bytes: u64| bytes.div_ceil(1000);
    let (mut objects, mut bytes, mut replaced) = (0, 0, 0);
    for (kind, holding) in holdings {
        let name = kind.map_or_else(|| "unknown".to_owned(), |kind| format!("{kind:?}"));
        let most = kind.map(|kind| bounds::most(kind, &life.settings, life.deliveries, months));
        let (most_objects, most_bytes) = most.unwrap_or_default();
        let line = format!(
            "  {name:16} {:>8} {most_objects:>9} {:>12} {:>12} {:>9} {:>12}\n",
            holding.objects,
            kilobytes(holding.bytes),
            kilobytes(holding.largest),
            kilobytes(most_bytes),
            kilobytes(holding.replaced)
        );
        text.push_str(&line);
        objects += holding.objects;
        bytes += holding.bytes;
        replaced += holding.replaced;
    }
    let (bytes, replaced) = (kilobytes(bytes), kilobytes(replaced));
    text + &format!("  {:16} {objects:>8} {:>9} {bytes:>12} {:>12} {:>9} {replaced:>12}\n", "all", "", "", "")
}

async fn live(Arguments { settings, is_daily }: Arguments) -> ExitCode {
    let begun = Instant::now();
    println!("{settings:?}");
    let mut life = Life::new(settings);
    let mut wrong = Vec::new();
    for number in 1..=settings.months {
        life.month(|life| {
            if is_daily {
                println!("{} deliveries\n{}", life.deliveries, table(&life.costs));
            }
        })
        .await;
        let holdings = life.holdings.last().unwrap();
        wrong.extend(bounds::passed(holdings, &settings, life.deliveries, number));
        if number % 12 == 0 || number == settings.months {
            println!(
                "after {number} months: {} deliveries, {}, {} s\n{}\n{}",
                life.deliveries,
                taken(&life.outside),
                begun.elapsed().as_secs(),
                kept(&life, holdings, number),
                table(&life.costs)
            );
            life.costs.clear();
        } else {
            eprintln!("month {number}, {} s", begun.elapsed().as_secs());
        }
    }
    let years: Vec<_> = life.holdings.chunks(12).collect();
    if let [.., before, after] = &years[..] {
        wrong.extend(bounds::grown(before, after));
    }
    for what in &wrong {
        println!("{what}");
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(live(arguments))
}
