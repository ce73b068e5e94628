//! A history for people: one line for each thing that happens.

use std::fmt::{self, Display, Formatter};

use crate::history::bill::{BillRow, COST_PLACES, PERSON};
use crate::history::configuration::Configuration;
use crate::history::delivery::{Delivery, ExportKind, Flaw};
use crate::history::step::{Actor, Does, Round, Step};
use crate::history::trouble::{At, Trouble};
use crate::history::{History, Times};

/// The names of exports, by number.
pub const EXPORTS: [&str; 2] = ["cur", "two"];

/// The names of months, by number.
pub const MONTHS: [&str; 4] = ["2026-10", "2026-11", "2026-12", "2027-01"];

impl Display for History {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let setup = &self.setup;
        writeln!(formatter, "seed {}, from {}", self.seed, setup.begins().format("%Y-%m-%d %H:%M"))?;
        for (export, name) in setup.exports.iter().zip(EXPORTS) {
            writeln!(formatter, "the export {name} {export}")?;
        }
        if setup.lost + setup.doubled + setup.late > 0 {
            let (lost, doubled, late) = (setup.lost, setup.doubled, setup.late);
            writeln!(formatter, "of a hundred events {lost} are lost, {doubled} come twice, {late} come late")?;
        }
        if let Some(times) = setup.copied {
            let of = if times == Times::OfSource { "their source" } else { "their arrival" };
            writeln!(formatter, "the bucket is a copy: files arrive late, in any order, with the times of {of}")?;
        }
        writeln!(formatter, "a page of a listing has {} objects", setup.page)?;
        for (number, step) in (1..).zip(&self.steps) {
            writeln!(formatter, "{number}. {step}")?;
        }
        Ok(())
    }
}

impl Display for ExportKind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let how = if self.keeps { "keeps every delivery" } else { "overwrites" };
        let manifests = match (self.has_manifests, self.has_ids) {
            (false, _) => "without manifests",
            (true, true) => "with execution ids",
            (true, false) => "without execution ids",
        };
        let format = if self.is_csv { "CSV" } else { "Parquet" };
        write!(formatter, "{how}, {manifests}, in {format}, of payer {}", self.payer + 1)
    }
}

impl Display for Step {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass { minutes } => write!(formatter, "{} pass", time(*minutes)),
            Self::Configure(configuration) => write!(formatter, "the owner writes a configuration: {configuration}"),
            Self::Upgrade { percent } => {
                write!(formatter, "an upgrade: {percent} of a hundred objects are as an older release wrote them")
            }
            Self::Round(round) => write!(formatter, "{round}"),
        }
    }
}

fn time(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} minutes"),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} hours {minutes} minutes"),
    }
}

impl Display for Configuration {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} USD a month", self.budget)?;
        if let Some(weekly) = self.weekly {
            write!(formatter, ", {weekly} USD a week for each identity")?;
        }
        write!(formatter, ", credits {}", if self.credits { "count" } else { "do not count" })?;
        write!(formatter, ", {} series at first", self.top)?;
        if self.compares {
            formatter.write_str(", jumps and oddities")?;
        }
        if self.first_run != "send" {
            write!(formatter, ", first a {}", self.first_run)?;
        }
        if self.singly < 20 {
            write!(formatter, ", {} alerts singly", self.singly)?;
        }
        if let Some((payer, export)) = self.chosen {
            write!(formatter, ", payer {} from {}", payer + 1, EXPORTS[usize::from(export)])?;
        }
        if let Some(export) = self.only {
            write!(formatter, ", only {} counts", EXPORTS[usize::from(export)])?;
        }
        if let Some(export) = self.retired {
            write!(formatter, ", {} is retired", EXPORTS[usize::from(export)])?;
        }
        if self.broken {
            formatter.write_str("; the file is broken")?;
        }
        Ok(())
    }
}

impl Display for Round {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.actors[..] {
            [] => formatter.write_str("nobody does anything"),
            [one] => write!(formatter, "{one}"),
            several => {
                write!(formatter, "at once, in turns by {}:", self.pace)?;
                several.iter().try_for_each(|actor| write!(formatter, "\n   - {actor}"))
            }
        }
    }
}

impl Display for Actor {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.does)?;
        if self.clock != 0 {
            write!(formatter, ", its clock {} seconds ahead", self.clock)?;
        }
        if let Some(calls) = self.hurried {
            write!(formatter, ", its time over after call {calls}")?;
        }
        self.troubles.iter().try_for_each(|(at, trouble)| match at {
            At::Call(call) => write!(formatter, ", call {call} {trouble}"),
            At::Telling(call) => write!(formatter, ", call {call} of those that tell {trouble}"),
        })
    }
}

impl Display for Does {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver(delivery) => write!(formatter, "{delivery}"),
            Self::Take(function, most) => write!(formatter, "{} takes up to {most} events", function.name()),
            Self::Sweep(function) => write!(formatter, "{} sweeps", function.name()),
            Self::Digest => formatter.write_str("digest is made"),
            Self::Forget => write!(formatter, "the owner lets the ledger forget {PERSON}"),
        }
    }
}

impl Display for Delivery {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let (export, month) = (EXPORTS[usize::from(self.export)], MONTHS[usize::from(self.month)]);
        write!(formatter, "{export} delivers {month} as delivery {}", self.number)?;
        match self.flaw {
            None => {}
            Some(Flaw::Halts(files)) => write!(formatter, ", and stops after {files} files")?,
            Some(Flaw::NoManifest) => formatter.write_str(", without its manifest")?,
            Some(Flaw::Damaged(file)) => write!(formatter, ", file {} damaged", file + 1)?,
        }
        if self.gap > 0 {
            write!(formatter, ", {} seconds between files", self.gap)?;
        }
        for (number, rows) in (1..).zip(&self.chunks) {
            write!(formatter, "\n     file {number}:")?;
            if rows.is_empty() {
                formatter.write_str(" no rows")?;
            }
            rows.iter().try_for_each(|row| write!(formatter, "\n       {row}"))?;
        }
        Ok(())
    }
}

impl Display for BillRow {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let who = if self.caller == 0 { "nobody" } else { self.identity() };
        let (day, currency, category, model) = (self.day, self.currency(), self.category(), self.model());
        let model = if model.is_empty() { "no model" } else { model };
        let (account, team) = (self.account(), self.team());
        write!(formatter, "day {day}: {} {currency} {category}, {who}, {model}, account {account}", cost(self.cost))?;
        if !team.is_empty() {
            write!(formatter, ", team {team}")?;
        }
        if self.invoiced { formatter.write_str(", invoiced") } else { Ok(()) }
    }
}

/// A cost as a decimal without trailing zeros.
pub fn cost(units: i64) -> String {
    let whole = 10_u64.pow(COST_PLACES);
    let (sign, units) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
    let places = usize::try_from(COST_PLACES).unwrap();
    let text = format!("{sign}{}.{:0places$}", units / whole, units % whole);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Display for Trouble {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Throttled => "is throttled",
            Self::NoEffect => "does nothing and is not answered",
            Self::NoAnswer => "is done and not answered",
            Self::TriedAgain => "is done, not answered, and tried again",
            Self::Refused => "is refused",
            Self::Slow => "is slow",
            Self::DiesBefore => "never begins, because the sandbox dies",
            Self::DiesAfter => "is done, and the sandbox dies",
        })
    }
}
