//! What each object of a ledger is, by its key, and what is to be done about one that is damaged: the one place that says
//! whether it may be removed. `docs/operations.md` says the same at length.

use crate::state::keys::{self, Statement};

/// What kind of object it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A file of the export, reduced.
    Reduction,
    /// What a delivery consists of.
    Sealed,
    /// That a delivery is reduced.
    Ready,
    /// That a manifest was there before its files were.
    SeenManifest,
    /// Which export is counted for a payer and period.
    Claim,
    /// What a commit moved.
    History,
    /// A billing period: the only commit.
    State,
    /// The facts as Parquet.
    Facts,
    /// What a namespace was told of a period's spend.
    Told,
    /// Who has series of their own.
    Series,
    /// When health was put, and how far each period was told by then.
    Health,
    /// Which gauges show something.
    Gauges,
    /// What was alerted, and what is to be sent.
    Alerts,
    /// Which digests were made, and what is to be sent.
    Digests,
    /// A note to operations.
    Note,
    /// Which notes were sent.
    Operations,
    /// How many subscriptions topics have, and what is to be told of it.
    Subscriptions,
    /// How far the first sweep of the export's bucket has come.
    Backfill,
    /// What the sweep of the export's bucket remembers.
    SweptDeliveries,
    /// What the sweep of ready deliveries remembers.
    SweptReady,
    /// A page, or a file for finance.
    Report,
    /// What a report's numbers are, for programs.
    PageNumbers,
    /// What the files for finance rest on.
    Chargeback,
    /// The configuration, or a file that it names, as its owner writes it.
    Configuration,
    /// The configuration in force.
    InForce,
    /// Which names are replaced.
    Forgotten,
    /// Records of a gateway.
    Metering,
}

impl Kind {
    /// What lies at a key; `None` if the program writes nothing there and reads nothing.
    pub fn of(key: &str) -> Option<Self> {
        let (folder, rest) = key.split_once('/')?;
        let is = |end: &str| rest.ends_with(end);
        Some(match folder {
            "reductions" if is(".json.zst") => Self::Reduction,
            "deliveries" if is("/sealed.json") => Self::Sealed,
            "deliveries" if is("/ready.json") => Self::Ready,
            "deliveries" if is("/manifest.json") => Self::SeenManifest,
            "claims" if is(".json") => Self::Claim,
            "history" if is(".json") || is(".json.zst") => Self::History,
            "state" => Statement::from_state_key(key).map(|_| Self::State)?,
            "facts" if is("/facts.parquet") => Self::Facts,
            "metrics" if key == keys::METRIC_SERIES => Self::Series,
            "metrics" if is("/health.json") => Self::Health,
            "metrics" if is("/gauges.json") => Self::Gauges,
            "metrics" if is(".json.zst") && rest.contains("/told/") => Self::Told,
            "alerts" if rest == "state.json" => Self::Alerts,
            "digests" if rest == "state.json" => Self::Digests,
            "operations" if rest == "state.json" => Self::Operations,
            "operations" if rest == "subscriptions.json" => Self::Subscriptions,
            "operations" if rest.starts_with("notes/") && is(".json") => Self::Note,
            "sweep" if key == keys::BACKFILL => Self::Backfill,
            "sweep" if key == keys::SWEPT_DELIVERIES => Self::SweptDeliveries,
            "sweep" if key == keys::SWEPT_READY => Self::SweptReady,
            "pages" if is(".json") => Self::PageNumbers,
            "pages" if is(".html") => Self::Report,
            "chargeback" if is("/about.json") => Self::Chargeback,
            "chargeback" if is(".csv") => Self::Report,
            "config" if key == keys::CONFIG_IN_FORCE => Self::InForce,
            "config" if key == keys::FORGOTTEN => Self::Forgotten,
            "config" => Self::Configuration,
            "metering" => Self::Metering,
            _ => return None,
        })
    }

