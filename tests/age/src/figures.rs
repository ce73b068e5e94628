//! What a step costs: requests, processor time, memory.

use std::collections::BTreeMap;
use std::fs;

use crate::outside::Outside;
use crate::shelf::{Requests, Shelf};

/// Milliseconds of a clock tick, as Linux counts processor time: `USER_HZ` is 100 on every architecture that it runs on.
const TICK: u64 = 10;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The sweep of the export's bucket: a delivery is sealed and reduced.
    Ingest,
    /// The sweep of ready deliveries: it is added up and committed.
    Aggregate,
    Metrics,
    /// Rules, messages, notes, subscriptions.
    Alert,
    /// Pages, files for finance, digests.
    Digest,
    /// All sweeps of a quarter of an hour, where nothing is new.
    Idle,
}

impl Step {
    pub const ALL: [Self; 6] = [Self::Ingest, Self::Aggregate, Self::Metrics, Self::Alert, Self::Digest, Self::Idle];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Aggregate => "aggregate",
            Self::Metrics => "metrics",
            Self::Alert => "alert",
            Self::Digest => "digest",
            Self::Idle => "idle sweeps",
        }
    }
}

/// What a step has cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub runs: u64,
    pub requests: Requests,
    /// The most requests of a run.
    pub most_requests: u64,
    /// Milliseconds of processor time, in all.
    pub cpu: u64,
    /// The most of a run.
    pub most_cpu: u64,
    /// The most kilobytes of memory that a run has added to what the process had.
    pub memory: u64,
}

/// What each step has cost in a year.
pub type Costs = BTreeMap<Step, Cost>;

/// Processor time of the process, in milliseconds. Source: proc(5), `/proc/pid/stat`, fields 14 and 15.
fn cpu() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    ticks.sum::<u64>() * TICK
}

/// A line of `/proc/self/status`, in kilobytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|field| field.parse().ok()).unwrap_or_default()
}

/// Runs a step, and adds what it took to the step's cost.
pub async fn measured<T>(
    costs: &mut Costs,
    step: Step,
    ledger: &Shelf,
    export: &Shelf,
    run: impl Future<Output = T>,
) -> T {
    let asked = || {
        let mut requests = ledger.requests();
        requests += export.requests();
        requests
    };
    // The peak begins anew. Source: proc(5), `/proc/pid/clear_refs`.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let (requests, before, had) = (asked(), cpu(), memory("VmRSS"));
    let done = run.await;
    let (took, requests) = (cpu() - before, asked() - requests);
    let cost = costs.entry(step).or_default();
    cost.runs += 1;
    cost.requests += requests;
    cost.most_requests = cost.most_requests.max(requests.count());
    cost.cpu += took;
    cost.most_cpu = cost.most_cpu.max(took);
    cost.memory = cost.memory.max(memory("VmHWM").saturating_sub(had));
    done
}

/// What the costs are, as a table.
pub fn table(costs: &Costs) -> String {
    let mut text = format!(
        "  {:12} {:>6} {:>8} {:>8} {:>8} {:>6} {:>6} {:>6} {:>6} {:>10}\n",
        "step", "runs", "CPU ms", "at most", "MB more", "GET", "HEAD", "LIST", "PUT", "KB written"
    );
    for step in Step::ALL {
        let Some(cost) = costs.get(&step) else { continue };
        let Cost { runs, requests, most_cpu, memory, .. } = cost;
        let each = |sum: u64| sum / runs;
        let line = format!(
            "  {:12} {runs:>6} {:>8} {most_cpu:>8} {:>8} {:>6} {:>6} {:>6} {:>6} {:>10}\n",
            step.as_str(),
            each(cost.cpu),
            memory / 1000,
            each(requests.gets),
            each(requests.heads),
            each(requests.lists),
            each(requests.puts),
            each(requests.bytes_written) / 1000,
        );
        text.push_str(&line);
    }
    text
}

/// Data and messages so far, in words.
pub fn taken(outside: &Outside) -> String {
    let taken = outside.taken();
    format!("{} data in {} calls, {} mails, {} events", taken.data, taken.puts, taken.mails, taken.events)
}
