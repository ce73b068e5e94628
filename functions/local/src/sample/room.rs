//! Fewer rows than the story needs: which of them are written.

use std::collections::{BTreeMap, BTreeSet};

use spend_core::bill::principal::{Identity, KeepSessions};
use spend_core::calendar::period::BillingPeriod;

use super::story::{self, Line};

/// What of the story found room.
#[derive(Debug)]
pub(super) struct Room {
    /// The usage lines, in their order.
    pub(super) usage: Vec<Line>,
    /// What did not, if anything.
    pub(super) left_out: Option<LeftOut>,
}

/// What the story lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// How many Bedrock rows there are.
    pub(super) rows: usize,
    /// How many the whole story has.
    pub(super) of: usize,
    /// How many callers are in none of them.
    pub(super) callers: usize,
}

/// The `usage` of a month with what the bill adds to it, in at most `rows` rows. Every caller keeps their largest lines:
/// first the largest of each, then the second of each, and so on.
pub(super) fn fit(period: BillingPeriod, usage: Vec<Line>, rows: usize) -> Room {
    let all = usage.len() + story::adjustments(period, &usage).len();
    if all <= rows {
        return Room { usage, left_out: None };
    }
    let keep = KeepSessions::new(["OktaDevelopers"]);
    let mut by_caller: BTreeMap<String, Vec<(usize, Line)>> = BTreeMap::new();
    for (index, line) in usage.into_iter().enumerate() {
        by_caller.entry(Identity::of(&line.principal, &keep).name).or_default().push((index, line));
    }
    let callers = by_caller.len();
    let mut ranked = Vec::new();
    for (caller, mut lines) in by_caller {
        lines.sort_by(|(_, left), (_, right)| right.cost.total_cmp(&left.cost));
        let largest = lines.first().map_or(0.0, |(_, line)| line.cost);
        let lines = lines.into_iter().enumerate();
        ranked.extend(lines.map(|(rank, (index, line))| (rank, largest, index, caller.clone(), line)));
    }
    ranked.sort_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)).then(left.2.cmp(&right.2)));
    let with = |count: usize| -> usize {
        let lines: Vec<Line> = ranked.iter().take(count).map(|(.., line)| line.clone()).collect();
        count + story::adjustments(period, &lines).len()
    };
    // Each line makes it more, so that the most that fit are found by halving.
    let (mut fits, mut too_many) = (0, ranked.len());
    while fits + 1 < too_many {
        let half = fits.midpoint(too_many);
        if with(half) <= rows { fits = half } else { too_many = half }
    }
    let rows = with(fits);
    ranked.truncate(fits);
    let named: BTreeSet<_> = ranked.iter().map(|(.., caller, _)| caller.clone()).collect();
    ranked.sort_by_key(|(_, _, index, ..)| *index);
    let left_out = Some(LeftOut { rows, of: all, callers: callers - named.len() });
    Room { usage: ranked.into_iter().map(|(.., line)| line).collect(), left_out }
}