    /// What to do if it is damaged or gone.
    pub fn cure(self) -> &'static str {
        match self {
            Self::Reduction => {
                "put it back from an earlier version; without one, remove it together with sweep/deliveries.json and run \
                 again: the export's file is read again if it is still there unchanged"
            }
            Self::Sealed => {
                "put it back from an earlier version; without one, remove it and run again: what the manifest lists is \
                 pinned again, and a delivery that is ready does not need it"
            }
            Self::Ready => {
                "put it back from an earlier version; without one, remove it and run again: the delivery is declared \
                 ready again"
            }
            Self::SeenManifest => {
                "put it back from an earlier version; without one, remove it: in a replica, files of that delivery may then \
                 be taken for the next one's"
            }
            Self::Claim => {
                "put it back from an earlier version and never remove it: another export of the same bill could claim \
                 the month, and the month be counted twice"
            }
            Self::History => {
                "put it back from an earlier version and never remove it: nothing makes it again, although the numbers in \
                 force do not need it"
            }
            Self::State => {
                "put it back from an earlier version and run again: a newer delivery that is ready is applied to it; \
                 without one, remove it and run again: every delivery that is ready is applied again"
            }
            Self::Facts => "remove it and run again: it is written again from the month's state",
            Self::Told => {
                "put its newest whole version back and never remove it: nobody else knows what CloudWatch was told, and \
                 all of it would be put twice; without a version, name another namespace for the metrics"
            }
            Self::Series => {
                "put it back from an earlier version and do not remove it: the members of each dimension would be chosen \
                 anew, and past spend move between series"
            }
            Self::Health => {
                "put it back from an earlier version; without one, remove it and run again: it is written again, but until \
                 then a lost object below told/ is not noticed"
            }
            Self::Gauges => {
                "put it back from an earlier version; without one, remove it and run again: a gauge that has no value any \
                 more may stay at its last one"
            }
            Self::Alerts => {
                "put it back from an earlier version and never remove it: everything that is over a limit would be alerted \
                 again, and what was to be sent would be lost"
            }
            Self::Digests => {
                "put it back from an earlier version and never remove it: digests that were sent would be sent again, and \
                 what was to be sent would be lost"
            }
            Self::Operations => {
                "put it back from an earlier version and do not remove it: every note that is still there would be sent \
                 again"
            }
            Self::Subscriptions => {
                "put it back from an earlier version, or remove it: topics are asked again, and others are told again of those \
                 that nobody reads"
            }
            Self::Note => "remove it: what it tells of is told again if it is still so",
            Self::Backfill => {
                "remove it: rules that were never evaluated then wait for fresh data, or until nothing was committed for \
                 six hours"
            }
            Self::SweptDeliveries | Self::SweptReady => "remove it: the next sweep looks at everything again",
            Self::Report | Self::PageNumbers | Self::Chargeback => {
                "remove it: the next digest writes those of the newest three months again; of older months put it back \
                 from an earlier version"
            }
            Self::Configuration | Self::InForce => {
                "write config/ledger.toml again, or run with --config: what is valid is in force then"
            }
            Self::Forgotten => {
                "put it back from an earlier version and never remove it: names that were replaced would come back with the \
                 next delivery; without a version, forget each of them again"
            }
            Self::Metering => "ask whoever writes these records to write the file again",
        }
    }
}

/// What to do about an object that is damaged or gone.
pub fn cure(key: &str) -> &'static str {
    Kind::of(key).map_or("put it back from an earlier version or a copy", Kind::cure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_only_memory_of_what_was_told_is_never_said_to_be_removed() {
        let keys = [
            "claims/payer=1/period=2026-11.json",
            "history/export=e/period=2026-11/000001-1-a-0.json",
            "history/export=e/period=2026-11/000001-1-a-0.json.zst",
            "metrics/namespace=0a/told/export=e/period=2026-11.json.zst",
            "alerts/state.json",
            "digests/state.json",
            "config/forgotten.json",
        ];
        for key in keys {
            assert!(cure(key).contains("version") && cure(key).contains("never remove it"), "{key}: {}", cure(key));
        }
        for key in ["metrics/series.json", "operations/state.json"] {
            assert!(cure(key).contains("do not remove it"), "{key}: {}", cure(key));
        }
    }

    #[test]
    fn an_object_that_is_none_of_ours_has_no_kind_and_is_put_back() {
        for key in ["out/messages.jsonl", "state/strange", "x", "metrics/other.json"] {
            assert_eq!((Kind::of(key), cure(key)), (None, "put it back from an earlier version or a copy"), "{key}");
        }
    }
}
