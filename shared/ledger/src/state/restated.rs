//! Which changes are restatements: judged whenever the history is read, by what all months of the export had said before
//! the delivery. A commit cannot know it: deliveries of other months may be applied before or after it.

use std::collections::BTreeMap;

use spend_core::bill::category::Category;
use spend_core::calendar::data_span::DataSpan;
use spend_core::calendar::data_status::DataStatus;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::restated::Restated;

use crate::state::commit::{AppliedDelivery, CommitKind};
use crate::state::history::{HistoryEntry, Moved};

/// What was known of an export before one of its commits.
#[derive(Clone, Debug)]
pub struct Before {
    period: BillingPeriod,
    span: DataSpan,
}

impl Before {
    /// What was known before the commit of `entry`. `commits` are those of the export, in any order, of every month from
    /// that one on.
    ///
    /// Nothing is taken as known before a rebuild: it is no delivery, and restates nothing.
    pub fn of<'a>(
        entry: &HistoryEntry,
        commits: impl IntoIterator<Item = (BillingPeriod, &'a AppliedDelivery)>,
    ) -> Self {
        let mut span = BTreeMap::new();
        if entry.kind == CommitKind::Delivery {
            for (period, commit) in commits {
                if is_before((period, commit), (entry.period, &entry.delivery)) {
                    let status: &mut DataStatus = span.entry(period).or_default();
                    status.as_of = status.as_of.max(commit.data_as_of);
                    status.closed = period == entry.period && entry.after_close;
                }
            }
        }
        Self { period: entry.period, span: DataSpan::new(span) }
    }

    /// Whether what the commit changed is a restatement; never of a total over all days.
    pub fn is_restated(&self, moved: &Moved) -> bool {
        moved.day.is_some_and(|day| self.span.is_restated(self.period, day, category(moved).is_of_its_day()))
    }
}

fn is_before(
    (month, commit): (BillingPeriod, &AppliedDelivery),
    (period, of): (BillingPeriod, &AppliedDelivery),
) -> bool {
    if month == period { commit.sequence < of.sequence } else { commit.was_made_before(of) }
}

/// Whether a commit of `period` can have restated anything: it is a delivery, and something was known before. If not, its
/// entry in the history need not be read. `commits` as [`Before::of`] takes them.
pub fn is_possible<'a>(
    period: BillingPeriod,
    commit: &AppliedDelivery,
    mut commits: impl Iterator<Item = (BillingPeriod, &'a AppliedDelivery)>,
) -> bool {
    commit.kind() == CommitKind::Delivery && commits.any(|before| is_before(before, (period, commit)))
}

/// What a commit restated, in the order of its history; `commits` as [`Before::of`] takes them.
pub fn of<'a>(
    entry: &HistoryEntry,
    commits: impl IntoIterator<Item = (BillingPeriod, &'a AppliedDelivery)>,
) -> Vec<Restated> {
    let before = Before::of(entry, commits);
    let restated = entry.moved.iter().filter(|moved| before.is_restated(moved)).filter_map(|moved| {
        Some(Restated {
            period: entry.period,
            after_close: entry.after_close,
            day: moved.day?,
            identity: moved.identity.clone().unwrap_or_default(),
            category: category(moved),
            currency: moved.currency.clone(),
            before: moved.before,
            after: moved.after,
        })
    });
    restated.collect()
}

/// A name that this release does not know is another kind of money.
fn category(moved: &Moved) -> Category {
    moved.category.as_deref().and_then(|name| name.parse().ok()).unwrap_or(Category::Other)
}
